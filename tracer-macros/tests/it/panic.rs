//! Panics and dropped futures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use futures::FutureExt;
use futures::executor::block_on;
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

struct Payload(u8);

#[traced]
fn fails(n: u8) {
    std::panic::panic_any(Payload(n));
}

#[traced(ret)]
fn fails_observed() -> u8 {
    fails(2);
    0
}

#[traced]
async fn fails_async() {
    step().await;
    fails(3);
}

#[traced]
async fn step() {
    tokio::task::yield_now().await;
}

fn payload(result: std::thread::Result<()>) -> u8 {
    result.unwrap_err().downcast_ref::<Payload>().unwrap().0
}

#[test]
fn a_panic_marks_its_spans_and_goes_on_untouched() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(payload(catch_unwind(|| fails(1))), 1);
    assert_eq!(payload(catch_unwind(|| assert_eq!(fails_observed(), 0))), 2);
    assert_eq!(
        payload(block_on(AssertUnwindSafe(fails_async()).catch_unwind())),
        3
    );
    assert!(tracer_core::active_span().context().is_none());
    assert_trace!(
        test,
        r#"
        fails {error=true} [event=error, error.kind=panic, message="the function panicked"]
        fails_observed {error=true} [event=error, error.kind=panic, message="the function panicked"]
          fails {error=true} [event=error, error.kind=panic, message="the function panicked"]
        fails_async {error=true} [event=error, error.kind=panic, message="the function panicked"]
          step
          fails {error=true} [event=error, error.kind=panic, message="the function panicked"]
    "#
    );
}

struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        cleanup(self.0);
    }
}

#[traced(tags(of))]
fn cleanup(of: &str) {}

#[traced]
async fn holds(_argument: Guard) {
    let _local = Guard("local");
    std::future::pending::<()>().await;
}

#[traced]
async fn finishes(_argument: Guard) {
    let _local = Guard("local");
}

#[test]
fn a_dropped_future_is_cancelled_and_cleans_up_in_its_span() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    {
        let mut future = pin!(holds(Guard("argument")));
        let _ = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
    }
    block_on(finishes(Guard("argument")));
    assert!(tracer_core::active_span().context().is_none());
    assert_trace!(
        test,
        "
        holds {cancelled=true}
          cleanup {of=local}
          cleanup {of=argument}
        finishes
          cleanup {of=local}
          cleanup {of=argument}
    "
    );
}

#[test]
fn a_future_never_polled_has_no_span() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    drop(step());
    assert_trace!(test, "");
}
