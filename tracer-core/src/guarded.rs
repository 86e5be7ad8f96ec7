//! Code of others on threads of ours.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls what may panic, which must not end the thread. `None` if it did.
pub(crate) fn guarded<R>(call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Some(result),
        Err(payload) => {
            // Dropping what a panic was thrown with may panic in turn.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
            None
        }
    }
}
