//! What the agent counts: every datagram and every span ends in exactly one of these numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::receive::{Cause, Client};

/// A snapshot of everything the agent counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Messages received, by the port they came to.
    pub received: Received,
    /// What became of their spans.
    pub store: StoreStats,
    /// What was sent on, if anything is.
    pub forward: Option<ForwardStats>,
    /// The clients that number their batches or tell their own losses.
    pub clients: Vec<Client>,
}

/// Messages received, by the port they came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Received {
    /// Thrift compact over UDP.
    pub compact: Messages,
    /// Thrift binary over UDP.
    pub binary: Messages,
    /// Thrift binary over HTTP.
    pub http: Messages,
    /// OTLP over HTTP.
    pub otlp: Messages,
}

/// Messages received on one port: `ok` and [`refused`](Self::refused) add up to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Messages {
    /// Read and handed to the store.
    pub ok: u64,
    /// Ended before a value did.
    pub truncated: u64,
    /// Declared a size they could not hold.
    pub size: u64,
    /// Nested too deep.
    pub depth: u64,
    /// Not the protocol of the port.
    pub malformed: u64,
    /// Lacked a required field.
    pub missing_field: u64,
    /// Called a method other than `emitBatch`.
    pub unknown_method: u64,
    /// Dropped unread because too many were waiting.
    pub overflowed: u64,
    /// Dropped by the kernel because the port's buffer was full, as Linux counts it. Not received, and so in no other
    /// number; other systems do not say.
    pub kernel_dropped: u64,
    /// Made the agent panic, before or after it was counted as `ok`: a defect of the agent, please report it.
    pub panicked: u64,
}

impl Messages {
    /// Messages that arrived and were not read, of all causes.
    #[must_use]
    pub fn refused(&self) -> u64 {
        let Self {
            ok: _,
            truncated,
            size,
            depth,
            malformed,
            missing_field,
            unknown_method,
            overflowed,
            kernel_dropped: _,
            panicked,
        } = *self;
        truncated
            + size
            + depth
            + malformed
            + missing_field
            + unknown_method
            + overflowed
            + panicked
    }
}

/// What became of the spans received: `spans_received` is the sum of the other `spans_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct StoreStats {
    /// Spans handed to the store.
    pub spans_received: u64,
    /// Spans in the store now.
    pub spans_kept: u64,
    /// Spans that went with an evicted trace.
    pub spans_evicted: u64,
    /// Spans that had arrived before, equal in everything.
    pub spans_repeated: u64,
    /// Spans refused because their trace has grown too large.
    pub spans_refused: u64,
    /// Spans refused because their trace or span id is zero or none, or because one is too large by itself.
    pub spans_invalid: u64,
    /// Traces in the store now.
    pub traces_kept: u64,
    /// Traces evicted to stay under the cap.
    pub traces_evicted: u64,
    /// Estimated bytes of the traces kept.
    pub bytes: u64,
    /// The cap on them.
    pub bytes_limit: u64,
}

/// What became of the spans to be sent on, which are those kept and those refused as parts of too large traces:
/// `spans_accepted` is the sum of the other `spans_*`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ForwardStats {
    /// The URL they are sent to.
    pub to: String,
    /// Spans to be sent on.
    pub spans_accepted: u64,
    /// Spans the collector took.
    pub spans_sent: u64,
    /// Spans waiting, or being sent.
    pub spans_waiting: u64,
    /// Spans dropped because too many were waiting.
    pub spans_dropped: u64,
    /// Spans the collector refused, in a way that trying again would not change.
    pub spans_refused: u64,
    /// Spans left over when the agent ended.
    pub spans_unsent: u64,
    /// Estimated bytes of those waiting; most share them with the store.
    pub bytes: u64,
    /// The cap on them.
    pub bytes_limit: u64,
    /// Requests that failed and were tried again.
    pub retries: u64,
}

/// The live counters of one port.
#[derive(Debug, Default)]
pub(crate) struct MessageCounters {
    ok: AtomicU64,
    refused: [AtomicU64; Cause::ALL.len()],
    overflowed: AtomicU64,
    panicked: AtomicU64,
}

impl MessageCounters {
    pub(crate) fn count_ok(&self) {
        self.ok.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a refused message; returns whether it is the first of its cause.
    pub(crate) fn count_refused(&self, cause: Cause) -> bool {
        self.refused[cause.index()].fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Counts a message dropped unread; returns whether it is the first.
    pub(crate) fn count_overflowed(&self) -> bool {
        self.overflowed.fetch_add(1, Ordering::Relaxed) == 0
    }

    pub(crate) fn count_panicked(&self) {
        self.panicked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Messages {
        let refused = |cause: Cause| self.refused[cause.index()].load(Ordering::Relaxed);
        Messages {
            ok: self.ok.load(Ordering::Relaxed),
            truncated: refused(Cause::Truncated),
            size: refused(Cause::Size),
            depth: refused(Cause::Depth),
            malformed: refused(Cause::Malformed),
            missing_field: refused(Cause::Missing),
            unknown_method: refused(Cause::Method),
            overflowed: self.overflowed.load(Ordering::Relaxed),
            kernel_dropped: 0,
            panicked: self.panicked.load(Ordering::Relaxed),
        }
    }
}
