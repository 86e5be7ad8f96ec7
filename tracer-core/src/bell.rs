//! What wakes the reporter thread.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::sync::{self, AtomicBool, Thread};

/// Rung by any thread, and heard by the reporter thread. That a thread is unparked is not enough: the mark which that leaves is
/// taken by whoever parks next there, and a reporter may wait for something of its own.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    thread: OnceLock<Thread>,
    is_rung: AtomicBool,
}

impl Bell {
    /// Names the thread that hears it.
    pub(crate) fn set_thread(&self, thread: Thread) {
        // Set once, by the builder, before any other thread can know this bell.
        let _ = self.thread.set(thread);
    }

    #[cold]
    pub(crate) fn ring(&self) {
        self.is_rung.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Waits until it is rung, if it was not since the last time, or for so long, or less.
    pub(crate) fn wait(&self, at_most: Duration) {
        if !self.take() {
            sync::park_timeout(at_most);
            self.take();
        }
    }

    /// What whoever rang had done before is seen then.
    fn take(&self) -> bool {
        self.is_rung.swap(false, Ordering::AcqRel)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn it_is_heard_though_another_wait_took_its_mark() {
        let bell = Bell::default();
        bell.set_thread(thread::current());
        let begun = Instant::now();
        bell.ring();
        // As a channel does on which a reporter waits.
        thread::park();
        bell.wait(LONG);
        assert!(begun.elapsed() < LONG);
        // Once.
        bell.wait(Duration::from_millis(1));
        assert!(begun.elapsed() >= Duration::from_millis(1));
    }
}
