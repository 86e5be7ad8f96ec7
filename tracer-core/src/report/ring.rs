//! A thread's end of its way to the reporter thread: one producer, one consumer, so handing a span over is a few stores.
//!
//! Each span is a line of a [lane](crate::report::lane). What few spans have goes ahead of it: tags and logs through a ring
//! of bytes, the rest through one of values. What does not fit is dropped, and said to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtrb::{Producer, RingBuffer};

use crate::clock::{self, Instant};
use crate::counts::ThreadCounts;
use crate::details::{Details, Limits, PIECE, Spares};
use crate::name::Number;
use crate::record::SpanRecord;
use crate::report::blocks::{self, PIECES, blocks};
use crate::report::drain::Drain;
use crate::report::lane::{LINES, Room, Writer, lane};
use crate::report::line::{Drafted, Line, Mark, More, Trace, TraceDraft};
use crate::report::queue::Hub;

/// What few spans have.
const RING_EXTRAS: usize = LINES;
/// Bytes of details in boxes a ring holds.
const RING_BOXES: usize = 1 << 18;
/// Bytes a ring takes at most.
pub(crate) const RING_BYTES: usize =
    LINES * size_of::<Line>() + RING_EXTRAS * size_of::<More>() + PIECES * PIECE + RING_BOXES;
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
    extras: Producer<More>,
    /// Details of the spans, in the same order.
    blocks: blocks::Writer,
    spares: Spares,
    /// Bytes of boxes that went in; and came out, as far as last seen.
    boxes_in: usize,
    boxes_out: usize,
    boxes_drained: Arc<AtomicUsize>,
}

/// A ring's two ends, for spans of one tracer and a thread with those counters.
pub(crate) fn ring(
    tracer: u32,
    counts: &Arc<ThreadCounts>,
    limits: Limits,
) -> Option<(Ring, Drain)> {
    let (lane_in, lane_out) = lane(counts)?;
    let (extras_in, extras_out) = RingBuffer::new(RING_EXTRAS);
    let (blocks_in, blocks_out) = blocks()?;
    let boxes_drained = Arc::new(AtomicUsize::new(0));
    let ring = Ring {
        lane: lane_in,
        trace: Trace::NONE,
        extras: extras_in,
        blocks: blocks_in,
        spares: Spares::new(KEPT_DETAILS, limits),
        boxes_in: 0,
        boxes_out: 0,
        boxes_drained: Arc::clone(&boxes_drained),
    };
    let drain = Drain::new(tracer, lane_out, extras_out, blocks_out, boxes_drained);
    Some((ring, drain))
}

impl Ring {
    /// Empty details.
    #[inline]
    pub(crate) fn details(&mut self) -> Box<Details> {
        self.spares.take()
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
        let room = self.lane.room(|| hub.bell.ring());
        let ahead = room.and_then(|room| Some((room, self.send_ahead(record, hub)?)));
        let Some((room, mark)) = ahead else {
            record.clear();
            return Handed::Full;
        };
        self.write(room, mark, record, end);
        Handed::Queued
    }

    #[inline]
    fn write(&mut self, room: Room, mark: Mark, record: &SpanRecord, end: Instant) {
        let trace = Trace::of(&record.context);
        if record.sampler.is_none() && trace == self.trace {
            self.lane
                .push_record(room, |line| line.write(mark, record, end));
        } else {
            self.trace = trace;
            self.lane
                .push_record(room, |line| line.write_first(mark, record, end));
        }
    }

    /// Room for a line, if it needs not be looked for.
    #[inline]
    pub(crate) fn room_at_hand(&self) -> Option<Room> {
        self.lane.room_at_hand()
    }

    /// Writes the line of a span, with its trace unless that is the last span's.
    #[inline(always)]
    pub(crate) fn copy(
        &mut self,
        room: Room,
        draft: Drafted<'_>,
        end: Instant,
        trace: Option<&TraceDraft>,
    ) {
        let Self {
            lane, trace: last, ..
        } = self;
        lane.push(room, |line| {
            line.copy(draft, end);
            if let Some(trace) = trace {
                line.add(trace);
                // That of the next record is not compared with this one, but said.
                last.forget();
            }
        });
    }

