//! The ring between a thread and the reporter thread: one producer, one consumer, so handing a span over is a move and a
//! store. Tags and logs go ahead of their span through a ring of bytes. What does not fit is dropped, and said to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use crate::clock::Instant;
use crate::context::state;
use crate::details::{Details, Limits, Spares};
use crate::record::SpanRecord;
use crate::report::queue::Hub;

/// Spans a ring holds.
const RING_SPANS: usize = 2048;
/// Spans after which a thread wakes the reporter thread rather than wait for the flush interval.
pub(crate) const WAKE_SPANS: usize = RING_SPANS / 2;
/// Bytes of tags and logs a ring holds.
const RING_BLOCKS: usize = 1 << 18;
/// Bytes after which a thread wakes the reporter thread.
const WAKE_BYTES: usize = RING_BLOCKS / 2;
/// Details that are longer go in their box.
const LONGEST_BLOCK: usize = 1 << 12;
/// Bytes of details in boxes a ring holds.
const RING_BOXES: usize = 1 << 18;
/// Bytes a ring takes at most.
pub(crate) const RING_BYTES: usize =
    RING_SPANS * size_of::<SpanRecord>() + RING_BLOCKS + RING_BOXES;
/// Spans that are given to the reporters at once: what they read is then still in the cache, and the thread gets the room
/// for them before the next are read.
pub(crate) const BATCH_SPANS: usize = 256;
/// Details a thread keeps for its next spans: as many as it has open at once with tags, usually.
const KEPT_DETAILS: usize = 32;
/// What became of a span that was handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Handed {
    Queued,
    Full,
    Closed,
}

/// A thread's end: the producer of spans.
#[derive(Debug)]
pub(crate) struct Ring {
    spans: Producer<SpanRecord>,
    /// Details of the spans, in the same order.
    blocks: Producer<u8>,
    spares: Spares,
    /// Bytes of boxes that went in; and came out, as far as last seen.
    boxes_in: usize,
    boxes_out: usize,
    boxes_drained: Arc<AtomicUsize>,
    spans_since_wake: usize,
    bytes_since_wake: usize,
}

/// The reporter thread's end.
#[derive(Debug)]
pub(crate) struct Drain {
    spans: Consumer<SpanRecord>,
    blocks: Consumer<u8>,
    boxes_drained: Arc<AtomicUsize>,
}

/// A ring's two ends.
pub(crate) fn ring() -> (Ring, Drain) {
    let (spans_in, spans_out) = RingBuffer::new(RING_SPANS);
    let (blocks_in, blocks_out) = RingBuffer::new(RING_BLOCKS);
    let boxes_drained = Arc::new(AtomicUsize::new(0));
    let ring = Ring {
        spans: spans_in,
        blocks: blocks_in,
        spares: Spares::new(KEPT_DETAILS),
        boxes_in: 0,
        boxes_out: 0,
        boxes_drained: Arc::clone(&boxes_drained),
        spans_since_wake: 0,
        bytes_since_wake: 0,
    };
    let drain = Drain {
        spans: spans_out,
        blocks: blocks_out,
        boxes_drained,
    };
    (ring, drain)
}

impl Ring {
    /// Empty details.
    #[inline]
    pub(crate) fn details(&mut self, limits: Limits) -> Box<Details> {
        self.spares.take(limits)
    }

    /// Moves a span that ended at `end` into the ring, or drops it if there is no room. What is left of `record` owns
    /// nothing.
    #[inline]
    pub(crate) fn hand_over(&mut self, record: &mut SpanRecord, end: Instant, hub: &Hub) -> Handed {
        if hub.is_closed() {
            record.clear();
            return Handed::Closed;
        }
        if record.details.is_some() && !self.send_details(record, hub) {
            record.clear();
            return Handed::Full;
        }
        // A full ring gives the record back, which is then dropped. It has no details: they did not go.
        if self.spans.push(record.take_ended(end)).is_err() {
            return Handed::Full;
        }
        self.spans_since_wake += 1;
        if self.spans_since_wake == WAKE_SPANS {
            self.wake(hub);
        }
        Handed::Queued
    }

