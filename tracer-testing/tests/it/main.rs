//! The tools themselves: what passes, and above all what must fail.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests share fails as tests do"
)]

mod contracts;
mod test_tracer;
mod tree;

/// What a closure panics with.
#[track_caller]
fn complaint(work: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .expect_err("it should have failed");
    let owned = payload.downcast_ref::<String>().cloned();
    owned
        .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap()
}