    /// The same with its details, ended now.
    #[inline]
    pub(crate) fn copy_detailed(
        &mut self,
        draft: Drafted<'_>,
        trace: Option<&TraceDraft>,
        details: &mut Details,
    ) -> Option<()> {
        if !details.is_short_and_plain() {
            return None;
        }
        let room = self.lane.room_at_hand()?;
        let pieces = details.seal();
        if !self.blocks.is_ready(pieces.len()) {
            return None;
        }
        let end = clock::now();
        self.blocks.push(pieces);
        self.copy(room, draft, end, trace);
        Some(())
    }

    /// The same as [`copy`](Self::copy), after details of which all can be [sealed](Details::seal). `false` if there is no room.
    pub(crate) fn copy_at_length(
        &mut self,
        draft: Drafted<'_>,
        end: Instant,
        trace: Option<&TraceDraft>,
        details: Option<&mut Details>,
        hub: &Hub,
    ) -> bool {
        let Some(room) = self.lane.room(|| hub.bell.ring()) else {
            return false;
        };
        if let Some(details) = details
            && !self.push_block(details, hub)
        {
            return false;
        }
        self.copy(room, draft, end, trace);
        true
    }

    /// Writes the line of a span with a record, of any trace, whose end `end` reads. `None` if it takes more, and nothing
    /// happened.
    #[inline]
    pub(crate) fn copy_record(
        &mut self,
        record: &SpanRecord,
        end: impl FnOnce() -> Instant,
    ) -> Option<()> {
        let room = self.lane.room_at_hand()?;
        if More::is_in(record) {
            return None;
        }
        let number = record.name.recent_number()?;
        let end = end();
        let mark = Mark::new(record.context.state, number);
        self.write(room, mark, record, end);
        Some(())
    }

    /// The same with its details, which it must have.
    #[inline]
    pub(crate) fn copy_detailed_record(
        &mut self,
        record: &mut SpanRecord,
        end: impl FnOnce() -> Instant,
    ) -> Option<()> {
        let room = self.lane.room_at_hand()?;
        let number = record.name.recent_number()?;
        if More::is_beside_details(record) {
            return None;
        }
        let details = record.details.as_mut()?;
        if !details.is_short_and_plain() {
            return None;
        }
        let pieces = details.seal();
        if !self.blocks.is_ready(pieces.len()) {
            return None;
        }
        let end = end();
        self.blocks.push(pieces);
        let mark = Mark::new(record.context.state, number).with(Mark::BLOCK);
        self.write(room, mark, record, end);
        if let Some(details) = record.details.take() {
            self.spares.give(details);
        }
        Some(())
    }

    /// Sends all that bytes can say of details. `false` if there is no room.
    fn push_block(&mut self, details: &mut Details, hub: &Hub) -> bool {
        let pieces = details.seal();
        let has_room = self.blocks.has_room(pieces.len(), || hub.bell.ring());
        if has_room {
            self.blocks.push(pieces);
        }
        has_room
    }

    /// Sends what goes ahead of the line of a span, if there is room for all of it.
    #[inline]
    fn send_ahead(&mut self, record: &mut SpanRecord, hub: &Hub) -> Option<Mark> {
        match record.name.number() {
            Some(number) if !More::is_in(record) => Some(Mark::new(record.context.state, number)),
            number => self.send_more(record, number, hub),
        }
    }

    #[inline(never)]
    fn send_more(
        &mut self,
        record: &mut SpanRecord,
        number: Option<Number>,
        hub: &Hub,
    ) -> Option<Mark> {
        let has_room = self.extras.cached_slots() > 0 || self.extras.slots() > 0;
        let mut mark = match number {
            Some(number) => Mark::new(record.context.state, number),
            None => Mark::unnamed(record.context.state),
        };
        if let Some(details) = record.details.take() {
            match block_len(&details) {
                Some(_) => mark = mark.with(self.send_block(details, has_room, hub)?),
                None => self.admit_box(details, record, has_room)?,
            }
        }
        if !has_room {
            return None;
        }
        if number.is_none() || More::is_in(record) {
            self.extras.push(More::take(record, number)).ok()?;
            mark = mark.with(Mark::MORE);
        }
        Some(mark)
    }

    /// Sends details as bytes. Emptied they stay here, also if there is no room: a full ring is not the time to ask
    /// the allocator.
    #[inline]
    fn send_block(&mut self, mut details: Box<Details>, has_room: bool, hub: &Hub) -> Option<Mark> {
        let sent = has_room && self.push_block(&mut details, hub);
        self.spares.give(details);
        sent.then_some(Mark::BLOCK)
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
