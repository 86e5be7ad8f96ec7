//! Keeping the newest traces, in memory, under a cap on their bytes.
//!
//! One lock guards everything. It is held to link a batch's spans in, to copy the pointers a search looks at, and to
//! unlink what is evicted; spans are prepared before it, compared and freed after it.

mod index;
mod kept;
mod query;
mod wait;

pub(crate) use index::OVERFLOW;
pub use query::Query;
pub use wait::WaitTimeout;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::model::{Span, Trace, TraceId};
use crate::stats::StoreStats;
use kept::{Group, Inserted, Kept};

/// Bytes of spans that are read before they are kept.
const PIECE: usize = 1 << 20;

/// Traces a search looks at under one lock.
const SLICE: usize = 256;

/// The traces an agent keeps. A handle: clones share the traces, and they outlive the agent.
///
/// All methods are synchronous; none waits for the network, and only those named `wait_*` wait at all.
///
/// ```
/// use std::time::Duration;
/// use tracer_agent::{Agent, Query};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let agent = Agent::builder().ephemeral_ports().start()?;
/// let slow = Query::new().service("shop").min_duration(Duration::from_secs(1));
/// assert!(agent.store().find(&slow).is_empty()); // nothing was sent yet
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    /// Told after every insertion.
    changed: Condvar,
}

impl Store {
    /// An empty store that keeps at most about `bytes` bytes of traces and `spans_per_trace` spans of each.
    pub(crate) fn new(bytes: usize, spans_per_trace: usize) -> Self {
        let kept = Mutex::new(Kept::new(bytes, spans_per_trace));
        Self {
            shared: Arc::new(Shared {
                kept,
                changed: Condvar::new(),
            }),
        }
    }

    /// Takes the spans of a batch in. Evicts the traces that were silent longest when they do not fit. Gives back those
    /// that are valid and new here, kept or not.
    pub(crate) fn insert(&self, spans: Vec<Span>) -> Vec<Arc<[Span]>> {
        let received = spans.len();
        let groups = Group::split(spans);
        let Inserted { new, evicted } = self.lock().insert(received, groups);
        // Freed here, after the lock.
        drop(evicted);
        self.shared.changed.notify_all();
        new
    }

    /// Counts spans that were received and are none.
    pub(crate) fn refuse(&self, spans: u64) {
        self.lock().refuse(spans);
    }

    /// The trace with this id, as far as it has arrived.
    #[must_use]
    pub fn trace(&self, id: TraceId) -> Option<Arc<Trace>> {
        self.lock().trace(id)
    }

    /// The traces that `query` describes, at most its limit, newest first.
    ///
    /// Looks at the traces of the service and operation, from the one that arrived last, until there are enough; the
    /// cost grows with the traces looked at, not with those kept.
    #[must_use]
    pub fn find(&self, query: &Query) -> Vec<Arc<Trace>> {
        // Spans of several threads do not arrive in the order in which their traces started.
        let enough = query.limit.saturating_add(SLICE);
        let mut found: Vec<_> = self.matching(query).take(enough).collect();
        // Arrival is the order in which they were found; people read the order of their starts.
        found.sort_by_cached_key(|trace| std::cmp::Reverse(trace.start_micros()));
        found.truncate(query.limit);
        found
    }

    /// All traces that `query` describes, whatever its limit, from the one that arrived last. Holds on to those of a slice.
    pub(crate) fn matching(&self, query: &Query) -> impl Iterator<Item = Arc<Trace>> {
        let mut before = Some(u64::MAX);
        let slices = std::iter::from_fn(move || {
            let (slice, next) = self.lock().newest(query, before?, SLICE);
            before = next;
            Some(slice)
        });
        slices.flatten().filter(|trace| query.matches(trace))
    }

    /// The names of the services that have traces here, sorted.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        self.lock().services()
    }

    /// The operation names of a service, sorted.
    #[must_use]
    pub fn operations(&self, service: &str) -> Vec<String> {
        self.lock().operations(service)
    }

    /// What became of the spans received.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.lock().stats()
    }

    /// A poisoned lock is taken over: every step under it leaves the store consistent enough to be read.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.shared
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the spans that `read` gives in pieces: however many they are, little is held beside the store.
pub(crate) fn in_pieces<T>(
    mut keep: impl FnMut(Vec<Span>),
    read: impl FnOnce(&mut dyn FnMut(Span)) -> T,
) -> T {
    let (mut piece, mut bytes) = (Vec::<Span>::new(), 0);
    let read = read(&mut |span| {
        let last = piece.last();
        if !last.is_some_and(|last| Arc::ptr_eq(&last.process, &span.process)) {
            bytes += span.process.cost();
        }
        bytes += span.cost();
        piece.push(span);
        if bytes >= PIECE {
            keep(std::mem::take(&mut piece));
            bytes = 0;
        }
    });
    keep(piece);
    read
}

#[cfg(test)]
mod tests;
