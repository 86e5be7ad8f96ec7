//! A finished span in one cache line of a [lane](crate::report::lane).
//!
//! A span that is finished costs as much as the lines it is written to: each was read by the reporter thread in the round
//! before, and its core must give it back. So a span is one line: what it has in common with the span before it is left
//! out, and what few spans have goes other ways, ahead of it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::clock::{Anchor, AtomicInstant, Instant};
use crate::context::{Carried, SpanContext, flag};
use crate::details::Details;
use crate::id::{SpanId, TraceId};
use crate::name::{Name, Number};
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
pub(crate) struct Mark(u64);

/// A line as its thread has it while its span is open. Of a span of a refused trace, of which no line comes, only its name.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Draft {
    pub(crate) mark: Cell<Mark>,
    pub(crate) span_id: Cell<SpanId>,
    pub(crate) start: Cell<Instant>,
    /// Otherwise the mark knows.
    pub(crate) refused: Cell<Name>,
}

/// A draft, behind that of the span outside of it: the id there is its parent's, or of a root the parameter of the sampler.
#[derive(Clone, Copy)]
pub(crate) struct Drafted<'p>(pub(crate) &'p [Draft; 2]);

/// What the spans of a trace have in common. In whole words: what is written by the byte and read by the word waits in
/// between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Trace {
    trace_id: TraceId,
    anchor: Anchor,
    flags: u64,
}

/// A [`Trace`] as its thread has it. Copied a word after the other: read together, they would take more registers than there
/// are.
#[derive(Debug)]
pub(crate) struct TraceDraft {
    high: Cell<u64>,
    low: Cell<u64>,
    anchor: Cell<Anchor>,
    flags: Cell<u64>,
}

/// What few spans have.
#[derive(Debug, Default)]
pub(super) struct More {
    /// Where it has no number.
    name: Option<Name>,
    carried: Option<Arc<Carried>>,
    details: Option<Box<Details>>,
    /// Where there is a parent too.
    sampler: Option<SamplerTags>,
}

impl Mark {
    /// Of no span.
    pub(crate) const NONE: Self = Self(0);
    /// The line says of which trace its span is, and those after it.
    pub(super) const TRACE: Self = Self(1 << 28);
    /// The span has more, to be taken from the extras.
    pub(super) const MORE: Self = Self(1 << 29);
    /// The span has details, to be taken from the blocks.
    pub(crate) const BLOCK: Self = Self(1 << 30);

    /// Of a span in that state, whose name has that number.
    #[inline]
    pub(crate) const fn new(state: u16, name: Number) -> Self {
        Self(state as u64 | name.to_bits())
    }

    /// The same where the name has none.
    pub(super) const fn unnamed(state: u16) -> Self {
        Self(state as u64)
    }

    #[inline]
    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The name of the span, if it has a number.
    #[inline]
    pub(crate) fn name(self) -> Name {
        Number::from_bits(self.0 >> 32 << 32)
            .name()
            .unwrap_or(Name::NONE)
    }

    #[inline]
    pub(crate) fn state(self) -> u16 {
        self.0 as u16
    }

    #[inline]
    fn flags(self) -> u64 {
        self.0 >> 16 & 0xff
    }

    /// That of the first line of a trace.
    #[inline]
    fn with_trace(self, flags: u64) -> Self {
        self.with(Self::TRACE).with(Self(flags << 16))
    }

    /// Of a root that such a sampler took.
    #[inline]
    pub(crate) fn with_sampler(self, kind: SamplerKind) -> Self {
        self.with(Self(u64::from(kind.number()) << 24))
    }

    fn sampler(self) -> Option<SamplerKind> {
        SamplerKind::numbered((self.0 >> 24) as u8 & 0xf)
    }

    /// The tags of the sampler of a root, which has the parameter in the place of a parent.
    #[inline]
    fn sampler_tags(self, parent: u64) -> Option<SamplerTags> {
        let param = f64::from_bits(parent);
        self.sampler().map(|kind| SamplerTags { kind, param })
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

    /// Writes a span of the same trace as the one before it, that ended at `end`. A word after the other: read together, they
    /// would take more registers than there are.
    #[inline]
    pub(super) fn write(&self, mark: Mark, record: &SpanRecord, end: Instant) {
        self.mark.store(mark.0, Relaxed);
        self.span_id.store(record.context.span_id.0, Relaxed);
        self.parent_id.store(record.context.parent_id.0, Relaxed);
        self.start.store(record.start, Relaxed);
        self.end.store(end, Relaxed);
    }

    /// The same with its trace and, if it has no parent, the tags of a sampler.
    #[inline]
    pub(super) fn write_first(&self, mark: Mark, record: &SpanRecord, end: Instant) {
        let trace = Trace::of(&record.context);
        let mark = mark.with_trace(trace.flags);
        self.write_trace(trace);
        self.write(mark, record, end);
        if let Some(sampler) = record.sampler {
            self.mark.store(mark.with_sampler(sampler.kind).0, Relaxed);
            self.parent_id.store(sampler.param.to_bits(), Relaxed);
        }
    }

    /// The same as [`write`](Self::write).
    #[inline]
    pub(super) fn copy(&self, draft: Drafted<'_>, end: Instant) {
        let Drafted([outer, own]) = draft;
        self.mark.store(own.mark.get().0, Relaxed);
        self.span_id.store(own.span_id.get().0, Relaxed);
        self.parent_id.store(outer.span_id.get().0, Relaxed);
        self.start.store(own.start.get(), Relaxed);
        self.end.store(end, Relaxed);
    }

    /// Adds the trace to what was [copied](Self::copy).
    #[inline]
    pub(super) fn add(&self, trace: &TraceDraft) {
        let mark = self.mark().with_trace(trace.flags.get());
        self.mark.store(mark.0, Relaxed);
        self.trace_high.store(trace.high.get(), Relaxed);
        self.trace_low.store(trace.low.get(), Relaxed);
        self.anchor.store(trace.anchor.get().to_bits(), Relaxed);
    }

    #[inline]
    fn write_trace(&self, trace: Trace) {
        self.trace_high.store(trace.trace_id.high, Relaxed);
        self.trace_low.store(trace.trace_id.low, Relaxed);
        self.anchor.store(trace.anchor.to_bits(), Relaxed);
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
        record.name = mark.name();
        record.sampler = mark.sampler_tags(parent);
        record.context.parent_id = match record.sampler {
            Some(_) => SpanId::NONE,
            None => SpanId(parent),
        };
        record.context.trace_id = trace.trace_id;
        record.context.span_id = SpanId(self.span_id.load(Relaxed));
        record.context.anchor = trace.anchor;
        record.context.tracer = tracer;
        record.context.flags = trace.flags as u8;
        record.context.state = mark.state();
        record.start = self.start.load(Relaxed);
        record.end = self.end.load(Relaxed);
    }
}

impl Trace {
    /// Of no span.
    pub(crate) const NONE: Self = Self {
        trace_id: TraceId::NONE,
        anchor: Anchor::NONE,
        flags: 0,
    };

