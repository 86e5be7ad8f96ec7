//! A thread's end of its way to the reporter thread: one producer, one consumer, so handing a span over is a few stores.
//!
//! Each span is a line of a [lane](crate::report::lane). What few spans have goes ahead of it: tags and logs through a ring
//! of bytes, the rest through one of values. What does not fit is dropped, and said to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtrb::{Producer, RingBuffer};

use crate::callsite::Callsite;
use crate::clock::Instant;
use crate::context::SpanContext;
use crate::details::{Details, Limits, Spares};
use crate::name::Name;
use crate::record::SpanRecord;
use crate::report::drain::Drain;
use crate::report::lane::{LINES, Writer, lane};
use crate::report::line::{Brief, Line, Mark, More, Trace};
use crate::report::queue::Hub;

/// Spans after which a thread wakes the reporter thread rather than wait for the flush interval.
const WAKE_LINES: u64 = LINES as u64 / 2;
/// What few spans have: one value for each, and one for a name that is new.
const RING_EXTRAS: usize = 2 * LINES;
/// Bytes of tags and logs a ring holds.
const RING_BLOCKS: usize = 1 << 18;
/// Bytes after which a thread wakes the reporter thread.
const WAKE_BYTES: usize = RING_BLOCKS / 2;
/// Bytes of details in boxes a ring holds.
const RING_BOXES: usize = 1 << 18;
/// Bytes a ring takes at most.
pub(crate) const RING_BYTES: usize =
    LINES * size_of::<Line>() + RING_EXTRAS * size_of::<Extra>() + RING_BLOCKS + RING_BOXES;
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
    lane: Writer,
    /// The trace of the last span.
    trace: Trace,
    /// The names that the other side knows by number.
    names: Box<Names>,
    extras: Producer<Extra>,
    /// Details of the spans, in the same order.
    blocks: Producer<u8>,
    spares: Spares,
    /// Bytes of boxes that went in; and came out, as far as last seen.
    boxes_in: usize,
    boxes_out: usize,
    boxes_drained: Arc<AtomicUsize>,
    bytes_since_wake: usize,
}

/// Names by their [hashes](Name::hash). One that is not there takes the place of another.
pub(super) type Names = [Name; 256];

/// What words and bytes cannot say. Of one span, what it has comes first, and then its name.
#[derive(Debug)]
pub(super) enum Extra {
    /// The next name that has no number yet.
    Name(Name),
    /// What the next span has.
    More(More),
}

/// A ring's two ends, for spans of one tracer.
pub(crate) fn ring(tracer: u32) -> Option<(Ring, Drain)> {
    let (lane_in, lane_out) = lane()?;
    let (extras_in, extras_out) = RingBuffer::new(RING_EXTRAS);
    let (blocks_in, blocks_out) = RingBuffer::new(RING_BLOCKS);
    let boxes_drained = Arc::new(AtomicUsize::new(0));
    let ring = Ring {
        lane: lane_in,
        trace: Trace::NONE,
        names: Box::new([Name::NONE; 256]),
        extras: extras_in,
        blocks: blocks_in,
        spares: Spares::new(KEPT_DETAILS),
        boxes_in: 0,
        boxes_out: 0,
        boxes_drained: Arc::clone(&boxes_drained),
        bytes_since_wake: 0,
    };
    let drain = Drain::new(tracer, lane_out, extras_out, blocks_out, boxes_drained);
    Some((ring, drain))
}

impl Ring {
    /// Empty details.
    #[inline]
    pub(crate) fn details(&mut self, limits: Limits) -> Box<Details> {
        self.spares.take(limits)
    }

    /// The same if there are used ones.
    #[inline]
    pub(crate) fn used_details(&mut self) -> Option<Box<Details>> {
        self.spares.pop()
    }

    /// Moves a span that ended at `end` into the ring, or drops it if there is no room. What is left of `record` owns
    /// nothing.
    #[inline]
    pub(crate) fn hand_over(&mut self, record: &mut SpanRecord, end: Instant, hub: &Hub) -> Handed {
        if hub.is_closed() {
            record.clear();
            return Handed::Closed;
        }
        let Some(mark) = self.send_ahead(record, hub) else {
            record.clear();
            return Handed::Full;
        };
        let brief = Brief::of(record, end);
        let trace = Trace::of(&record.context);
        let sampler = record.sampler;
        if trace == self.trace && sampler.is_none() {
            self.push(hub, |line| line.write(mark, brief));
        } else {
            self.trace = trace;
            self.push(hub, |line| line.write_first(mark, brief, trace, sampler));
        }
        Handed::Queued
    }

