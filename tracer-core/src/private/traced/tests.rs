//! That the spans of traced futures are the same wherever these are polled, and however often in vain.

mod refused;

use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;

use super::traced;
use crate::callsite::Callsite;
use crate::{MemoryReporter, Sampler, Tracer, active_span};

/// What a traced function does.
#[derive(Clone, Debug)]
enum Step {
    Yield,
    Tag,
    AskForContext,
    /// Awaits a call.
    Call(Vec<Self>),
    /// Awaits two calls in turns.
    Join(Vec<Self>, Vec<Self>),
}

/// Where a future is polled.
#[derive(Clone, Copy, Debug)]
enum Place {
    Home,
    /// Under another span of the same trace.
    Beside,
    /// Where nothing is active.
    Outside,
    /// On another thread.
    Elsewhere,
}

/// A call as the model knows it.
#[derive(Clone, Debug)]
struct Call {
    parent: Option<usize>,
    is_complete: bool,
}

type Calls = Arc<Mutex<Vec<Call>>>;
type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

fn tracer(sampled: bool) -> (Tracer, MemoryReporter) {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("traced")
        .sampler(Sampler::constant(sampled))
        .reporter(memory.clone())
        .build()
        .unwrap();
    // The first span of a thread takes a record, for it gives the thread its ring.
    tracer.start_active_span("first").finish();
    tracer.flush(Duration::from_secs(30)).unwrap();
    let _ = memory.take();
    (tracer, memory)
}

static SITES: LazyLock<Vec<Callsite>> = LazyLock::new(|| {
    let site = |i| Callsite::new(format!("call-{i}").leak(), "tests", "tests.rs", 1);
    (0..100).map(site).collect()
});

fn yield_now() -> impl Future<Output = ()> {
    let mut is_ready = false;
    std::future::poll_fn(move |_| {
        if std::mem::replace(&mut is_ready, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
}

fn call(steps: Vec<Step>, parent: Option<usize>, calls: &Calls) -> Run {
    let calls = Arc::clone(calls);
    Box::pin(async move {
        let id = {
            let mut calls = calls.lock().unwrap();
            calls.push(Call {
                parent,
                is_complete: false,
            });
            calls.len() - 1
        };
        let body = run(steps, id, Arc::clone(&calls));
        traced(move || (&SITES[id], None), body).await;
    })
}

async fn run(steps: Vec<Step>, id: usize, calls: Calls) {
    for step in steps {
        match step {
            Step::Yield => yield_now().await,
            Step::Tag => drop(active_span().set_tag("tag", id as i64)),
            Step::AskForContext => drop(active_span().context()),
            Step::Call(steps) => call(steps, Some(id), &calls).await,
            Step::Join(first, second) => {
                let mut both = [first, second].map(|steps| Some(call(steps, Some(id), &calls)));
                std::future::poll_fn(|cx| {
                    for future in &mut both {
                        if let Some(running) = future
                            && running.as_mut().poll(cx).is_ready()
                        {
                            *future = None;
                        }
                    }
                    if both.iter().all(Option::is_none) {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
            }
        }
    }
    calls.lock().unwrap()[id].is_complete = true;
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        4 => Just(Step::Yield),
        1 => Just(Step::Tag),
        1 => Just(Step::AskForContext),
    ];
    let step = leaf.prop_recursive(3, 24, 4, |step| {
        let steps = prop::collection::vec(step, 0..4);
        prop_oneof![
            steps.clone().prop_map(Step::Call),
            (steps.clone(), steps).prop_map(|(first, second)| Step::Join(first, second)),
        ]
    });
    prop::collection::vec(step, 1..5)
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        6 => Just(Place::Home),
        1 => Just(Place::Beside),
        1 => Just(Place::Outside),
        1 => Just(Place::Elsewhere),
    ]
}

/// Polls a future at some places, and then drops it at the last one.
fn poll(tracer: &Tracer, mut future: Run, places: &[Place]) {
    let mut root = Some(tracer.start_active_span("root"));
    let is_ready = |future: &mut Run| {
        let mut cx = Context::from_waker(Waker::noop());
        future.as_mut().poll(&mut cx).is_ready()
    };
    for place in places {
        let done = match place {
            Place::Home => is_ready(&mut future),
            Place::Beside => {
                let _beside = tracer.start_active_span("beside");
                is_ready(&mut future)
            }
            Place::Outside => {
                let span = root.take().map(crate::Scope::into_span);
                let done = is_ready(&mut future);
                root = span.map(crate::Span::activate);
                done
            }
            Place::Elsewhere => {
                std::thread::scope(|scope| scope.spawn(|| is_ready(&mut future)).join().unwrap())
            }
        };
        if done {
            break;
        }
    }
    drop(future);
    drop(root);
}

fn name(id: Option<usize>) -> String {
    id.map_or_else(|| "root".to_owned(), |id| format!("call-{id}"))
}

proptest! {
    #[test]
    fn traced_futures_have_the_same_spans_wherever_they_are_polled(
        steps in steps(),
        mut places in prop::collection::vec(place(), 1..30),
    ) {
        // Begun elsewhere it would be another's child.
        places[0] = Place::Home;
        let (tracer, memory) = tracer(true);
        let calls = Calls::default();
        poll(&tracer, call(steps, None, &calls), &places);
        tracer.flush(Duration::from_secs(30)).unwrap();
        let spans = memory.take();
        let name_of = |id| {
            let span = spans.iter().find(|span| span.span_id() == id);
            span.map_or("none", |span| span.operation_name()).to_owned()
        };
        let mut found: Vec<_> = spans
            .iter()
            .filter(|span| span.operation_name().starts_with("call"))
            .map(|span| {
                let cancelled = span.tags().any(|(key, _)| key == "cancelled");
                (span.operation_name().to_owned(), name_of(span.parent_id()), !cancelled)
            })
            .collect();
        let calls = calls.lock().unwrap().clone();
        let mut expected: Vec<_> = calls
            .iter()
            .enumerate()
            .map(|(id, call)| (name(Some(id)), name(call.parent), call.is_complete))
            .collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
        let traces: std::collections::BTreeSet<_> = spans.iter().map(|span| span.trace_id()).collect();
        prop_assert_eq!(traces.len(), 1);
        let stats = tracer.stats();
        prop_assert_eq!((stats.open(), stats.lost(), stats.out_of_order), (0, 0, 0));
    }
}

#[test]
fn a_future_that_waited_and_panics_has_one_span_that_says_so() {
    let (tracer, memory) = tracer(true);
    let root = tracer.start_active_span("root");
    let future = traced(|| (&SITES[0], None), async {
        yield_now().await;
        panic!("on purpose");
    });
    let mut future = Box::pin(future);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_pending());
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = future.as_mut().poll(&mut cx);
    }));
    assert!(polled.is_err());
    drop(future);
    drop(root);
    tracer.flush(Duration::from_secs(30)).unwrap();
    let spans = memory.take();
    let names: Vec<_> = spans.iter().map(|span| span.operation_name()).collect();
    assert_eq!(names, ["call-0", "root"]);
    assert!(spans[0].tags().any(|(key, _)| key == "error"));
}
