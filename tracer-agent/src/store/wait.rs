//! Waiting for spans, which arrive when the network pleases, without polling.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{Query, Store};
use crate::model::{Trace, TraceId};

/// The time given to a `wait_*` method went by. Says what there was instead.
#[derive(Debug, Clone)]
pub struct WaitTimeout {
    waited: Duration,
    awaited: String,
    /// What had arrived, when anything had.
    pub last: Option<Arc<Trace>>,
}

impl fmt::Display for WaitTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waited {:?} for {}: ", self.waited, self.awaited)?;
        match &self.last {
            Some(trace) => write!(
                f,
                "{} spans arrived, and the condition is not met",
                trace.len()
            ),
            None => f.write_str("nothing arrived"),
        }
    }
}

impl std::error::Error for WaitTimeout {}

impl Store {
    /// Waits until `enough` says so of the trace with this id, and returns it. Blocks the thread; sleeps in between.
    ///
    /// `enough` is called with each state of the trace, at first with the present one, and not while the store is locked.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] when `limit` went by before.
    pub fn wait_for_trace(
        &self,
        id: TraceId,
        enough: impl FnMut(&Trace) -> bool,
        limit: Duration,
    ) -> Result<Arc<Trace>, WaitTimeout> {
        self.wait(
            limit,
            || format!("trace {id}"),
            |store| store.trace(id),
            enough,
        )
    }

    /// Waits until the trace with this id has at least `count` spans. As [`wait_for_trace`](Self::wait_for_trace).
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] when `limit` went by before.
    pub fn wait_for_spans(
        &self,
        id: TraceId,
        count: usize,
        limit: Duration,
    ) -> Result<Arc<Trace>, WaitTimeout> {
        let awaited = || format!("{count} spans of trace {id}");
        self.wait(
            limit,
            awaited,
            |store| store.trace(id),
            |trace| trace.len() >= count,
        )
    }

    /// Waits until `enough` says so of one of the traces that `query` describes, for those who do not know the id.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] when `limit` went by before.
    pub fn wait_for(
        &self,
        query: &Query,
        mut enough: impl FnMut(&Trace) -> bool,
        limit: Duration,
    ) -> Result<Arc<Trace>, WaitTimeout> {
        let mut last = None;
        let found = self.wait_until(limit, |store| {
            let traces = store.find(query);
            last = traces.first().cloned().or_else(|| last.take());
            traces.into_iter().find(|trace| enough(trace))
        });
        found.ok_or_else(|| WaitTimeout {
            waited: limit,
            awaited: String::from("a trace of the query"),
            last,
        })
    }

    fn wait(
        &self,
        limit: Duration,
        awaited: impl FnOnce() -> String,
        look: impl Fn(&Self) -> Option<Arc<Trace>>,
        mut enough: impl FnMut(&Trace) -> bool,
    ) -> Result<Arc<Trace>, WaitTimeout> {
        let mut last = None;
        let found = self.wait_until(limit, |store| {
            let trace = look(store)?;
            if enough(&trace) {
                return Some(trace);
            }
            last = Some(trace);
            None
        });
        found.ok_or_else(|| WaitTimeout {
            waited: limit,
            awaited: awaited(),
            last,
        })
    }

    /// Calls `look` now and after each insertion until it has something.
    fn wait_until<T>(
        &self,
        limit: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now().checked_add(limit);
        loop {
            // The count is read before looking: an insertion in between is seen by the comparison below.
            let seen = self.lock().insertions();
            if let Some(found) = look(self) {
                return Some(found);
            }
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                return None;
            }
            let wait = self
                .shared
                .changed
                .wait_timeout_while(self.lock(), left, |kept| kept.insertions() == seen);
            drop(wait.unwrap_or_else(PoisonError::into_inner));
        }
    }
}
