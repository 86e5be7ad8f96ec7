//! Counters of one writer each: what a thread counts without an atomic read-modify-write.

use std::ops::{Add, AddAssign};
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one thread. Only that thread writes them, so counting is a load and a store.
#[derive(Debug, Default)]
pub(crate) struct ThreadCounts {
    pub(crate) started: Count,
    pub(crate) finished: Count,
    pub(crate) refused: Count,
    pub(crate) withdrawn: Count,
    pub(crate) queue_full: Count,
    pub(crate) after_shutdown: Count,
}

/// A counter with one writer.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    #[inline]
    pub(crate) fn add(&self, more: u64) {
        self.0.store(self.get() + more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl ThreadCounts {
    pub(crate) fn totals(&self) -> ThreadTotals {
        // Finished first: a span counted as finished was counted as started before, so `open` is never negative.
        let finished = self.finished.get();
        ThreadTotals {
            finished,
            started: self.started.get(),
            refused: self.refused.get(),
            withdrawn: self.withdrawn.get(),
            queue_full: self.queue_full.get(),
            after_shutdown: self.after_shutdown.get(),
        }
    }
}

/// The counters of some threads at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ThreadTotals {
    pub(crate) started: u64,
    pub(crate) finished: u64,
    pub(crate) refused: u64,
    pub(crate) withdrawn: u64,
    pub(crate) queue_full: u64,
    pub(crate) after_shutdown: u64,
}

impl Add for ThreadTotals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            started: self.started + other.started,
            finished: self.finished + other.finished,
            refused: self.refused + other.refused,
            withdrawn: self.withdrawn + other.withdrawn,
            queue_full: self.queue_full + other.queue_full,
            after_shutdown: self.after_shutdown + other.after_shutdown,
        }
    }
}

impl AddAssign for ThreadTotals {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
