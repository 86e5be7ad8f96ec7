//! The ends of spans that are not the active one, not ordinary, or too late.

use super::{Local, Place, hand_over, has_ended, with};
use crate::clock::{self, Instant};
use crate::context::state;
use crate::inquiry::{Change, Inquiry};
use crate::record::SpanRecord;
use crate::registry;

/// Finishes a span that is not the active one, or not an ordinary one.
#[cold]
pub(super) fn finish_other(place: Place, end: Instant) {
    if let Some(record) = with(|local| local.take(local.made.find(place))).flatten() {
        hand_over(record, end);
    }
}

/// Finishes the spans above the one at `place`.
pub(crate) fn finish_above(place: Place) {
    while let Some(above) = with(|local| local.pop_above(local.made.find(place))).flatten() {
        hand_over(above, clock::now());
    }
}

/// Takes the span at `place` off the stack, which is not the active one. Those above it are finished before if `and_above`.
#[cold]
pub(super) fn pop_below(place: Place, and_above: bool) -> Option<Box<SpanRecord>> {
    if and_above {
        finish_above(place);
    }
    with(|local| local.take(local.made.find(place))).flatten()
}

/// Gives a span to its local trace. The sampler is asked first if it has not decided yet: with nothing borrowed.
#[cold]
pub(super) fn hand_over_held(mut record: Box<SpanRecord>, end: Instant) {
    record.end = end;
    ask_at_end(&record);
    let mut record = Some(record);
    let given = with(|local| record.take().map(|record| local.give_to_trace(record)));
    if given.is_none() {
        hand_over_late(record, end);
    }
}

/// Asks the sampler for the last time, if the span is a local root that it has not decided about.
#[inline(always)]
pub(super) fn ask_at_end(record: &SpanRecord) {
    if let Some(inquiry) = Inquiry::about(record)
        && inquiry.is_local_root
    {
        inquiry.make(&Change::Finished(record));
    }
}

/// The same for a span that outlives what its thread had of its tracer: it lay in another thread-local.
#[cold]
pub(super) fn hand_over_late(record: Option<Box<SpanRecord>>, end: Instant) {
    // Not from inside of other work here: the hub may be locked there.
    if let Some(mut record) = record
        && record.context.state & state::COUNTED != 0
        && has_ended()
        && let Some(hub) = registry::hub(record.context.tracer)
    {
        hub.hand_over_late(record.take_ended(end));
    }
}

impl Local {
    /// Takes the active span off the stack, if it lies above the one at `place`.
    pub(super) fn pop_above(&mut self, place: Place) -> Option<Box<SpanRecord>> {
        if self.stack.get_mut(place).is_none() || self.stack.is_top(place) {
            return None;
        }
        let record = self.stack.pop()?;
        self.count_out_of_order(record.context.tracer);
        Some(record)
    }

    /// Counts a finished span and gives it to its local trace.
    pub(super) fn give_to_trace(&mut self, mut record: Box<SpanRecord>) {
        if let Some(part) = self.parts.get(record.context.tracer)
            && record.context.local_trace().is_some()
        {
            part.counts.lineless.add(1);
            record.take().give_to_trace(&part.hub.room);
        }
        record.clear();
        self.stack.keep(record);
    }
}
