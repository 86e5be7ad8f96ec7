//! That calls in refused traces, whose spans have no ids, are not taken for others.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::{traced, tracer};
use crate::callsite::Callsite;
use crate::{Scope, SpanContext, Tracer, active_span};

static SITE: Callsite = Callsite::new("call", "tests", "tests.rs", 1);

/// Has the thread note some spans.
fn warm_up(tracer: &Tracer) {
    for _ in 0..4 {
        tracer.start_active_span("warm").finish();
    }
}

/// A call that is polled so often in vain. What is active in the last poll.
fn call(waits: usize) -> Option<SpanContext> {
    let (mut waits, mut asked) = (waits, None);
    let call = poll_fn(|_| {
        if let Some(left) = waits.checked_sub(1) {
            waits = left;
            return Poll::Pending;
        }
        asked = active_span().context();
        Poll::Ready(())
    });
    {
        let mut call = pin!(traced(|| (&SITE, None), call));
        let mut cx = Context::from_waker(Waker::noop());
        while call.as_mut().poll(&mut cx).is_pending() {}
    }
    asked
}

fn call_in_a_noted_scope(tracer: &Tracer) {
    let root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    assert_eq!(call(1), Some(outer.context()));
    assert_eq!(active_span().context(), Some(outer.context()));
    assert_eq!(outer.context().parent_id(), root.context().span_id());
}

#[test]
fn a_future_does_not_wait_as_the_span_that_called_it() {
    let (no, _) = tracer(false);
    thread::scope(|scope| scope.spawn(|| call_in_a_noted_scope(&no)).join()).unwrap();
}

#[test]
fn a_future_does_not_wait_as_the_span_that_called_it_after_sampled_ones() {
    let (no, memory) = tracer(false);
    let (yes, _) = tracer(true);
    let on_a_new_thread = || {
        warm_up(&yes);
        let root = yes.start_active_span("root");
        warm_up(&yes);
        let child = yes.start_active_span("child");
        let _ = child.context();
        drop((child, root));
        call_in_a_noted_scope(&no);
    };
    thread::scope(|scope| scope.spawn(on_a_new_thread).join()).unwrap();
    no.flush(Duration::from_secs(30)).unwrap();
    assert!(memory.is_empty());
}

#[test]
fn a_refused_call_stays_refused_where_no_tracer_is() {
    let memory = crate::MemoryReporter::new();
    let named = [("refused", 0.0), ("inner", 1.0)];
    let sampler = crate::Sampler::per_operation(1.0, 0.0, named).unwrap();
    let builder = Tracer::builder("traced").sampler(sampler);
    let tracer = builder.reporter(memory.clone()).build().unwrap();
    let root = tracer.start_active_span("refused");
    let mut waits = true;
    let mut call = pin!(traced(
        || (&SITE, None),
        poll_fn(|_| {
            if std::mem::take(&mut waits) {
                return Poll::Pending;
            }
            tracer.start_span("inner").finish();
            tracer.start_active_span("inner").finish();
            Poll::Ready(())
        })
    ));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    drop(root);
    assert!(call.as_mut().poll(&mut cx).is_ready());
    tracer.flush(Duration::from_secs(30)).unwrap();
    assert!(memory.is_empty());
}

/// What is done on a new thread.
#[derive(Clone, Debug)]
enum Step {
    /// Enters a span of the tracer that takes all or of the one that refuses all.
    Enter(bool),
    Leave,
    Tag,
    Call(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => any::<bool>().prop_map(Step::Enter),
        4 => Just(Step::Leave),
        3 => Just(Step::Tag),
        2 => (0..4usize).prop_map(Step::Call),
    ]
}

/// Does it all, and then asks for the contexts of what is still open. The numbers that the sampled spans were tagged with last,
/// sorted; calls have none.
fn perform(yes: &Tracer, no: &Tracer, steps: &[Step]) -> Vec<Option<i64>> {
    let mut open: Vec<(Scope, Option<i64>)> = Vec::new();
    let (mut is_sampled, mut sampled) = (false, Vec::new());
    for (n, step) in (0..).zip(steps) {
        match step {
            Step::Enter(taken) => {
                if open.is_empty() {
                    is_sampled = *taken;
                }
                let tracer = if *taken { yes } else { no };
                open.push((tracer.start_active_span("span"), None));
            }
            Step::Leave => {
                let left = open.pop().filter(|_| is_sampled);
                sampled.extend(left.map(|(_, tag)| tag));
            }
            Step::Tag => {
                if let Some((scope, tag)) = open.last_mut() {
                    scope.set_tag("n", n);
                    *tag = Some(n);
                }
            }
            // Where nothing is active, no tracer is installed.
            Step::Call(waits) if !open.is_empty() => {
                let context = call(*waits).unwrap();
                assert_eq!(context.is_sampled(), is_sampled);
                sampled.extend(is_sampled.then_some(None));
            }
            Step::Call(_) => {}
        }
    }
    let contexts: Vec<_> = open.iter().map(|(scope, _)| scope.context()).collect();
    for pair in contexts.windows(2) {
        assert_eq!(pair[1].parent_id(), pair[0].span_id());
        assert_eq!(pair[1].trace_id(), pair[0].trace_id());
        assert_eq!(pair[1].is_sampled(), is_sampled);
    }
    while let Some((_, tag)) = open.pop() {
        sampled.extend(is_sampled.then_some(tag));
    }
    sampled.sort_unstable();
    sampled
}

proptest! {
    #[test]
    fn traces_of_two_tracers_keep_apart(steps in prop::collection::vec(step(), 0..60)) {
        let (no, refused) = tracer(false);
        let (yes, taken) = tracer(true);
        let done = thread::scope(|scope| scope.spawn(|| perform(&yes, &no, &steps)).join());
        let mut arrived = Vec::new();
        for (tracer, memory) in [(&yes, &taken), (&no, &refused)] {
            tracer.flush(Duration::from_secs(30)).unwrap();
            let spans = memory.take();
            arrived.extend(spans.iter().map(|span| match span.tag("n") {
                Some(crate::TagValue::I64(n)) => Some(n),
                _ => None,
            }));
        }
        arrived.sort_unstable();
        prop_assert_eq!(done.ok(), Some(arrived));
    }
}
