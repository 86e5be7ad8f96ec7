//! What the agent knows of a trace: batches as they arrive, traces as they are kept.
//!
//! The words are those of OpenTracing and of Jaeger's Thrift IDL. Text and lists are boxed slices, not growable
//! vectors: nothing here grows after it was received, and a span of 144 bytes instead of 200 decides how many
//! traces fit under the store's cap.

mod id;
mod span;
mod tag;
mod trace;

pub use id::{ParseIdError, SpanId, TraceId};
pub use span::{Log, RefType, Reference, Span};
pub use tag::{Tag, TagValue};
pub use trace::Trace;

use std::sync::Arc;

/// The process that reported a span: its service name and the tags that hold for all of its spans.
#[derive(Debug, Clone, PartialEq, Hash)]
#[non_exhaustive]
pub struct Process {
    /// The service name.
    pub service: Box<str>,
    /// Process tags, `hostname`, `ip`, `jaeger.version`, `client-uuid` and the user's own.
    pub tags: Box<[Tag]>,
}

impl Process {
    /// The value of the first tag named `key`.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&TagValue> {
        tag::find(&self.tags, key)
    }

    /// Bytes this process takes in memory, allocator's overhead included.
    pub(crate) fn cost(&self) -> usize {
        size_of::<Self>() + cost::block(self.service.len()) + tag::cost(&self.tags)
    }
}

/// What one message of a client holds: some finished spans of one process.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Batch {
    /// The reporting process; every span of the batch shares it.
    pub process: Arc<Process>,
    /// The spans, in the order they were sent.
    pub spans: Vec<Span>,
    /// The client's number of this batch, from 1, when it numbers them. Gaps are lost batches.
    pub seq_no: Option<i64>,
    /// What the client itself had to drop so far, when it says so.
    pub stats: Option<ClientStats>,
}

/// Spans a client lost before sending, counted by the client since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct ClientStats {
    /// Dropped because the client's queue was full.
    pub full_queue_dropped_spans: i64,
    /// Dropped because one span did not fit a datagram.
    pub too_large_dropped_spans: i64,
    /// Lost because sending failed.
    pub failed_to_emit_spans: i64,
}

/// Estimates of what the allocator takes, for the byte cap of the store.
pub(crate) mod cost {
    /// Bytes a heap block for `len` bytes takes: an 8-byte header, multiples of 16, at least 32, as glibc does it.
    pub(crate) fn block(len: usize) -> usize {
        if len == 0 {
            0
        } else {
            ((len + 8 + 15) & !15).max(32)
        }
    }
}
