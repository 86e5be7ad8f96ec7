//! Ten thousand tasks cancelled at random points: every span ends once, in its place.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::task::{Context, Waker};

use tokio::task::yield_now;
use tracer_core::{MemoryReporter, Sampler, SpanRecord, TraceFuture, Tracer, active_span};

use crate::{Dice, PATIENCE, assert_ledger};

/// A request with steps, the operation of each naming the one that must be its parent.
async fn request(tracer: Tracer) {
    for _ in 0..3 {
        yield_now().await;
        let first = async {
            yield_now().await;
            tracer.start_active_span("query<step").finish();
            yield_now().await;
        };
        let second = async {
            yield_now().await;
            tracer.start_span("render<other").finish();
        };
        let step = first.in_span(tracer.start_span("step<request"));
        let other = second.in_span(tracer.start_span("other<request"));
        futures_util::future::join(step, other).await;
    }
}

fn tracer(memory: &MemoryReporter) -> Tracer {
    Tracer::builder("it")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .unwrap()
}

fn assert_all_in_their_places(spans: &[SpanRecord]) {
    let names: HashMap<_, _> = spans
        .iter()
        .map(|span| (span.span_id(), span.operation_name()))
        .collect();
    assert_eq!(names.len(), spans.len(), "every span ends once");
    for span in spans {
        let expected = span
            .operation_name()
            .split_once('<')
            .map(|(_, parent)| parent);
        let parent = names
            .get(&span.parent_id())
            .map(|name| name.split('<').next().unwrap());
        assert_eq!(parent, expected, "{span:?}");
    }
}

#[test]
fn tasks_dropped_at_random_points() {
    let memory = MemoryReporter::with_capacity(usize::MAX);
    let tracer = tracer(&memory);
    let mut dice = Dice(0xca9ce1);
    let mut waiting: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    for task in 0..10_000 {
        waiting.push(Box::pin(
            request(tracer.clone()).in_span(tracer.start_span("request")),
        ));
        // A few at once, so that they are polled in turns.
        let at = dice.roll(waiting.len() as u64) as usize;
        for _ in 0..dice.roll(20) {
            if waiting[at]
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready()
            {
                break;
            }
            assert!(active_span().context().is_none());
        }
        drop(waiting.swap_remove(at));
        assert!(active_span().context().is_none());
        if dice.roll(4) == 0 {
            waiting.push(Box::pin(
                request(tracer.clone()).in_span(tracer.start_span("request")),
            ));
        }
        if task % 50 == 0 {
            tracer.flush(PATIENCE).unwrap();
        }
    }
    for task in waiting.drain(..) {
        drop(task);
        if tracer.stats().queued > 500 {
            tracer.flush(PATIENCE).unwrap();
        }
    }
    let spans = all_spans(&tracer, &memory);
    let cancelled: HashSet<_> = spans
        .iter()
        .filter(|span| span.tag("cancelled").is_some())
        .map(SpanRecord::operation_name)
        .collect();
    assert_eq!(
        cancelled,
        HashSet::from(["request", "step<request", "other<request"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_aborted_on_a_runtime_of_many_threads() {
    let memory = MemoryReporter::with_capacity(usize::MAX);
    let tracer = tracer(&memory);
    let mut dice = Dice(0xab027);
    for _ in 0..100 {
        let tasks: Vec<_> = (0..20)
            .map(|_| tokio::spawn(request(tracer.clone()).in_span(tracer.start_span("request"))))
            .collect();
        for task in tasks {
            for _ in 0..dice.roll(4) {
                yield_now().await;
            }
            task.abort();
            let _ = task.await;
        }
        tracer.flush(PATIENCE).unwrap();
    }
    all_spans(&tracer, &memory);
}

/// All spans that were started: each is there, and in its place.
fn all_spans(tracer: &Tracer, memory: &MemoryReporter) -> Vec<SpanRecord> {
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_ledger(&stats);
    assert_eq!(
        (stats.open(), stats.queue_full, stats.out_of_order),
        (0, 0, 0)
    );
    let spans = memory.take();
    assert_eq!(spans.len() as u64, stats.started);
    assert_all_in_their_places(&spans);
    spans
}
