//! What threads meet by: the standard library's, or under `--cfg loom` a model checker's, which tries all orders in which
//! they may meet (`report/models.rs`).

#[cfg(not(loom))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64};
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::thread::{Thread, park_timeout};

    /// Starts a thread of ours.
    pub(crate) fn spawn(
        name: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Thread> {
        let thread = std::thread::Builder::new().name(name.to_owned());
        Ok(thread.spawn(run)?.thread().clone())
    }
}

#[cfg(loom)]
mod model {
    use std::cell::RefCell;
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64};
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

    loom::thread_local! {
        static CURRENT: RefCell<Option<Thread>> = RefCell::new(None);
    }

    /// A thread that can be woken. Not loom's own: that forgets a wake-up when the thread then waits for a lock.
    #[derive(Clone, Debug)]
    pub(crate) struct Thread(Arc<(Mutex<bool>, Condvar)>);

    impl Thread {
        pub(crate) fn unpark(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_one();
        }
    }

    pub(crate) fn spawn(_: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
        let thread = Thread(Arc::new((Mutex::new(false), Condvar::new())));
        let current = thread.clone();
        loom::thread::spawn(move || {
            CURRENT.with(|own| *own.borrow_mut() = Some(current));
            run();
        });
        Ok(thread)
    }

    /// Takes the mark of a wake-up, as whoever waits by parking does.
    #[cfg(test)]
    pub(crate) fn take_wake_up() {
        if let Some(Thread(parker)) = CURRENT.with(|own| own.borrow().clone()) {
            *parker.0.lock().unwrap() = false;
        }
    }

    /// Time does not pass: who is not woken sleeps for ever, and the model fails.
    pub(crate) fn park_timeout(_: Duration) {
        let Some(Thread(parker)) = CURRENT.with(|own| own.borrow().clone()) else {
            return;
        };
        let mut woken = parker.0.lock().unwrap();
        while !*woken {
            woken = parker.1.wait(woken).unwrap();
        }
        *woken = false;
    }
}

#[cfg(loom)]
pub(crate) use model::*;
#[cfg(not(loom))]
pub(crate) use real::*;
