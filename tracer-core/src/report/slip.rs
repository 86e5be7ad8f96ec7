//! What goes through a ring: a span in one cache line, and what it has in common with others, or alone, in another.
//!
//! A span that is finished costs as much as the lines it is written to: each was read by the reporter thread in the round
//! before, and its core must give it back. A whole record is two lines (45 ns where the floor is 19), a slip is one.

use std::sync::Arc;

use crate::callsite::Callsite;
use crate::clock::{Anchor, Instant};
use crate::context::{Carried, SpanContext};
use crate::details::Details;
use crate::id::{SpanId, TraceId};
use crate::record::{SamplerTags, SpanRecord};

/// A line of a ring.
#[derive(Debug)]
#[repr(align(64))]
pub(super) enum Slip {
    /// Spans from here on are of this trace, and the next is its root if it has the tags of one.
    Trace(Trace, Option<SamplerTags>),
    /// The next span has what few have.
    More(More),
    /// A span, and its state.
    Span(Brief, u16),
}

const _: () = assert!(size_of::<Slip>() == 64);

/// What the spans of a trace have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trace {
    trace_id: TraceId,
    anchor: Anchor,
    tracer: u32,
    flags: u8,
}

/// What few spans have.
#[derive(Debug, Default)]
pub(super) struct More {
    carried: Option<Arc<Carried>>,
    details: Option<Box<Details>>,
}

/// What is left of a span. In another order than in a record: a compiler that finds fields side by side in both copies two at
/// once, and waits until both have left the store buffer they were written to one by one.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Brief {
    pub(crate) span_id: SpanId,
    pub(crate) start: Instant,
    pub(crate) parent_id: SpanId,
    pub(crate) end: Instant,
    /// Overruled by what its details say.
    pub(crate) name: &'static str,
    pub(crate) callsite: Option<&'static Callsite>,
}

impl Trace {
    /// Of no span.
    pub(super) const NONE: Self = Self {
        trace_id: TraceId::NONE,
        anchor: Anchor::NONE,
        tracer: 0,
        flags: 0,
    };

    #[inline]
    pub(super) fn is_of(&self, record: &SpanRecord) -> bool {
        let context = &record.context;
        self.trace_id == context.trace_id
            && self.anchor == context.anchor
            && self.tracer == context.tracer
            && self.flags == context.flags
    }

    pub(super) fn of(record: &SpanRecord) -> Self {
        Self {
            trace_id: record.context.trace_id,
            anchor: record.context.anchor,
            tracer: record.context.tracer,
            flags: record.context.flags,
        }
    }
}

impl More {
    /// Whether a span has more than its trace and its brief say.
    #[inline]
    pub(super) fn is_in(record: &SpanRecord) -> bool {
        record.context.carried.is_some() || record.details.is_some()
    }

    /// Moves it out of the record.
    pub(super) fn take(record: &mut SpanRecord) -> Self {
        Self {
            carried: record.context.carried.take(),
            details: record.details.take(),
        }
    }
}

impl Brief {
    #[inline]
    pub(super) fn of(record: &SpanRecord, end: Instant) -> Self {
        Self {
            span_id: record.context.span_id,
            parent_id: record.context.parent_id,
            start: record.start,
            end,
            name: record.name,
            callsite: record.callsite,
        }
    }

    /// The record again.
    #[inline]
    pub(super) fn into_record(
        self,
        state: u16,
        trace: &Trace,
        sampler: Option<SamplerTags>,
        more: More,
    ) -> SpanRecord {
        SpanRecord {
            context: SpanContext {
                trace_id: trace.trace_id,
                span_id: self.span_id,
                parent_id: self.parent_id,
                anchor: trace.anchor,
                carried: more.carried,
                tracer: trace.tracer,
                flags: trace.flags,
                state,
            },
            name: self.name,
            start: self.start,
            end: self.end,
            callsite: self.callsite,
            details: more.details,
            sampler,
        }
    }
}