    /// The same for a span of the last span's trace that has no more than its name.
    #[inline]
    pub(crate) fn hand_over_brief(
        &mut self,
        brief: Brief,
        name: Name,
        state: u16,
        hub: &Hub,
    ) -> Handed {
        if !self.lane.has_room() {
            return Handed::Full;
        }
        let Some(mark) = self.mark(state, name) else {
            return Handed::Full;
        };
        self.push(hub, |line| line.write(mark, brief));
        Handed::Queued
    }

    /// The same for a span of the trace of that context.
    pub(crate) fn hand_over_first(
        &mut self,
        brief: Brief,
        name: Name,
        state: u16,
        of: &SpanContext,
        hub: &Hub,
    ) -> Handed {
        if !self.lane.has_room() {
            return Handed::Full;
        }
        let Some(mark) = self.mark(state, name) else {
            return Handed::Full;
        };
        let trace = Trace::of(of);
        self.trace = trace;
        self.push(hub, |line| line.write_first(mark, brief, trace, None));
        Handed::Queued
    }

    /// Writes a line, for which there must be room.
    #[inline]
    fn push(&mut self, hub: &Hub, write: impl FnOnce(&Line)) {
        if self.lane.push(write).is_multiple_of(WAKE_LINES) {
            hub.wake();
        }
    }

    /// Sends what goes ahead of the line of a span, if there is room for all of it and the line.
    #[inline]
    fn send_ahead(&mut self, record: &mut SpanRecord, hub: &Hub) -> Option<Mark> {
        if !self.lane.has_room() {
            return None;
        }
        let more = if More::is_in(record) {
            self.send_more(record, hub)?
        } else {
            Mark::PLAIN
        };
        let mark = self.mark(record.context.state, record.name)?;
        Some(mark.with(more))
    }

    /// The mark of a span. `None` if its name has no number yet and there is no room to give it one.
    #[inline]
    fn mark(&mut self, state: u16, name: Name) -> Option<Mark> {
        let number = name.hash();
        let mark = Mark::new(state, number);
        if self.names[usize::from(number)].is(name) {
            Some(mark)
        } else {
            let (text, site) = name.parts();
            self.send_name(number, text, site)?;
            Some(mark.with(Mark::NAME))
        }
    }

    /// Gives a name a number.
    #[cold]
    fn send_name(
        &mut self,
        number: u8,
        text: &'static str,
        site: Option<&'static Callsite>,
    ) -> Option<()> {
        let name = Name::of(text, site);
        self.extras.push(Extra::Name(name)).ok()?;
        self.names[usize::from(number)] = name;
        Some(())
    }

    #[inline(never)]
    fn send_more(&mut self, record: &mut SpanRecord, hub: &Hub) -> Option<Mark> {
        // For its name too, which comes last.
        let has_room = self.extras.cached_slots() >= 2 || self.extras.slots() >= 2;
        let mut mark = Mark::PLAIN;
        if let Some(details) = record.details.take() {
            match block_len(&details) {
                Some(bytes) => mark = self.send_block(details, bytes, has_room, hub)?,
                None => self.admit_box(details, record, has_room)?,
            }
        }
        if !has_room {
            return None;
        }
        if More::is_in(record) {
            self.extras.push(Extra::More(More::take(record))).ok()?;
            mark = mark.with(Mark::MORE);
        }
        Some(mark)
    }

    /// Sends details as so many bytes. Emptied they stay here, also if there is no room: a full ring is not the time to ask
    /// the allocator.
    #[inline]
    fn send_block(
        &mut self,
        mut details: Box<Details>,
        bytes: usize,
        has_room: bool,
        hub: &Hub,
    ) -> Option<Mark> {
        let sent = has_room && self.blocks.push_entire_slice(details.seal()).is_ok();
        self.spares.give(details);
        if !sent {
            return None;
        }
        self.bytes_since_wake += bytes;
        if self.bytes_since_wake >= WAKE_BYTES {
            self.bytes_since_wake = 0;
            hub.wake();
        }
        Some(Mark::BLOCK)
    }

    /// Gives details that cannot be sent as bytes back to the record, to go in their box, if there is room.
    #[cold]
    fn admit_box(
        &mut self,
        details: Box<Details>,
        record: &mut SpanRecord,
        has_room: bool,
    ) -> Option<()> {
        if has_room && self.admit(details.footprint()) {
            record.details = Some(details);
            Some(())
        } else {
            self.spares.give(details);
            None
        }
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

/// The bytes of details that go through the ring of bytes; others go in their box.
pub(super) fn block_len(details: &Details) -> Option<usize> {
    details.sealed_len()
}

#[cfg(test)]
mod tests;