    /// A trace of ours that is sampled.
    #[inline]
    pub(crate) const fn sampled(trace_id: TraceId, anchor: Anchor) -> Self {
        Self {
            trace_id,
            anchor,
            flags: flag::SAMPLED as u64,
        }
    }

    #[inline]
    pub(crate) fn of(context: &SpanContext) -> Self {
        Self {
            trace_id: context.trace_id,
            anchor: context.anchor,
            flags: u64::from(context.flags),
        }
    }

    /// Makes it that of no span.
    #[inline]
    pub(super) fn forget(&mut self) {
        *self = Self::NONE;
    }

    /// The context of a span of it, which is its root unless it gets a parent.
    pub(crate) fn root(self, span_id: SpanId, tracer: u32, state: u16) -> SpanContext {
        SpanContext {
            trace_id: self.trace_id,
            span_id,
            anchor: self.anchor,
            tracer,
            flags: self.flags as u8,
            state,
            ..SpanContext::EMPTY
        }
    }
}

impl TraceDraft {
    pub(crate) const fn new() -> Self {
        Self {
            high: Cell::new(0),
            low: Cell::new(0),
            anchor: Cell::new(Anchor::NONE),
            flags: Cell::new(0),
        }
    }

    #[inline]
    pub(crate) fn set(&self, trace: Trace) {
        self.high.set(trace.trace_id.high);
        self.low.set(trace.trace_id.low);
        self.anchor.set(trace.anchor);
        self.flags.set(trace.flags);
    }

    /// Whether it is this one.
    #[inline]
    pub(crate) fn is(&self, trace: Trace) -> bool {
        self.low.get() == trace.trace_id.low && self.high.get() == trace.trace_id.high
    }

    pub(crate) fn get(&self) -> Trace {
        let (high, low) = (self.high.get(), self.low.get());
        Trace {
            trace_id: TraceId { high, low },
            anchor: self.anchor.get(),
            flags: self.flags.get(),
        }
    }
}

impl More {
    /// Whether a record has more than a line says, beside its name.
    #[inline]
    pub(super) fn is_in(record: &SpanRecord) -> bool {
        record.details.is_some() || Self::is_beside_details(record)
    }

    /// The same if details do not count.
    #[inline]
    pub(super) fn is_beside_details(record: &SpanRecord) -> bool {
        record.context.carried.is_some()
            || record.sampler.is_some() && !record.context.parent_id.is_none()
    }

    /// Moves it out of a record, whose name has that number.
    pub(super) fn take(record: &mut SpanRecord, number: Option<Number>) -> Self {
        let has_parent = !record.context.parent_id.is_none();
        Self {
            name: number.is_none().then_some(record.name),
            carried: record.context.carried.take(),
            details: record.details.take(),
            sampler: record.sampler.take_if(|_| has_parent),
        }
    }

    /// Moves it into a record.
    pub(super) fn give_to(self, record: &mut SpanRecord) {
        record.name = self.name.unwrap_or(record.name);
        record.context.carried = self.carried;
        record.details = self.details;
        record.sampler = self.sampler.or(record.sampler);
    }
}

impl Draft {
    /// In place of the id of a span that has none: no place has it.
    pub(crate) const NO_SPAN: SpanId = SpanId(u64::MAX);

    pub(crate) const fn new() -> Self {
        Self {
            mark: Cell::new(Mark::NONE),
            span_id: Cell::new(Self::NO_SPAN),
            start: Cell::new(Instant::ZERO),
            refused: Cell::new(Name::NONE),
        }
    }
}

impl<'p> Drafted<'p> {
    #[inline]
    pub(crate) fn own(self) -> &'p Draft {
        let Self([_, own]) = self;
        own
    }

    /// What the sampler said, of a root.
    pub(crate) fn sampler(self) -> Option<SamplerTags> {
        let Self([outer, own]) = self;
        own.mark.get().sampler_tags(outer.span_id.get().0)
    }
}
