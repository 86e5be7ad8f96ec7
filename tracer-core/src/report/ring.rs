//! The ring between a thread and the reporter thread: one producer, one consumer, so handing a span over is a store. Tags
//! and logs go ahead of their span through a ring of bytes. What does not fit is dropped, and said to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use crate::clock::Instant;
use crate::context::state;
use crate::details::{Details, Limits, Spares};
use crate::record::{SamplerTags, SpanRecord};
use crate::report::queue::Hub;
use crate::report::slip::{Brief, More, Slip, Trace};

/// Slips a ring holds: a span takes one, and each change of the trace one more.
const RING_SLIPS: usize = if cfg!(loom) { 8 } else { 4096 };
/// Slips after which a thread wakes the reporter thread rather than wait for the flush interval.
const WAKE_SLIPS: usize = RING_SLIPS / 2;
/// The most that a span takes.
const SLIPS_OF_SPAN: usize = 3;
/// Bytes of tags and logs a ring holds.
const RING_BLOCKS: usize = 1 << 18;
/// Bytes after which a thread wakes the reporter thread.
const WAKE_BYTES: usize = RING_BLOCKS / 2;
/// Details that are longer go in their box.
const LONGEST_BLOCK: usize = 1 << 12;
/// Bytes of details in boxes a ring holds.
const RING_BOXES: usize = 1 << 18;
/// Bytes a ring takes at most.
pub(crate) const RING_BYTES: usize = RING_SLIPS * size_of::<Slip>() + RING_BLOCKS + RING_BOXES;
/// Slips that are read at once. What is made of them then stays in the cache, and their thread gets the room for them
/// before the next are read.
const BATCH_SLIPS: usize = 256;
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
    slips: Producer<Slip>,
    /// The trace of the last span.
    trace: Trace,
    /// Details of the spans, in the same order.
    blocks: Producer<u8>,
    spares: Spares,
    /// Bytes of boxes that went in; and came out, as far as last seen.
    boxes_in: usize,
    boxes_out: usize,
    boxes_drained: Arc<AtomicUsize>,
    slips_since_wake: usize,
    bytes_since_wake: usize,
}

/// The reporter thread's end.
#[derive(Debug)]
pub(crate) struct Drain {
    slips: Consumer<Slip>,
    /// What was said of the spans to come.
    trace: Trace,
    sampler: Option<SamplerTags>,
    more: More,
    blocks: Consumer<u8>,
    boxes_drained: Arc<AtomicUsize>,
}

/// Where slips become spans again: one for all rings.
#[derive(Debug)]
pub(crate) struct Batch {
    spans: Vec<SpanRecord>,
    spares: Spares,
}

