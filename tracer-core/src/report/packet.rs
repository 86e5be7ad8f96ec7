//! A message being filled with spans.

use std::marker::PhantomData;

use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::Losses;
use crate::wire::jaeger::{self, Extent, Framing};
use crate::wire::{Buffer, Known, Protocol};

/// A batch of spans of one process, encoded as they come and never longer than its limit.
///
/// What stands before the spans tells how many there are, in a number of varying length. So the spans are written behind
/// a headroom, and when the packet is closed the head is put right before them and the tail after: no span is encoded
/// twice or moved.
///
/// ```text
/// | headroom ... head | count | span | span | ... | tail | spare
/// ```
#[derive(Debug)]
pub(crate) struct Packet<P> {
    framing: Framing,
    limit: usize,
    buffer: Buffer,
    /// The process the packet is for.
    process: Option<Process>,
    /// The message up to the count of spans, which is written behind it anew for each packet.
    head: Buffer,
    head_len: usize,
    /// Where the first span begins.
    headroom: usize,
    /// The most that the tail can take.
    tail: usize,
    spans: usize,
    known: Known,
    protocol: PhantomData<fn() -> P>,
}

/// What is tried, in order, with a span that is too large for a packet of its own: first its logs go, then its values are
/// cut ever shorter, then all tags go.
const CUTS: [Extent; 6] = [
    Extent {
        logs: false,
        ..Extent::WHOLE
    },
    Extent {
        logs: false,
        tags: true,
        value_bytes: 1024,
    },
    Extent {
        logs: false,
        tags: true,
        value_bytes: 256,
    },
    Extent {
        logs: false,
        tags: true,
        value_bytes: 64,
    },
    Extent {
        logs: false,
        tags: true,
        value_bytes: 16,
    },
    Extent::MINIMAL,
];

/// Room behind the limit: numbers are stored ten bytes at a time, and traces as many as they take at most, whatever their length.
const SPARE: usize = Known::TRACE;

impl<P: Protocol> Packet<P> {
    /// An empty packet of at most `limit` bytes.
    pub(crate) fn new(framing: Framing, limit: usize) -> Self {
        let mut packet = Self {
            framing,
            limit,
            buffer: Buffer::with_capacity(limit + SPARE),
            process: None,
            head: Buffer::with_capacity(limit / 2),
            head_len: 0,
            headroom: 0,
            tail: 0,
            spans: 0,
            known: Known::default(),
            protocol: PhantomData,
        };
        let most = Losses {
            queue_full: 1 << 63,
            too_large: 1 << 63,
            failed: 1 << 63,
        };
        jaeger::batch_tail::<P>(&mut packet.buffer, framing, 1 << 63, most);
        packet.tail = packet.buffer.len();
        packet
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How many spans it holds.
    pub(crate) fn spans(&self) -> usize {
        self.spans
    }

    /// Begins anew with another limit. Spans in it are gone.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        let process = self.process.take();
        *self = Self::new(self.framing, limit);
        if let Some(process) = process {
            self.begin(&process);
        }
    }

    /// Whether spans of `process` can be added.
    pub(crate) fn is_for(&self, process: &Process) -> bool {
        self.process.as_ref() == Some(process)
    }

    /// Begins anew for `process`. Spans in it are gone.
    ///
    /// A process that would take more than half of each packet is cut as a span is: without room for spans there would be
    /// nothing to tell of it.
    pub(crate) fn begin(&mut self, process: &Process) {
        for extent in [Extent::WHOLE].iter().chain(&CUTS) {
            self.head.truncate(0);
            jaeger::batch_head::<P>(&mut self.head, self.framing, process, *extent);
            self.head_len = self.head.len();
            jaeger::spans_head::<P>(&mut self.head, i32::MAX as usize);
            if !self.head.is_full() {
                break;
            }
        }
        self.headroom = self.head.len();
        self.process = Some(process.clone());
        self.clear();
    }

    /// Removes all spans.
    pub(crate) fn clear(&mut self) {
        self.buffer.truncate(self.headroom);
        self.spans = 0;
    }

    /// Adds a span. `false` if it does not fit, and nothing changes.
    pub(crate) fn push(&mut self, record: &SpanRecord) -> bool {
        self.push_extent(record, Extent::WHOLE)
    }

    /// Adds as much of a span as fits. `false` if not even its identity does, and nothing changes.
    pub(crate) fn push_cut(&mut self, record: &SpanRecord) -> bool {
        self.push(record) || CUTS.iter().any(|extent| self.push_extent(record, *extent))
    }

    fn push_extent(&mut self, record: &SpanRecord, extent: Extent) -> bool {
        let before = self.buffer.len();
        jaeger::span::<P>(&mut self.buffer, record, extent, &mut self.known);
        let fits = !self.buffer.is_full() && self.buffer.len() + self.tail <= self.limit;
        if fits {
            self.spans += 1;
        } else {
            self.buffer.truncate(before);
        }
        fits
    }

    /// Completes the message. Afterwards the packet is to be [cleared](Self::clear).
    pub(crate) fn close(&mut self, sequence: u64, losses: Losses) -> &[u8] {
        jaeger::batch_tail::<P>(&mut self.buffer, self.framing, sequence, losses);
        self.head.truncate(self.head_len);
        jaeger::spans_head::<P>(&mut self.head, self.spans);
        let start = self.headroom - self.head.len();
        let bytes = self.buffer.as_mut_slice();
        bytes[start..self.headroom].copy_from_slice(self.head.as_slice());
        &bytes[start..]
    }
}

#[cfg(test)]
mod tests;
