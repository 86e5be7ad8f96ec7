//! How contexts descend from each other: roots, children, copies.

use std::sync::Arc;

use crate::clock::Anchor;
use crate::context::{SpanContext, flag, state};
use crate::id::{SpanId, TraceId};

impl SpanContext {
    /// The context of a child of the same trace and decision.
    #[inline]
    pub(crate) fn child(&self, span_id: SpanId) -> Self {
        let mut child = Self::EMPTY;
        child.begin_child(self, span_id);
        child
    }

    /// Makes this, which carries nothing, the context of a child of `parent`.
    #[inline]
    pub(crate) fn begin_child(&mut self, parent: &Self, span_id: SpanId) {
        let recording = if parent.flags & flag::SAMPLED != 0 {
            state::RECORDING | state::COUNTED
        } else {
            0
        };
        self.trace_id = parent.trace_id;
        self.span_id = span_id;
        self.parent_id = parent.span_id;
        self.anchor = parent.anchor.or_newest();
        self.tracer = parent.tracer;
        self.flags = parent.flags;
        self.state = parent.state & state::INHERITED | recording;
        if parent.carried.is_some() {
            self.carry(parent);
        }
    }

    /// Apart, because few traces carry anything and reference counts are code in each place that begins a span.
    #[cold]
    fn carry(&mut self, parent: &Self) {
        self.carried = parent.carried.as_ref().map(Arc::clone);
        self.follow_local_trace();
    }

    /// Makes this, which carries nothing, the context of a root.
    #[inline]
    pub(crate) fn begin_root(
        &mut self,
        (trace_id, span_id): (TraceId, SpanId),
        tracer: u32,
        sampled: bool,
    ) {
        self.trace_id = trace_id;
        self.span_id = span_id;
        self.parent_id = SpanId::NONE;
        self.anchor = Anchor::newest();
        self.tracer = tracer;
        self.flags = if sampled { flag::SAMPLED } else { 0 };
        self.state = if sampled {
            state::RANDOM | state::RECORDING | state::COUNTED
        } else {
            state::RANDOM
        };
    }

    /// Moves the context out; what is left owns nothing.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_id: self.parent_id,
            anchor: self.anchor,
            carried: self.carried.take(),
            tracer: self.tracer,
            flags: self.flags,
            state: self.state,
        }
    }

    /// A copy for others to hold: what only concerns the record is left out.
    #[inline]
    pub(crate) fn share(&self) -> Self {
        let mut shared = self.clone();
        shared.state &= state::INHERITED | state::REMOTE;
        shared
    }
}
