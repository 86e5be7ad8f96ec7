//! Changes to spans that are active.

use std::time::SystemTime;

use super::{Place, is_noted, with};
use crate::details::Kind;
use crate::edit::Edit;
use crate::fields::Field;
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

/// Sets a tag of the span at `place` to a value as it is [stored](crate::details::stored). Once for all types of keys and
/// values, which are pointers and lengths here: a value in memory would be written and read again.
#[inline(never)]
pub(crate) fn put_tag(place: Place, key: &str, kind: Kind, value: &[u8]) -> Option<(Edit, u32)> {
    if is_noted(place) && key != tags::SAMPLING_PRIORITY {
        return Some((Edit::Done, 0));
    }
    edit_details(place, |record| record.put_tag(key, kind, value))
}

/// Logs fields at a time, or now.
#[inline(never)]
pub(crate) fn log(
    place: Place,
    time: Option<SystemTime>,
    fields: &[Field<'_>],
) -> Option<(Edit, u32)> {
    edit_details(place, |record| record.log(time, fields))
}
