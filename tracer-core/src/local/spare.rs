//! Records that wait for the next spans of a thread.

use super::{LOCAL, borrow};
use crate::context::SpanContext;
use crate::record::SpanRecord;

/// A record of nothing that is known: all of it is the caller's to set, and it must be.
pub(crate) fn spare() -> Box<SpanRecord> {
    borrow(LOCAL.take(), |local| local.stack.spare())
        .unwrap_or_else(|| Box::new(SpanRecord::empty()))
}

/// A record that only holds a context, to be active in place of a span.
pub(crate) fn bare(context: SpanContext) -> Box<SpanRecord> {
    let mut record = spare();
    *record = SpanRecord::of_context(context);
    record
}

/// Keeps the record of a span that is not counted for the next ones of this thread, if it owns nothing and there is room.
#[inline]
pub(crate) fn keep_empty(record: Box<SpanRecord>) -> Option<Box<SpanRecord>> {
    if !record.is_empty() {
        return Some(record);
    }
    let mut record = Some(record);
    borrow(LOCAL.take(), |local| {
        record = local.stack.try_keep(record.take()?);
        Some(())
    });
    record
}

/// The same whatever it owns.
#[inline(never)]
pub(crate) fn keep(mut record: Box<SpanRecord>) {
    borrow(LOCAL.take(), |local| {
        record.clear();
        local.stack.keep(record);
    });
}