/// A ring's two ends.
pub(crate) fn ring() -> (Ring, Drain) {
    let (slips_in, slips_out) = RingBuffer::new(RING_SLIPS);
    let (blocks_in, blocks_out) = RingBuffer::new(RING_BLOCKS);
    let boxes_drained = Arc::new(AtomicUsize::new(0));
    let ring = Ring {
        slips: slips_in,
        trace: Trace::NONE,
        blocks: blocks_in,
        spares: Spares::new(KEPT_DETAILS),
        boxes_in: 0,
        boxes_out: 0,
        boxes_drained: Arc::clone(&boxes_drained),
        slips_since_wake: 0,
        bytes_since_wake: 0,
    };
    let drain = Drain {
        slips: slips_out,
        trace: Trace::NONE,
        sampler: None,
        more: More::default(),
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
        let is_plain = self.trace.is_of(record) && record.sampler.is_none() && !More::is_in(record);
        if hub.is_closed() || !is_plain {
            let ready = self.send_ahead(record, hub);
            if ready != Handed::Queued {
                record.clear();
                return ready;
            }
        }
        self.send_brief(Brief::of(record, end), record.context.state, hub)
    }

    /// Makes the trace of a span the one of the spans to come. `None` if there is no room to say so.
    pub(crate) fn announce(&mut self, span: &SpanRecord) -> Option<()> {
        if !self.trace.is_of(span) {
            let trace = Trace::of(span);
            self.slips.push(Slip::Trace(trace, None)).ok()?;
            self.slips_since_wake += 1;
            self.trace = trace;
        }
        Some(())
    }

    /// Sends a span of the trace that was sent last, if there is room.
    #[inline]
    pub(crate) fn send_brief(&mut self, brief: Brief, state: u16, hub: &Hub) -> Handed {
        if self.slips.push(Slip::Span(brief, state)).is_err() {
            return Handed::Full;
        }
        self.slips_since_wake += 1;
        if self.slips_since_wake >= WAKE_SLIPS {
            self.wake(hub);
        }
        Handed::Queued
    }

    /// Sends what is to be known before a span, if there is room for all of it and the span.
    #[inline(never)]
    fn send_ahead(&mut self, record: &mut SpanRecord, hub: &Hub) -> Handed {
        if hub.is_closed() {
            return Handed::Closed;
        }
        let has_room =
            self.slips.cached_slots() >= SLIPS_OF_SPAN || self.slips.slots() >= SLIPS_OF_SPAN;
        if let Some(details) = record.details.take()
            && !self.send_details(details, record, has_room, hub)
        {
            return Handed::Full;
        }
        if !has_room {
            return Handed::Full;
        }
        if !self.trace.is_of(record) || record.sampler.is_some() {
            self.trace = Trace::of(record);
            self.send(Slip::Trace(self.trace, record.sampler));
        }
        if More::is_in(record) {
            self.send(Slip::More(More::take(record)));
        }
        Handed::Queued
    }

    /// Sends a slip for which there is room.
    fn send(&mut self, slip: Slip) {
        self.slips_since_wake += usize::from(self.slips.push(slip).is_ok());
    }

    /// Sends details as bytes, or gives the box back to the record if they cannot be. Emptied ones stay here, also if there
    /// is no room: a full ring is not the time to ask the allocator.
    fn send_details(
        &mut self,
        mut details: Box<Details>,
        record: &mut SpanRecord,
        has_room: bool,
        hub: &Hub,
    ) -> bool {
        let sent = match block_len(&details) {
            Some(bytes) => {
                let sent = has_room && self.blocks.push_entire_slice(details.seal()).is_ok();
                if sent {
                    record.context.state |= state::SEALED;
                    self.bytes_since_wake += bytes;
                }
                sent
            }
            None if has_room && self.admit(details.footprint()) => {
                record.details = Some(details);
                return true;
            }
            None => false,
        };
        if self.bytes_since_wake >= WAKE_BYTES {
            self.wake(hub);
        }
        self.spares.give(details);
        sent
    }

    #[cold]
    fn wake(&mut self, hub: &Hub) {
        self.slips_since_wake = 0;
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
    /// Hands what is queued to `report`. How many spans it was.
    pub(crate) fn drain(
        &mut self,
        batch: &mut Batch,
        mut report: impl FnMut(&[SpanRecord]),
    ) -> usize {
        let mut count = 0;
        // What comes meanwhile waits for the next round: one thread must not keep the others waiting.
        let mut left = self.slips.slots();
        while left > 0 {
            let read = self.read(left.min(BATCH_SLIPS), batch);
            if read == 0 {
                break;
            }
            left -= read;
            count += batch.spans.len();
            if !batch.spans.is_empty() {
                report(&batch.spans);
            }
            let freed = batch.clear();
            if freed > 0 {
                self.boxes_drained.fetch_add(freed, Ordering::Relaxed);
            }
        }
        count
    }

    /// Makes spans of so many slips. How many there were.
    fn read(&mut self, slips: usize, batch: &mut Batch) -> usize {
        // The bytes second: those of a span were there before its slip.
        let Ok(slips) = self.slips.read_chunk(slips) else {
            return 0;
        };
        let Ok(blocks) = self.blocks.read_chunk(self.blocks.slots()) else {
            return 0;
        };
        let (read, bytes) = (slips.len(), blocks.len());
        let (mut first, mut second) = blocks.as_slices();
        for slip in slips {
            match slip {
                Slip::Trace(trace, sampler) => {
                    self.trace = trace;
                    self.sampler = sampler;
                }
                Slip::More(more) => self.more = more,
                Slip::Span(brief, state) => {
                    let is_sealed = state & state::SEALED != 0;
                    let mut record = brief.into_record(
                        state & !state::SEALED,
                        &self.trace,
                        self.sampler.take(),
                        std::mem::take(&mut self.more),
                    );
                    if is_sealed {
                        let mut details = batch.spares.take(Limits::default());
                        let used = details.load(first, second);
                        let of_first = used.min(first.len());
                        first = first.get(of_first..).unwrap_or_default();
                        second = second.get(used - of_first..).unwrap_or_default();
                        record.details = Some(details);
                    }
                    batch.spans.push(record);
                }
            }
        }
        let used = bytes - first.len() - second.len();
        blocks.commit(used);
        read
    }

    /// Whether its thread has ended and nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.slips.is_abandoned() && self.slips.is_empty()
    }
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            spans: Vec::with_capacity(BATCH_SLIPS),
            spares: Spares::new(BATCH_SLIPS),
        }
    }

    /// Empties it. How many bytes the boxes of other threads had.
    fn clear(&mut self) -> usize {
        let mut freed = 0;
        for record in &mut self.spans {
            if let Some(details) = record.details.take() {
                match block_len(&details) {
                    Some(_) => self.spares.give(details),
                    None => freed += details.footprint(),
                }
            }
        }
        self.spans.clear();
        freed
    }
}

/// The bytes of details that go through the ring of bytes; others go in their box.
fn block_len(details: &Details) -> Option<usize> {
    details.sealed_len().filter(|&bytes| bytes <= LONGEST_BLOCK)
}
