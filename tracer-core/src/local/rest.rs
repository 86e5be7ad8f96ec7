//! The ends of spans that are not the active one, not ordinary, or too late.

use super::{LOCAL, Local, Place, hand_over, with};
use crate::clock::{self, Instant};
use crate::context::state;
use crate::inquiry::{Change, Inquiry};
use crate::record::SpanRecord;
use crate::registry;

/// Finishes a span that is not the active one, or not an ordinary one.
#[cold]
pub(super) fn finish_other(place: Place, end: Instant) {
    let mut record = SpanRecord::empty();
    if with(|local| local.take(local.made.find(place), &mut record)) == Some(true) {
        hand_over(&mut record, end);
    }
}

/// Finishes the spans above the one at `place`.
pub(crate) fn finish_above(place: Place) {
    while let Some(mut above) = with(|local| local.pop_above(local.made.find(place))).flatten() {
        hand_over(&mut above, clock::now());
    }
}

/// Takes the span at `place` off the stack when those above it are finished.
#[cold]
pub(super) fn pop_below(place: Place, record: &mut SpanRecord) -> bool {
    finish_above(place);
    with(|local| local.take(local.made.find(place), record)).unwrap_or(false)
}

/// Gives a span to its local trace. The sampler is asked first if it has not decided yet: with nothing borrowed.
#[cold]
pub(super) fn hand_over_held(record: &mut SpanRecord, end: Instant) {
    record.end = end;
    if let Some(inquiry) = Inquiry::about(record)
        && inquiry.is_local_root
    {
        inquiry.make(&Change::Finished(record));
    }
    if with(|local| local.give_to_trace(record)).is_none() {
        hand_over_late(record, end);
    }
}

/// The same for a span that outlives what its thread had of its tracer: it lay in another thread-local.
#[cold]
pub(super) fn hand_over_late(record: &mut SpanRecord, end: Instant) {
    // Not from inside of a borrow: the hub may be locked there.
    if record.context.state & state::COUNTED != 0
        && LOCAL.try_with(|_| ()).is_err()
        && let Some(hub) = registry::hub(record.context.tracer)
    {
        hub.hand_over_late(record.take_ended(end));
    }
}

impl Local {
    /// Takes the active span off the stack, if it lies above the one at `place`.
    pub(super) fn pop_above(&mut self, place: Place) -> Option<SpanRecord> {
        if self.stack.get_mut(place).is_none() || self.stack.is_top(place) {
            return None;
        }
        let record = self.stack.pop()?;
        self.count_out_of_order(record.context.tracer);
        Some(record)
    }

    /// Counts a finished span and gives it to its local trace.
    pub(super) fn give_to_trace(&mut self, record: &mut SpanRecord) {
        if let Some(part) = self.parts.get(record.context.tracer)
            && record.context.local_trace().is_some()
        {
            part.counts.finished.add(1);
            record.take().give_to_trace(&part.hub.room);
        }
    }
}
