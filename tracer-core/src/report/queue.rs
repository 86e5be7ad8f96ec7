//! The way of finished spans from the threads that made them to the reporter thread.
//!
//! Each thread owns a small [ring](crate::report::ring) per tracer. The [`Hub`] is what both sides know: threads register
//! their rings there, the reporter thread is woken and asked there. Threads beyond the cap on memory share a locked queue.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::bell::Bell;
use crate::counts::{ThreadCounts, ThreadTotals};
use crate::details::Limits;
use crate::error::{FlushError, FlushErrorKind};
use crate::record::SpanRecord;
use crate::report::account::{Account, Published};
use crate::report::drain::Drain;
use crate::report::ring::{Handed, RING_BYTES, Ring, ring};
use crate::room::Room;
use crate::sync::{AtomicBool, AtomicU64, Condvar, Mutex, MutexGuard};

/// Spans the queue shared by the threads without a ring holds.
const OVERFLOW_SPANS: usize = if cfg!(loom) { 4 } else { 4096 };

/// What the threads of a process and one reporter thread share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) limits: Limits,
    /// For spans whose traces are decided about late.
    pub(crate) room: Arc<Room>,
    memory: usize,
    closed: AtomicBool,
    pub(crate) bell: Arc<Bell>,
    state: Mutex<State>,
    answered: Condvar,
    overflow: Mutex<Vec<SpanRecord>>,
    pub(crate) counts: HubCounts,
    pub(crate) account: Account,
    /// The process whose threads share it.
    process: u32,
}

/// What is counted where it may happen on any thread.
#[derive(Debug, Default)]
pub(crate) struct HubCounts {
    pub(crate) tags_ignored: AtomicU64,
    pub(crate) extract_failures: AtomicU64,
    pub(crate) out_of_order: AtomicU64,
    pub(crate) left_to_parent: AtomicU64,
    pub(crate) baggage_denied: AtomicU64,
    pub(crate) baggage_truncated: AtomicU64,
    pub(crate) debug_throttled: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    new: Vec<Drain>,
    rings: usize,
    asked: u64,
    answered: u64,
    closing: bool,
    ended: bool,
    threads: Vec<Arc<ThreadCounts>>,
    retired: ThreadTotals,
}

impl State {
    fn totals(&self) -> ThreadTotals {
        let mut totals = self.retired;
        totals.add(self.threads.iter().map(|thread| &**thread));
        totals
    }
}

/// What the reporter thread is to do in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders {
    /// Flush, and answer with this number.
    pub(crate) flush: Option<u64>,
    /// Stop after that.
    pub(crate) close: bool,
}

impl Hub {
    pub(crate) fn new(limits: Limits, memory: usize, room: Room) -> Self {
        Self {
            limits,
            bell: Arc::clone(&room.bell),
            room: Arc::new(room),
            memory,
            closed: AtomicBool::new(false),
            state: Mutex::default(),
            answered: Condvar::new(),
            overflow: Mutex::default(),
            counts: HubCounts::default(),
            account: Account::default(),
            process: std::process::id(),
        }
    }

    /// The hub that a forked child has in place of this one: empty, with no reporter thread yet.
    ///
    /// What is queued here stays the parent's, who reports it. It is counted, unless a thread that is gone held a lock at
    /// the fork: waiting for it would take for ever.
    pub(crate) fn for_child(&self) -> Self {
        let hub = Self::new(self.limits, self.memory, self.room.for_child());
        let queued = self.state.try_lock().ok().and_then(|state| {
            let drained = self.account.read_after_fork()?.drained;
            let dropped = self.room.totals().dropped();
            Some(state.totals().queued(drained + dropped))
        });
        hub.counts
            .left_to_parent
            .store(queued.unwrap_or(0), Ordering::Relaxed);
        hub
    }

    /// Registers the calling thread: its counters, and its ring unless the memory cap is reached.
    pub(crate) fn attach(&self, tracer: u32) -> (Option<Ring>, Arc<ThreadCounts>) {
        let counts = Arc::new(ThreadCounts::default());
        let Some(mut state) = self.lock_here(&self.state) else {
            return (None, counts);
        };
        state.threads.push(Arc::clone(&counts));
        if state.closing || (state.rings + 1).saturating_mul(RING_BYTES) > self.memory {
            return (None, counts);
        }
        let Some((ring, drain)) = ring(tracer, &counts, self.limits) else {
            return (None, counts);
        };
        state.rings += 1;
        state.new.push(drain);
        (Some(ring), counts)
    }

    /// Adds the counters of a thread that ends to those that stay.
    pub(crate) fn detach(&self, counts: &Arc<ThreadCounts>) {
        let Some(mut state) = self.lock_here(&self.state) else {
            return;
        };
        state.threads.retain(|other| !Arc::ptr_eq(other, counts));
        state.retired.add(std::iter::once(&**counts));
    }

    /// The counters of all threads that are and were.
    pub(crate) fn totals(&self) -> ThreadTotals {
        let state = self.lock_here(&self.state);
        state.map_or_else(ThreadTotals::default, |state| state.totals())
    }

    /// Takes a span of a thread without a ring.
    pub(crate) fn hand_over(&self, record: SpanRecord) -> Handed {
        if self.is_closed() {
            return Handed::Closed;
        }
        let Some(mut overflow) = self.lock_here(&self.overflow) else {
            return Handed::Closed;
        };
        if overflow.len() >= OVERFLOW_SPANS {
            return Handed::Full;
        }
        overflow.push(record);
        if overflow.len() == OVERFLOW_SPANS / 4 {
            self.bell.ring();
        }
        Handed::Queued
    }

