//! Spans under a context that need not be the active one.

use super::with_made;
use crate::context::SpanContext;
use crate::id;
use crate::name::Name;
use crate::record::SpanRecord;

/// Starts a child of a context with a trace and a decision, and does not activate it. `None` if the thread is ending.
pub(crate) fn start_under(
    parent: &SpanContext,
    name: Name,
    tracer: u32,
) -> Option<Box<SpanRecord>> {
    with_made(|local| {
        let mut record = local.stack.spare();
        record.context = parent.child(id::next_span());
        record.context.tracer = tracer;
        local.begin(&mut record, name, None, None);
        record
    })
}