    /// Sends the details of a span ahead of it, if there is room for both. They stay here emptied, in either case; those that
    /// cannot be sent as bytes stay in the record, whose box goes with it.
    fn send_details(&mut self, record: &mut SpanRecord, hub: &Hub) -> bool {
        let Some(mut details) = record.details.take() else {
            return true;
        };
        let has_room = !self.spans.is_full();
        let sent = match details.sealed_len() {
            Some(bytes) if bytes <= LONGEST_BLOCK => {
                let sent = has_room && self.blocks.push_entire_slice(details.seal()).is_ok();
                if sent {
                    record.context.state |= state::SEALED;
                    self.bytes_since_wake += bytes;
                }
                sent
            }
            _ if has_room && self.admit(details.footprint()) => {
                record.details = Some(details);
                return true;
            }
            _ => false,
        };
        if self.bytes_since_wake >= WAKE_BYTES {
            self.wake(hub);
        }
        self.spares.give(details);
        sent
    }

    #[cold]
    fn wake(&mut self, hub: &Hub) {
        self.spans_since_wake = 0;
        self.bytes_since_wake = 0;
        hub.wake();
    }

    /// Whether the cap on boxes allows one more of that many bytes, which are then counted. Reads what the other side writes
    /// only when it must.
    fn admit(&mut self, bytes: usize) -> bool {
        let allowed =
            |out: usize| self.boxes_in.wrapping_sub(out).saturating_add(bytes) <= RING_BOXES;
        if !allowed(self.boxes_out) {
            let out = self.boxes_drained.load(Ordering::Relaxed);
            if !allowed(out) {
                return false;
            }
            self.boxes_out = out;
        }
        self.boxes_in = self.boxes_in.wrapping_add(bytes);
        true
    }
}

impl Drain {
    /// Hands what is queued to `report`, in place, then makes room of it. How many spans it was.
    ///
    /// `pool` lends the details that bytes are read into. The spans themselves are only read where they can be: a thread
    /// that writes to what this one wrote to waits for it.
    pub(crate) fn drain(
        &mut self,
        pool: &mut Spares,
        mut report: impl FnMut(&[SpanRecord]),
    ) -> usize {
        // What comes meanwhile waits for the next round: one thread must not keep the others waiting.
        let count = self.spans.slots();
        let mut left = count;
        while let Ok(mut chunk) = self.spans.read_chunk(left.min(BATCH_SPANS)) {
            if chunk.is_empty() {
                break;
            }
            left -= chunk.len();
            let (first, second) = chunk.as_mut_slices();
            load(&mut self.blocks, pool, first.iter_mut().chain(second));
            let (first, second) = chunk.as_slices();
            for slice in [first, second] {
                if !slice.is_empty() {
                    report(slice);
                }
            }
            let (first, second) = chunk.as_mut_slices();
            let freed = unload(pool, first.iter_mut().chain(second));
            if freed > 0 {
                self.boxes_drained.fetch_add(freed, Ordering::Relaxed);
            }
            chunk.commit_all();
        }
        count - left
    }

    /// Whether its thread has ended and nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.spans.is_abandoned() && self.spans.is_empty()
    }
}

/// Gives spans the details that were sent ahead of them.
fn load<'r>(
    blocks: &mut Consumer<u8>,
    pool: &mut Spares,
    spans: impl Iterator<Item = &'r mut SpanRecord>,
) {
    let Ok(chunk) = blocks.read_chunk(blocks.slots()) else {
        return;
    };
    let (mut first, mut second) = chunk.as_slices();
    let all = chunk.len();
    for record in spans {
        if record.context.state & state::SEALED != 0 {
            let mut details = pool.take(Limits::default());
            let bytes = details.load(first, second);
            let of_first = bytes.min(first.len());
            first = first.get(of_first..).unwrap_or_default();
            second = second.get(bytes - of_first..).unwrap_or_default();
            record.details = Some(details);
        }
    }
    let used = all - first.len() - second.len();
    chunk.commit(used);
}

/// Takes the details back. How many bytes were in boxes of other threads.
fn unload<'r>(pool: &mut Spares, spans: impl Iterator<Item = &'r mut SpanRecord>) -> usize {
    let mut freed = 0;
    for record in spans {
        // Not `take` for all: that writes to those that have none, too.
        if record.details.is_some()
            && let Some(details) = record.details.take()
        {
            if record.context.state & state::SEALED == 0 {
                freed += details.footprint();
            } else {
                pool.give(details);
            }
        }
    }
    freed
}
