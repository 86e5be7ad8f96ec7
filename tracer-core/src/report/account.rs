//! The reporter thread's account of what it took and what became of it.

use std::sync::PoisonError;

use crate::report::ReporterStats;
use crate::sync::Mutex;

/// What the reporter thread counts, for others to read: brought up to date in one step, so that each span is in one place.
#[derive(Debug, Default)]
pub(crate) struct Account(Mutex<Published>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Published {
    /// Spans taken from the rings and given to every reporter.
    pub(crate) drained: u64,
    pub(crate) reporters: Vec<ReporterStats>,
}

impl Account {
    pub(crate) fn read(&self) -> Published {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// As [`read`](Self::read), of a parent by its forked child: `None` if a thread that is gone was writing.
    pub(crate) fn read_after_fork(&self) -> Option<Published> {
        self.0.try_lock().ok().map(|published| published.clone())
    }

    pub(crate) fn publish(&self, drained: u64, reporters: impl Iterator<Item = ReporterStats>) {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        published.drained = drained;
        published.reporters.clear();
        published.reporters.extend(reporters);
    }
}
