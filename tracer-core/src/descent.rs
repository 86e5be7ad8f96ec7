//! How contexts descend from each other: roots, children, copies.

use std::sync::Arc;

use crate::clock::Anchor;
use crate::context::{Carried, SpanContext, flag, state};
use crate::id::{SpanId, TraceId};

impl SpanContext {
    /// The context of a child of the same trace and decision.
    #[inline]
    pub(crate) fn child(&self, span_id: SpanId) -> Self {
        let recording = if self.flags & flag::SAMPLED != 0 {
            state::RECORDING | state::COUNTED
        } else {
            0
        };
        let state = self.state & state::INHERITED | recording;
        let (carried, flags, state) = match &self.carried {
            Some(carried) => self.carry(Arc::clone(carried), state),
            None => (None, self.flags, state),
        };
        Self {
            trace_id: self.trace_id,
            span_id,
            parent_id: self.span_id,
            anchor: self.anchor.or_newest(),
            carried,
            tracer: self.tracer,
            flags,
            state,
        }
    }

    /// What a child in that state carries, its flags and its state. Apart, because few traces carry anything.
    #[cold]
    fn carry(&self, carried: Arc<Carried>, state: u16) -> (Option<Arc<Carried>>, u8, u16) {
        let mut child = Self {
            carried: Some(carried),
            flags: self.flags,
            state,
            ..Self::EMPTY
        };
        child.follow_local_trace();
        (child.carried.take(), child.flags, child.state)
    }

    /// The context of a root.
    #[inline]
    pub(crate) fn root(trace_id: TraceId, tracer: u32, sampled: bool) -> Self {
        let mut context = Self::EMPTY;
        context.begin_root(trace_id, Anchor::newest(), tracer, sampled);
        context
    }

    /// Becomes that of a root. It must carry nothing: what would drop it is in the way.
    #[inline(always)]
    pub(crate) fn begin_root(
        &mut self,
        trace_id: TraceId,
        anchor: Anchor,
        tracer: u32,
        sampled: bool,
    ) {
        let recording = state::RECORDING | state::COUNTED;
        self.trace_id = trace_id;
        self.span_id = trace_id.root();
        self.parent_id = SpanId::NONE;
        self.anchor = anchor;
        self.tracer = tracer;
        (self.flags, self.state) = if sampled {
            (flag::SAMPLED, state::RANDOM | recording)
        } else {
            (0, state::RANDOM)
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
