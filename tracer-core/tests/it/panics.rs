//! Panics in traced code: the spans end, say so, and the thread's stack is as it was.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Waker};

use tracer_core::{MemoryReporter, Sampler, TraceFuture, Tracer, active_span};
use tracer_testing::{TestTracer, assert_trace};

use crate::{Dice, PATIENCE, assert_ledger};

/// Panics without the message that a test's output need not have.
fn fail() -> ! {
    resume_unwind(Box::new("quietly"))
}

#[test]
fn spans_open_at_a_panic_end_with_an_error() {
    let test = TestTracer::new("it").strict();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _outer = test.tracer().start_active_span("outer");
        let _held = test.tracer().start_span("held");
        test.tracer().start_active_span("done").finish();
        fail();
    }));
    assert!(caught.is_err());
    assert!(active_span().context().is_none());
    let error = r#"{error=true} [event=error, error.kind=panic, message="the function panicked"]"#;
    assert_trace!(test, &format!("outer {error}\n  held {error}\n  done"));
}

#[test]
fn spans_begun_while_unwinding_are_not_marked() {
    struct CleansUp(Tracer);
    impl Drop for CleansUp {
        fn drop(&mut self) {
            self.0.start_active_span("cleanup").set_tag("k", "v");
            self.0.start_span("more").finish();
        }
    }
    let test = TestTracer::new("it").strict();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _cleans_up = CleansUp(test.tracer().clone());
        fail();
    }));
    assert!(caught.is_err());
    assert_trace!(test, "cleanup {k=v}\nmore");
}

#[test]
fn ten_thousand_panics_leave_nothing_behind() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("it")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .unwrap();
    let mut dice = Dice(0x5eed);
    let mut expected = 0;
    for round in 0..10_000 {
        let (above, below) = (dice.roll(4), dice.roll(4));
        let in_future = dice.roll(2) == 0;
        expected += above + below + u64::from(in_future);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _above: Vec<_> = (0..above)
                .map(|_| tracer.start_active_span("above"))
                .collect();
            let work = || {
                let _below: Vec<_> = (0..below)
                    .map(|_| tracer.start_active_span("below"))
                    .collect();
                fail();
            };
            if in_future {
                let mut future = Box::pin(async { work() }.in_span(tracer.start_span("future")));
                let poll = Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()));
                assert!(poll.is_pending());
            } else {
                work();
            }
        }));
        assert!(caught.is_err());
        assert!(active_span().context().is_none(), "round {round}");
        if round % 200 == 0 {
            tracer.flush(PATIENCE).unwrap();
        }
    }
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_ledger(&stats);
    assert_eq!(
        (stats.started, stats.finished, memory.len() as u64),
        (expected, expected, expected)
    );
    let all_failed = memory
        .spans()
        .iter()
        .all(|span| span.tag("error").and_then(|error| error.as_bool()) == Some(true));
    assert!(all_failed);
}
