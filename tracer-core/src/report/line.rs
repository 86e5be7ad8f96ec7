//! A finished span in one cache line of a [lane](crate::report::lane).
//!
//! A span that is finished costs as much as the lines it is written to: each was read by the reporter thread in the round
//! before, and its core must give it back. So a span is one line: what it has in common with the span before it is left
//! out, and what few spans have goes other ways, ahead of it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::clock::{Anchor, AtomicInstant, Instant};
use crate::context::{Carried, SpanContext};
use crate::details::Details;
use crate::id::{SpanId, TraceId};
use crate::record::{SamplerKind, SamplerTags, SpanRecord};
use crate::sync::AtomicU64;

/// A line: words that one thread stores and another loads.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Line {
    mark: AtomicU64,
    span_id: AtomicU64,
    /// Of a span with the tags of a sampler and no parent, the parameter of the sampler.
    parent_id: AtomicU64,
    start: AtomicInstant,
    end: AtomicInstant,
    // Of a span whose trace is not that of the span before:
    trace_high: AtomicU64,
    trace_low: AtomicU64,
    anchor: AtomicU64,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Line>() == 64);

/// The first word of a line: the state of the span, the flags of its trace, the number of its name, and what else there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(u64);

/// What the spans of a trace have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Trace {
    trace_id: TraceId,
    anchor: Anchor,
    flags: u8,
}

/// What few spans have.
#[derive(Debug, Default)]
pub(super) struct More {
    carried: Option<Arc<Carried>>,
    details: Option<Box<Details>>,
    /// Where there is a parent too.
    sampler: Option<SamplerTags>,
}

/// What is left of a span. In another order than elsewhere: a compiler that finds fields side by side in both copies two at
/// once, and waits until both have left the store buffer they were written to one by one.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Brief {
    pub(crate) parent_id: SpanId,
    pub(crate) start: Instant,
    pub(crate) span_id: SpanId,
    pub(crate) end: Instant,
}

impl Mark {
    /// Nothing else.
    pub(super) const PLAIN: Self = Self(0);
    /// The line says of which trace its span is, and those after it.
    pub(super) const TRACE: Self = Self(1 << 40);
    /// The name is to be taken from the extras, and has the number from now on.
    pub(super) const NAME: Self = Self(1 << 41);
    /// The span has more, to be taken from the extras.
    pub(super) const MORE: Self = Self(1 << 42);
    /// The span has details, to be taken from the blocks.
    pub(super) const BLOCK: Self = Self(1 << 43);

    /// Of a span in that state, whose name has that number.
    #[inline]
    pub(super) fn new(state: u16, name: u8) -> Self {
        Self(u64::from(state) | u64::from(name) << 24)
    }

    #[inline]
    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[inline]
    pub(super) fn name(self) -> u8 {
        (self.0 >> 24) as u8
    }

    #[inline]
    fn state(self) -> u16 {
        self.0 as u16
    }

    #[inline]
    fn flags(self) -> u8 {
        (self.0 >> 16) as u8
    }

    fn with_sampler(self, kind: SamplerKind) -> Self {
        Self(self.0 | u64::from(kind.number()) << 32)
    }

    fn sampler(self) -> Option<SamplerKind> {
        SamplerKind::numbered((self.0 >> 32) as u8)
    }
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            mark: AtomicU64::new(0),
            span_id: AtomicU64::new(0),
            parent_id: AtomicU64::new(0),
            start: AtomicInstant::new(Instant::ZERO),
            end: AtomicInstant::new(Instant::ZERO),
            trace_high: AtomicU64::new(0),
            trace_low: AtomicU64::new(0),
            anchor: AtomicU64::new(0),
        }
    }

    /// Writes a span of the same trace as the one before it.
    #[inline]
    pub(super) fn write(&self, mark: Mark, brief: Brief) {
        self.mark.store(mark.0, Relaxed);
        self.span_id.store(brief.span_id.0, Relaxed);
        self.parent_id.store(brief.parent_id.0, Relaxed);
        self.start.store(brief.start, Relaxed);
        self.end.store(brief.end, Relaxed);
    }

    /// Writes a span with its trace and, if it has no parent, the tags of a sampler.
    #[inline]
    pub(super) fn write_first(
        &self,
        mark: Mark,
        brief: Brief,
        trace: Trace,
        sampler: Option<SamplerTags>,
    ) {
        let mut mark = Mark(mark.with(Mark::TRACE).0 | u64::from(trace.flags) << 16);
        let mut parent = brief.parent_id;
        if let Some(sampler) = sampler {
            mark = mark.with_sampler(sampler.kind);
            parent = SpanId(sampler.param.to_bits());
        }
        self.trace_high.store(trace.trace_id.high, Relaxed);
        self.trace_low.store(trace.trace_id.low, Relaxed);
        self.anchor.store(trace.anchor.to_bits(), Relaxed);
        self.write(
            mark,
            Brief {
                parent_id: parent,
                ..brief
            },
        );
    }

    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark(self.mark.load(Relaxed))
    }

    /// What is said of the trace.
    pub(super) fn trace(&self) -> Trace {
        Trace {
            trace_id: TraceId {
                high: self.trace_high.load(Relaxed),
                low: self.trace_low.load(Relaxed),
            },
            anchor: Anchor::from_bits(self.anchor.load(Relaxed)),
            flags: self.mark().flags(),
        }
    }

    /// Makes a record, which owns nothing, that of the span, without what comes other ways.
    #[inline]
    pub(super) fn read(&self, trace: Trace, tracer: u32, record: &mut SpanRecord) {
        let mark = self.mark();
        let parent = self.parent_id.load(Relaxed);
        let param = f64::from_bits(parent);
        record.sampler = mark.sampler().map(|kind| SamplerTags { kind, param });
        record.context.parent_id = match record.sampler {
            Some(_) => SpanId::NONE,
            None => SpanId(parent),
        };
        record.context.trace_id = trace.trace_id;
        record.context.span_id = SpanId(self.span_id.load(Relaxed));
        record.context.anchor = trace.anchor;
        record.context.tracer = tracer;
        record.context.flags = trace.flags;
        record.context.state = mark.state();
        record.start = self.start.load(Relaxed);
        record.end = self.end.load(Relaxed);
    }
}

impl Trace {
    /// Of no span.
    pub(super) const NONE: Self = Self {
        trace_id: TraceId::NONE,
        anchor: Anchor::NONE,
        flags: 0,
    };

    #[inline]
    pub(super) fn of(context: &SpanContext) -> Self {
        Self {
            trace_id: context.trace_id,
            anchor: context.anchor,
            flags: context.flags,
        }
    }
}

impl More {
    /// Whether a record has more than a line says.
    #[inline]
    pub(super) fn is_in(record: &SpanRecord) -> bool {
        record.context.carried.is_some()
            || record.details.is_some()
            || record.sampler.is_some() && !record.context.parent_id.is_none()
    }

    /// Moves it out of a record.
    pub(super) fn take(record: &mut SpanRecord) -> Self {
        let has_parent = !record.context.parent_id.is_none();
        Self {
            carried: record.context.carried.take(),
            details: record.details.take(),
            sampler: record.sampler.take_if(|_| has_parent),
        }
    }

    /// Moves it into a record.
    pub(super) fn give_to(self, record: &mut SpanRecord) {
        record.context.carried = self.carried;
        record.details = self.details;
        record.sampler = self.sampler.or(record.sampler);
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
        }
    }
}
