//! The stack of a thread's active spans.
//!
//! Spans lie in slots that are used again and again and are written field by field. That is half of what makes a span
//! cheap: a record built elsewhere and then moved here is 120 bytes written in small pieces and read back in large ones
//! at once, which the processor cannot forward and waits for.

use crate::context::state;
use crate::id::SpanId;
use crate::record::SpanRecord;

/// Slots kept when the stack is empty; a deep recursion gives its memory back.
const KEPT_SLOTS: usize = 256;

/// Where an active span lies on its thread's stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    depth: u32,
    span_id: SpanId,
}

/// The first `len` slots are spans, the last of them active. The others own nothing.
#[derive(Debug)]
pub(crate) struct Stack {
    slots: Vec<SpanRecord>,
    len: usize,
}

impl Place {
    /// The place of no span.
    pub(crate) const NONE: Self = Self {
        depth: u32::MAX,
        span_id: SpanId::NONE,
    };

    #[inline]
    pub(crate) const fn is_none(self) -> bool {
        self.depth == u32::MAX
    }

    /// The place of a span that is not on the stack yet; see [`pending`](crate::pending).
    #[inline]
    pub(crate) const fn pending(time: u32, at: u32) -> Self {
        Self {
            depth: u32::MAX - 1,
            span_id: SpanId((time as u64) << 32 | at as u64),
        }
    }

    #[inline]
    pub(crate) const fn is_pending(self) -> bool {
        self.depth == u32::MAX - 1
    }

    /// Whether this is a place of that time.
    #[inline]
    pub(crate) const fn is_pending_since(self, time: u32) -> bool {
        self.is_pending() && self.span_id.0 >> 32 == time as u64
    }
}

impl Stack {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            len: 0,
        }
    }

    /// The active span.
    #[inline]
    pub(crate) fn top(&self) -> Option<&SpanRecord> {
        self.slots.get(self.len.wrapping_sub(1))
    }

    /// The place of the active span.
    #[inline]
    pub(crate) fn top_place(&self) -> Place {
        let depth = self.len.wrapping_sub(1);
        match self.slots.get(depth) {
            Some(record) => Place {
                depth: depth as u32,
                span_id: record.context.span_id,
            },
            None => Place::NONE,
        }
    }

    /// The place of a span of this stack, active or below the active one.
    pub(crate) fn place_of(&self, span_id: SpanId) -> Place {
        let is_it = |record: &SpanRecord| {
            record.context.span_id == span_id
                && record.context.state & (state::CLOSED | state::BARE) == 0
        };
        match self.slots[..self.len].iter().rposition(is_it) {
            Some(depth) => Place {
                depth: depth as u32,
                span_id,
            },
            None => Place::NONE,
        }
    }

    /// The span at `place`, if that is still the one it was.
    #[inline]
    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut SpanRecord> {
        let record = self.slots[..self.len].get_mut(place.depth as usize)?;
        (record.context.span_id == place.span_id && record.context.state & state::CLOSED == 0)
            .then_some(record)
    }

    /// The span at `place`, if it is the active one.
    #[inline]
    pub(crate) fn top_at(&mut self, place: Place) -> Option<&mut SpanRecord> {
        if !self.is_top(place) {
            return None;
        }
        let record = self.slots.get_mut(place.depth as usize)?;
        (record.context.span_id == place.span_id).then_some(record)
    }

    /// Whether nothing lies above `place`.
    #[inline]
    pub(crate) fn is_top(&self, place: Place) -> bool {
        self.len == place.depth as usize + 1
    }

    /// Begins a child of the active span in the next slot: its context. The rest is the caller's to set.
    #[inline]
    pub(crate) fn push_child(&mut self, span_id: SpanId) -> Option<(&mut SpanRecord, Place)> {
        if self.len == self.slots.len() {
            self.grow();
        }
        let depth = self.len;
        let (below, above) = self.slots.split_at_mut_checked(depth)?;
        let (parent, child) = (below.last()?, above.first_mut()?);
        child.context = parent.context.child(span_id);
        self.len = depth + 1;
        let depth = depth as u32;
        Some((child, Place { depth, span_id }))
    }

    /// The next slot, which is then the active span: all of it is the caller's to set, and it must be.
    #[inline]
    pub(crate) fn push_empty(&mut self, span_id: SpanId) -> Option<(&mut SpanRecord, Place)> {
        if self.len == self.slots.len() {
            self.grow();
        }
        let slot = self.slots.get_mut(self.len)?;
        let depth = self.len as u32;
        self.len += 1;
        Some((slot, Place { depth, span_id }))
    }

    /// Takes the active span off.
    pub(crate) fn pop(&mut self) -> Option<SpanRecord> {
        let record = self.slots[..self.len].last_mut()?.take();
        self.drop_top();
        Some(record)
    }

    /// The span at `place`, if it is the active one, and the span below it, if there is one and not a gap.
    #[inline]
    pub(crate) fn top_two_at(
        &mut self,
        place: Place,
    ) -> Option<(&mut SpanRecord, Option<&SpanRecord>)> {
        if !self.is_top(place) {
            return None;
        }
        let (top, below) = self.slots.get_mut(..self.len)?.split_last_mut()?;
        let below = below.last().filter(|below| !is_gap(below));
        (top.context.span_id == place.span_id).then_some((top, below))
    }

    /// Forgets the active span, which must own nothing any more and lie on another.
    #[inline]
    pub(crate) fn drop_one(&mut self) {
        self.len -= 1;
    }

    /// Forgets the active span, which must own nothing any more, and the gaps that come to lie on top.
    #[inline]
    pub(crate) fn drop_top(&mut self) {
        self.len = self.len.saturating_sub(1);
        match self.top() {
            Some(top) if is_gap(top) => self.drop_gaps(),
            None if self.slots.len() > KEPT_SLOTS => self.shrink(),
            _ => {}
        }
    }

    #[cold]
    fn drop_gaps(&mut self) {
        while self.top().is_some_and(is_gap) {
            self.len -= 1;
        }
    }

    /// Takes a span that others still lie on. It leaves a gap, which goes when they do.
    #[cold]
    pub(crate) fn take_from_below(&mut self, place: Place) -> Option<SpanRecord> {
        let slot = self.get_mut(place)?;
        let record = slot.take();
        slot.context.state |= state::CLOSED;
        Some(record)
    }

    #[cold]
    fn grow(&mut self) {
        let more = self.slots.len().max(8);
        self.slots
            .resize_with(self.slots.len() + more, SpanRecord::empty);
    }

    #[cold]
    fn shrink(&mut self) {
        self.slots.truncate(KEPT_SLOTS);
        self.slots.shrink_to_fit();
    }
}

/// Whether its span was taken away from under those above it.
#[inline]
fn is_gap(slot: &SpanRecord) -> bool {
    slot.context.state & state::CLOSED != 0
}
