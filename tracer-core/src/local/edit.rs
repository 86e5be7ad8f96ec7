//! Changes to spans that are active.

use std::time::SystemTime;

use super::{LOCAL, Local, Place, borrow, is_noted, with};
use crate::details::{Details, Kind, LogTime, Stored};
use crate::edit::Edit;
use crate::fields::Field;
use crate::pending;
use crate::record::SpanRecord;
use crate::tags;

/// Works on the span at `place`.
pub(crate) fn edit<R>(place: Place, edit: impl FnOnce(&mut SpanRecord) -> R) -> Option<R> {
    with(|local| local.stack.get_mut(local.made.find(place)).map(edit)).flatten()
}

/// Changes the span at `place`, which has details if it is recorded: used ones of this thread if there are. What it came to,
/// and the number of the span's tracer.
#[inline]
pub(crate) fn edit_details(
    place: Place,
    edit: impl FnOnce(&mut SpanRecord) -> Edit,
) -> Option<(Edit, u32)> {
    with(|local| {
        let record = local.stack.get_mut(local.made.find(place))?;
        if record.details.is_none() && record.is_recording() {
            record.details = Some(local.parts.details(record.context.tracer));
        }
        Some((edit(record), record.context.tracer))
    })
    .flatten()
}

/// Sets a tag of the span at `place` to a number that is [stored](Stored) as these bits. `false` if that
/// takes more than writing it down, and nothing happened.
///
/// Once for all types of keys and values, which are words here: a value in memory would be written and read again. And it
/// calls nothing, so it saves no registers.
#[inline(never)]
pub(crate) fn put_number(place: Place, key: &str, kind: Kind, bits: u64) -> bool {
    if key == tags::SAMPLING_PRIORITY {
        return false;
    }
    write_down(place, |details| {
        details.put_ordinary_tag(key, Stored::Number(kind, bits))
    })
}

/// The same for bytes.
#[inline(never)]
pub(crate) fn put_bytes(place: Place, key: &str, kind: Kind, bytes: &[u8]) -> bool {
    write_down(place, |details| {
        details.put_ordinary_tag(key, Stored::Bytes(kind, bytes))
    })
}

/// Logs fields now. `false` as above.
#[inline(never)]
pub(crate) fn log_now(place: Place, fields: &[Field<'_>]) -> bool {
    write_down(place, |details| {
        details.put_ordinary_log(LogTime::now(), fields)
    })
}

/// Sets a tag as [`put_number`] and [`put_bytes`] do, where no details were at hand for the span.
#[cold]
pub(crate) fn put_first(place: Place, key: &str, value: Stored<'_>) -> bool {
    if key == tags::SAMPLING_PRIORITY {
        return false;
    }
    write_down_first(place, |details| {
        details.put_tag(key, value);
    })
}

/// Logs fields now, where no details were at hand for the span, or there is more to it.
#[cold]
pub(crate) fn log_first(place: Place, fields: &[Field<'_>]) -> bool {
    write_down_first(place, |details| {
        details.log(LogTime::now(), fields);
    })
}

/// Has `write` change the details of the span at `place`, if that is noted or simply recorded, and has some or they are at
/// hand. No active span changes by that, so what was noted may stay.
#[inline(always)]
fn write_down(place: Place, write: impl FnOnce(&mut Details) -> bool) -> bool {
    let written = borrow(LOCAL.take(), |local| {
        Some(write(local.details_at_hand(place)?))
    });
    written.flatten() == Some(true)
}

/// The same where they are not at hand.
fn write_down_first(place: Place, write: impl FnOnce(&mut Details)) -> bool {
    let written = borrow(LOCAL.take(), |local| {
        if place.is_noted() {
            let Local { noted, parts, .. } = local;
            pending::last(place, |note| noted.provide(&note, parts));
        }
        write(local.details_at_hand(place)?);
        Some(())
    });
    written.flatten().is_some()
}

impl Local {
    #[inline(always)]
    fn details_at_hand(&mut self, place: Place) -> Option<&mut Details> {
        if place.is_noted() {
            // Of the note that got some last, or the active one.
            if !self.noted.is_last(place) {
                pending::last(place, |note| self.noted.add(&note, place))??;
            }
            return self.noted.last();
        }
        let record = self.stack.get_mut(place)?;
        if !record.is_plainly_recorded() {
            return None;
        }
        if record.details.is_none() {
            let used = self.parts.used_details(record.context.tracer)?;
            #[expect(
                clippy::mem_forget,
                reason = "none: the code that would drop it is in the way"
            )]
            std::mem::forget(record.details.replace(used));
        }
        record.details.as_deref_mut()
    }
}

/// Sets a tag of the span at `place`, whatever it takes.
pub(crate) fn put_tag(place: Place, key: &str, value: Stored<'_>) -> Option<(Edit, u32)> {
    if is_noted(place) && key != tags::SAMPLING_PRIORITY {
        return Some((Edit::Done, 0));
    }
    edit_details(place, |record| record.put_tag(key, value))
}

/// Logs fields at a time, or now, whatever it takes.
pub(crate) fn log(
    place: Place,
    time: Option<SystemTime>,
    fields: &[Field<'_>],
) -> Option<(Edit, u32)> {
    edit_details(place, |record| record.log(time, fields))
}