    /// Counts a span that is made when its thread's counters are gone.
    #[cold]
    pub(crate) fn start_late(&self) {
        self.retire(|retired| retired.started += 1);
    }

    /// Counts and takes a span that ends when its thread's counters and ring are gone.
    #[cold]
    pub(crate) fn hand_over_late(&self, record: SpanRecord) {
        let recording = record.is_reported();
        self.retire(|retired| retired.finished += 1);
        if record.is_held() && record.context.local_trace().is_some() {
            record.give_to_trace(&self.room);
            return;
        }
        let handed = recording.then(|| self.hand_over(record));
        self.retire(|retired| match handed {
            None => retired.withdrawn += 1,
            Some(Handed::Queued) => {}
            Some(Handed::Full) => retired.queue_full += 1,
            Some(Handed::Closed) => retired.after_shutdown += 1,
        });
    }

    fn retire(&self, count: impl FnOnce(&mut ThreadTotals)) {
        if let Some(mut state) = self.lock_here(&self.state) {
            count(&mut state.retired);
        }
    }

    /// All spans of the threads without a ring.
    pub(crate) fn take_overflow(&self) -> Vec<SpanRecord> {
        std::mem::take(&mut *self.overflow.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether spans finished from now on go nowhere.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Begins a round of the reporter thread: adds rings that are new.
    pub(crate) fn begin_round(&self, drains: &mut Vec<Drain>) -> Orders {
        let mut state = self.lock();
        drains.append(&mut state.new);
        Orders {
            flush: (state.asked > state.answered).then_some(state.asked),
            close: state.closing,
        }
    }

    /// Ends a round: `done` rings are gone, and the flushes up to `flushed` are answered.
    pub(crate) fn end_round(&self, done: usize, flushed: Option<u64>) {
        let mut state = self.lock();
        state.rings -= done.min(state.rings);
        if let Some(number) = flushed {
            state.answered = number;
            self.answered.notify_all();
        }
    }

    /// Says that the reporter thread is gone, however it went.
    pub(crate) fn end(&self) {
        self.close_ways();
        let mut state = self.lock();
        state.ended = true;
        state.closing = true;
        self.answered.notify_all();
    }

    /// Whether the reporter thread is gone: what is queued now stays there.
    pub(crate) fn is_ended(&self) -> bool {
        self.lock_here(&self.state).is_none_or(|state| state.ended)
    }

    /// What the reporter thread counted.
    pub(crate) fn published(&self) -> Published {
        if self.is_elsewhere() {
            self.account.read_after_fork().unwrap_or_default()
        } else {
            self.account.read()
        }
    }

    /// Asks for a flush and waits until it is answered.
    pub(crate) fn flush(&self, within: Duration) -> Result<(), FlushError> {
        self.expect_worker()?;
        let deadline = deadline(within);
        let mut state = self.lock();
        state.asked += 1;
        let number = state.asked;
        self.bell.ring();
        while state.answered < number {
            if state.ended {
                return Err(FlushError {
                    kind: FlushErrorKind::Ended,
                });
            }
            state = self.wait(state, deadline)?;
        }
        Ok(())
    }

    /// Asks the reporter thread to send all there is and to stop; does not wait.
    pub(crate) fn close(&self) {
        self.close_ways();
        if let Some(mut state) = self.lock_here(&self.state) {
            state.closing = true;
        }
        self.bell.ring();
    }

    fn close_ways(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.room.close();
    }

    /// Waits until the reporter thread has stopped.
    pub(crate) fn wait_end(&self, within: Duration) -> Result<(), FlushError> {
        self.expect_worker()?;
        let deadline = deadline(within);
        let mut state = self.lock();
        while !state.ended {
            state = self.wait(state, deadline)?;
        }
        Ok(())
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        deadline: Instant,
    ) -> Result<MutexGuard<'a, State>, FlushError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(FlushError {
                kind: FlushErrorKind::Deadline,
            });
        }
        Ok(self
            .answered
            .wait_timeout(state, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0)
    }

    /// Whether this is the child of a fork that did not prepare: the reporter thread is the parent's.
    fn is_elsewhere(&self) -> bool {
        std::process::id() != self.process
    }

    fn expect_worker(&self) -> Result<(), FlushError> {
        if self.is_elsewhere() {
            let kind = FlushErrorKind::Ended;
            return Err(FlushError { kind });
        }
        Ok(())
    }

    /// A lock for threads of the application. `None` if it is held by a thread of the parent process, which will never give
    /// it back here. As [`lock`](Self::lock) it does not mind poison.
    fn lock_here<'a, T>(&self, mutex: &'a Mutex<T>) -> Option<MutexGuard<'a, T>> {
        match mutex.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poison)) => Some(poison.into_inner()),
            Err(TryLockError::WouldBlock) if self.is_elsewhere() => None,
            Err(TryLockError::WouldBlock) => {
                Some(mutex.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// No code that can panic runs under this lock, so a poisoned one holds sound data.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a wait; `Duration::MAX` and the like, which no clock can be moved by, wait for a year.
fn deadline(within: Duration) -> Instant {
    Instant::now() + within.min(Duration::from_secs(365 * 86_400))
}
