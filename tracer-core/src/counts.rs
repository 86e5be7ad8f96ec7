//! Counters of one writer each: what a thread counts without an atomic read-modify-write.

use std::sync::atomic::Ordering;

use crate::sync::AtomicU64;

/// The counters of one thread. Only that thread writes them, so counting is a load and a store; on a cache line of their own, or
/// two where they are fetched in pairs, or those of two threads would wait for each other.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct ThreadCounts {
    /// Spans that got a record when they started. Others start as notes, and are counted when their lines are written.
    pub(crate) started: Count,
    /// Lines written to the thread's [lane](crate::report::lane), whose tail this is: each is a span that finished.
    pub(crate) lines: Count,
    /// Those of spans that had a record.
    pub(crate) records: Count,
    /// Spans that finished without a line.
    pub(crate) lineless: Count,
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
        // Released, so that whoever sees a later counter of a span's way sees the earlier ones: free on x86.
        self.0
            .store(self.0.load(Ordering::Relaxed) + more, Ordering::Release);
    }

    /// Read by the thread that writes it.
    #[inline]
    pub(crate) fn own(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set(&self, count: u64) {
        self.0.store(count, Ordering::Release);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
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

impl ThreadTotals {
    /// The spans that wait for the reporter thread, which took `drained`.
    pub(crate) fn queued(&self, drained: u64) -> u64 {
        let gone = self.withdrawn + self.queue_full + self.after_shutdown + drained;
        self.finished.saturating_sub(gone)
    }

    /// Adds the counters of threads that go on counting meanwhile.
    ///
    /// Read is in the order of a span's way backwards, and each step of all threads before the next, as a span may start
    /// on one and finish on another: so none is seen later on its way than it was counted.
    pub(crate) fn add<'a>(&mut self, threads: impl Iterator<Item = &'a ThreadCounts> + Clone) {
        for thread in threads.clone() {
            self.withdrawn += thread.withdrawn.get();
            self.queue_full += thread.queue_full.get();
            self.after_shutdown += thread.after_shutdown.get();
        }
        let mut lines = 0;
        for thread in threads.clone() {
            lines += thread.lines.get();
            self.finished += thread.lineless.get();
        }
        self.finished += lines;
        let records: u64 = threads.clone().map(|thread| thread.records.get()).sum();
        for thread in threads {
            self.started += thread.started.get();
            self.refused += thread.refused.get();
        }
        // Those that had a record are among them twice.
        self.started = (self.started + lines).saturating_sub(records);
    }
}
