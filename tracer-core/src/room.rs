//! Room for the spans that are held until it is decided about their traces: bounded, over all traces of a tracer.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::bell::Bell;
use crate::record::SpanRecord;

/// The room of a tracer, and what became of the spans that were in it.
#[derive(Debug)]
pub(crate) struct Room {
    max_spans: usize,
    max_bytes: usize,
    spans: AtomicUsize,
    bytes: AtomicUsize,
    closed: AtomicBool,
    /// Of the reporter thread.
    pub(crate) bell: Arc<Bell>,
    /// They keep their place until the reporter thread has fetched them: so all that waits is bounded.
    released: Mutex<Vec<Released>>,
    taken: AtomicU64,
    gone: Gone<AtomicU64>,
    refused: AtomicU64,
}

/// Spans on their way to the reporters, and the bytes they take.
#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) spans: Vec<SpanRecord>,
    pub(crate) bytes: usize,
}

/// Where spans went that were held.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Gone<N> {
    /// To the reporter thread.
    released: N,
    /// Nowhere: it was decided against their trace.
    pub(crate) not_kept: N,
    /// Nowhere, for want of room.
    pub(crate) no_room: N,
    /// Nowhere, for the tracer was shut down.
    pub(crate) after_shutdown: N,
}

/// What a room holds and where the others went, at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomTotals {
    pub(crate) held: u64,
    pub(crate) gone: Gone<u64>,
    /// Traces that the sampler refused late.
    pub(crate) refused: u64,
    pub(crate) bytes: u64,
}

impl RoomTotals {
    /// Spans that were held and then dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.gone.not_kept + self.gone.no_room + self.gone.after_shutdown
    }
}

/// Why spans that were held are dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    NotKept,
    NoRoom,
}

impl Room {
    pub(crate) fn new(max_spans: usize, max_bytes: usize) -> Self {
        Self {
            max_spans,
            max_bytes,
            spans: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            bell: Arc::default(),
            released: Mutex::default(),
            taken: AtomicU64::new(0),
            gone: Gone::default(),
            refused: AtomicU64::new(0),
        }
    }

    /// The room of the same tracer in the child of a fork.
    pub(crate) fn for_child(&self) -> Self {
        Self::new(self.max_spans, self.max_bytes)
    }

    /// From now on nothing that is released goes anywhere.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Counts a finished span whose trace is decided about late: the first step of its way.
    pub(crate) fn take(&self) {
        self.taken.fetch_add(1, Ordering::Release);
    }

    /// Counts a trace that the sampler refused late.
    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a place for a span of so many bytes; `false` if there is none.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        if self.spans.fetch_add(1, Ordering::Relaxed) >= self.max_spans {
            self.spans.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        if bytes == 0 {
            return true;
        }
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.max_bytes {
            self.free(1, bytes);
            return false;
        }
        true
    }

    /// Gives places back.
    pub(crate) fn free(&self, spans: usize, bytes: usize) {
        self.spans.fetch_sub(spans, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Counts spans that are dropped. Their places are the caller's to give back.
    pub(crate) fn drop_spans(&self, spans: usize, cause: Cause) {
        let count = match cause {
            Cause::NotKept => &self.gone.not_kept,
            Cause::NoRoom => &self.gone.no_room,
        };
        count.fetch_add(spans as u64, Ordering::Release);
    }

    /// Gives spans that have their places to the reporter thread, with them.
    pub(crate) fn release(&self, spans: Vec<SpanRecord>, bytes: usize) {
        let count = spans.len() as u64;
        if count == 0 {
            return;
        }
        if self.closed.load(Ordering::Relaxed) {
            self.gone.after_shutdown.fetch_add(count, Ordering::Release);
            self.free(spans.len(), bytes);
            return;
        }
        self.gone.released.fetch_add(count, Ordering::Release);
        self.released
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Released { spans, bytes });
        let is_half_full = self.spans.load(Ordering::Relaxed) > self.max_spans / 2
            || self.bytes.load(Ordering::Relaxed) > self.max_bytes / 2;
        if is_half_full {
            self.bell.ring();
        }
    }

    /// What was released since. The places are to be given back when it is reported.
    pub(crate) fn take_released(&self) -> Vec<Released> {
        std::mem::take(&mut *self.released.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is held and where the others went. Read in the order of a span's way backwards, so that none is seen later on
    /// its way than it was counted.
    pub(crate) fn totals(&self) -> RoomTotals {
        let read = |count: &AtomicU64| count.load(Ordering::Acquire);
        let gone = Gone {
            released: read(&self.gone.released),
            not_kept: read(&self.gone.not_kept),
            no_room: read(&self.gone.no_room),
            after_shutdown: read(&self.gone.after_shutdown),
        };
        let left = gone.released + gone.not_kept + gone.no_room + gone.after_shutdown;
        RoomTotals {
            held: read(&self.taken).saturating_sub(left),
            gone,
            refused: self.refused.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed) as u64,
        }
    }
}
