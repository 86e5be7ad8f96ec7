//! Panics, dropped futures, and functions of unusual kinds.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::task::{Context, Waker};

use futures::FutureExt;
use futures::executor::block_on;

use crate::tree::assert_tree;
use crate::{peer, shape};

shape! { panics
    #[peer]
    fn fails() {
        panic_any("fails");
    }

    #[peer]
    async fn fails_async() {
        step().await;
        panic_any("fails");
    }

    pub(in super::super) fn run() {
        assert!(catch_unwind(fails).is_err());
        assert!(block_on(AssertUnwindSafe(fails_async()).catch_unwind()).is_err());
    }
}

#[test]
fn neither_marks_a_panic() {
    let unmarked = "
        fails
        fails_async
          step
        ";
    assert_tree!(peer::instrument(panics::instrument::run), unmarked);
    assert_tree!(peer::trace(panics::trace::run), unmarked);
}

shape! { dropped
    struct Guard(fn());

    impl std::fmt::Debug for Guard {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Guard")
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    #[peer]
    fn clean_argument() {}

    #[peer]
    fn clean_local() {}

    #[peer]
    async fn holds(_argument: Guard) {
        let _local = Guard(clean_local);
        std::future::pending::<()>().await;
    }

    pub(in super::super) fn run() {
        let mut future = pin!(holds(Guard(clean_argument)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
}

#[test]
fn instrument_does_not_mark_a_dropped_future() {
    assert_tree!(
        peer::instrument(dropped::instrument::run),
        "
        clean_argument
        holds {_argument=Guard}
          clean_local
        "
    );
}

#[test]
fn fastrace_does_not_mark_a_dropped_future_and_drops_it_outside_of_its_span() {
    assert_tree!(
        peer::trace(dropped::trace::run),
        "
        clean_argument
        clean_local
        holds
        "
    );
}

#[expect(unsafe_code, reason = "the shape is an unsafe function")]
mod unusual {
    use super::*;

    shape! { functions
        #[peer]
        unsafe fn read(pointer: *const u8) -> u8 {
            prefix();
            unsafe { *pointer }
        }

        #[peer]
        extern "C" fn callback() {
            prefix();
        }

        pub(in super::super) fn run() {
            assert_eq!(unsafe { read(&7) }, 7);
            callback();
        }
    }

    #[test]
    fn both_trace_unsafe_and_foreign_functions() {
        let traced = peer::instrument(functions::instrument::run);
        assert!(
            traced.starts_with("callback\n  prefix\nread {pointer=0x"),
            "{traced}"
        );
        assert!(traced.ends_with("}\n  prefix\n"), "{traced}");
        assert_tree!(
            peer::trace(functions::trace::run),
            "
            callback
              prefix
            read
              prefix
            "
        );
    }
}

mod exits {
    use super::*;

    #[fastrace::trace]
    fn exits() -> ! {
        panic_any("exits")
    }

    /// `#[instrument]` does not compile here: see `tests/ui`.
    #[test]
    fn fastrace_traces_a_function_that_does_not_return() {
        assert_tree!(
            peer::trace(|| assert!(catch_unwind(|| exits()).is_err())),
            "exits"
        );
    }
}
