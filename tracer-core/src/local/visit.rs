//! Spans that others hold: on the stack for a while, as long as a poll lasts, and finished where they are held.
//!
//! Each way has a plain form, which most take: it calls nothing that comes back, and a function that calls nothing saves no
//! registers. It gives back what takes more, and then nothing happened.

use std::mem::ManuallyDrop;

use super::rest::{finish_above, finish_other, hand_over_held, hand_over_late, pop_below};
use super::{LOCAL, Local, MODE, Mode, Place, borrow, mode, with, with_made};
use crate::clock::{self, Instant};
use crate::context::state;
use crate::pending;
use crate::record::SpanRecord;

/// What the thread knows, if nothing is noted.
#[inline(always)]
fn settled() -> Option<ManuallyDrop<Box<Local>>> {
    if pending::end() { None } else { LOCAL.take() }
}

/// Puts a span on the stack. If there is none, or the thread is ending or must not trace, the place is none and nothing
/// happened.
#[inline(never)]
pub(crate) fn push(span: &mut Option<Box<SpanRecord>>) -> Place {
    if span.is_none() || mode() == Mode::Suppressed {
        return Place::NONE;
    }
    let place = borrow(settled(), |local| {
        let mode = span.as_ref()?.context.mode();
        let place = local.stack.push_within(span)?;
        MODE.set(mode);
        Some(place)
    });
    match place.flatten() {
        Some(place) => place,
        None => push_at_length(span),
    }
}

#[inline(never)]
fn push_at_length(span: &mut Option<Box<SpanRecord>>) -> Place {
    with_made(|local| {
        let record = span.take()?;
        Some(local.push(record))
    })
    .flatten()
    .unwrap_or(Place::NONE)
}

/// Takes the span at `place` off the stack; `None` if it is not there. Spans still above it, whose scopes were leaked or
/// moved out of the poll that opened them, are finished when `and_above`; else they stay and this one leaves a gap.
#[inline(never)]
pub(crate) fn pop(place: Place, and_above: bool) -> Option<Box<SpanRecord>> {
    match pop_plain(place) {
        None => pop_at_length(place, and_above),
        popped => popped,
    }
}

/// The same for a span, not for a context that is active by now where it was.
#[inline(never)]
pub(crate) fn pop_span(place: Place, and_above: bool) -> Option<Box<SpanRecord>> {
    match pop_plain(place) {
        Some(context) if context.is_bare() => {
            push(&mut Some(context));
            None
        }
        None if with(|local| local.stack.is_context(local.made.find(place))) == Some(true) => None,
        None => pop_at_length(place, and_above),
        popped => popped,
    }
}

#[inline(never)]
fn pop_at_length(place: Place, and_above: bool) -> Option<Box<SpanRecord>> {
    let popped = with(|local| local.take_top(local.made.find(place))).flatten();
    popped.or_else(|| pop_below(place, and_above))
}

/// Takes the span at `place` off the stack, if it is the active one and nothing is to be tidied up.
#[inline(always)]
pub(crate) fn pop_plain(place: Place) -> Option<Box<SpanRecord>> {
    borrow(settled(), |local| {
        let record = local.stack.take_top_within(place)?;
        local.update_mode();
        Some(record)
    })
    .flatten()
}

/// Finishes the span at `place` at the end of a poll that it did not begin in; before it those above it, whose scopes were
/// leaked.
pub(crate) fn finish_poll(place: Place) {
    let left = with(|local| {
        let record = local.take_top(place)?;
        let end = if record.context.state & state::COUNTED != 0 {
            clock::now()
        } else {
            Instant::ZERO
        };
        Some((local.hand_over(record, end), end))
    });
    match left.flatten() {
        Some((None, _)) => {}
        Some((Some(held), end)) => hand_over_held(held, end),
        None => {
            finish_above(place);
            finish_other(place, clock::now());
        }
    }
}

/// Finishes a span that is not on the stack, now. Gives it back if it takes more than a line of the ring that is at hand.
#[inline(always)]
pub(crate) fn finish_plain(record: Box<SpanRecord>) -> Option<Box<SpanRecord>> {
    if !clock::has_counter() {
        return Some(record);
    }
    let mut record = Some(record);
    borrow(settled(), |local| {
        // Kept before it is read: afterwards nothing is left to do.
        record = local.stack.try_keep(record.take()?);
        if record.is_none() {
            let kept = local.stack.kept()?;
            if local.parts.finish_record(kept, clock::now).is_none() {
                record = local.stack.take_back();
            }
        }
        Some(())
    });
    record
}

/// The same for a span with details.
#[inline(always)]
pub(crate) fn finish_detailed(record: Box<SpanRecord>) -> Option<Box<SpanRecord>> {
    if !clock::has_counter() {
        return Some(record);
    }
    let mut record = Some(record);
    borrow(settled(), |local| {
        local
            .parts
            .finish_detailed_record(record.as_mut()?, clock::now)?;
        local.stack.keep(record.take()?);
        Some(())
    });
    record
}

/// Hands a span that is not on the stack to its reporter thread, as ended at `end`. Its box stays for one of the next.
#[inline(always)]
pub(crate) fn hand_over(record: Box<SpanRecord>, end: Instant) {
    let mut record = Some(record);
    let left = with_made(|local| local.hand_over(record.take()?, end));
    match (left, record) {
        (Some(None), _) => {}
        (Some(Some(held)), _) => hand_over_held(held, end),
        (None, late) => hand_over_late(late, end),
    }
}
