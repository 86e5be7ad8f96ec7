//! The stack of a thread's active spans.
//!
//! A record lies in a box from its start to its end, and is never moved: what goes on the stack and off it, into a
//! [`Span`](crate::Span) and back at each poll of a future, is a pointer. The boxes of spans that ended are written again for
//! the next ones, field by field, so a thread allocates for as many spans as it has open at once.

use crate::context::state;
use crate::id::SpanId;
use crate::record::SpanRecord;

/// Boxes kept of spans that ended; a deep recursion gives its memory back.
const KEPT: usize = 256;

/// Where an active span lies on its thread's stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    depth: u32,
    span_id: SpanId,
}

#[derive(Debug)]
pub(crate) struct Stack {
    /// The last one is active.
    #[expect(clippy::vec_box, reason = "records are not moved")]
    spans: Vec<Box<SpanRecord>>,
    /// Of spans that ended: as many as there is room for. They own nothing.
    #[expect(clippy::vec_box, reason = "records are not moved")]
    spares: Vec<Box<SpanRecord>>,
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
    pub(crate) const fn noted(span_id: SpanId) -> Self {
        Self {
            depth: u32::MAX - 1,
            span_id,
        }
    }

    /// The same of a span without an id, known by the word that said [which note](crate::pending) is the next.
    #[inline]
    pub(crate) const fn refused(bits: u64) -> Self {
        Self {
            depth: u32::MAX - 2,
            span_id: SpanId(bits),
        }
    }

    /// Whether it is the place of a span that was not on the stack.
    #[inline]
    pub(crate) const fn is_noted(self) -> bool {
        self.depth >= u32::MAX - 2 && !self.is_none()
    }

    /// Whether it has that id. Not to be asked with the id of no span.
    #[inline]
    pub(crate) const fn is_of(self, span_id: SpanId) -> bool {
        self.span_id.0 == span_id.0
    }

    #[inline]
    pub(crate) const fn is_refused(self) -> bool {
        self.depth == u32::MAX - 2
    }

    /// That word.
    #[inline]
    pub(crate) const fn refused_bits(self) -> u64 {
        self.span_id.0
    }
}

impl Stack {
    pub(crate) const fn new() -> Self {
        Self {
            spans: Vec::new(),
            spares: Vec::new(),
        }
    }

    /// The active span.
    #[inline]
    pub(crate) fn top(&self) -> Option<&SpanRecord> {
        Some(self.spans.last()?)
    }

    /// The place of the active span.
    #[inline]
    pub(crate) fn top_place(&self) -> Place {
        self.top().map_or(Place::NONE, |top| Place {
            depth: self.spans.len() as u32 - 1,
            span_id: top.context.span_id,
        })
    }

    /// The place of a span of this stack, active or below the active one.
    pub(crate) fn place_of(&self, span_id: SpanId) -> Place {
        let is_it = |record: &SpanRecord| {
            record.context.span_id == span_id
                && record.context.state & (state::CLOSED | state::BARE) == 0
        };
        match self.spans.iter().rposition(|record| is_it(record)) {
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
        let record = self.spans.get_mut(place.depth as usize)?;
        (record.context.span_id == place.span_id && !is_gap(record)).then_some(record)
    }

    /// Whether there is only a context at `place`: that of a span, not the span.
    #[cold]
    pub(crate) fn is_context(&mut self, place: Place) -> bool {
        self.get_mut(place).is_some_and(|record| record.is_bare())
    }

    /// Whether nothing lies above `place`.
    #[inline]
    pub(crate) fn is_top(&self, place: Place) -> bool {
        self.spans.len() == place.depth as usize + 1
    }

    /// A record of nothing that is known: all of it is the caller's to set, and it must be.
    #[inline]
    pub(crate) fn spare(&mut self) -> Box<SpanRecord> {
        match self.spare_at_hand() {
            Some(spare) => spare,
            None => self.allocate(),
        }
    }

    /// The same if there is one. It owns nothing.
    #[inline]
    pub(crate) fn spare_at_hand(&mut self) -> Option<Box<SpanRecord>> {
        let spare = self.spares.pop();
        debug_assert!(spare.as_ref().is_none_or(|spare| spare.is_empty()));
        spare
    }

    /// Keeps the record of a span that ended, which must own nothing any more, for one of the next.
    #[inline]
    pub(crate) fn keep(&mut self, record: Box<SpanRecord>) {
        drop(self.try_keep(record));
    }

    /// The same, which gives it back if there are enough.
    #[inline]
    pub(crate) fn try_keep(&mut self, record: Box<SpanRecord>) -> Option<Box<SpanRecord>> {
        if self.spares.len() == self.spares.capacity() {
            return Some(record);
        }
        self.spares.push(record);
        None
    }

    /// What was kept last.
    #[inline]
    pub(crate) fn kept(&self) -> Option<&SpanRecord> {
        Some(self.spares.last()?)
    }

    /// Takes back what was kept last.
    #[inline]
    pub(crate) fn take_back(&mut self) -> Option<Box<SpanRecord>> {
        self.spares.pop()
    }

    /// A record, and room for spares.
    #[cold]
    fn allocate(&mut self) -> Box<SpanRecord> {
        self.spares.reserve_exact(KEPT);
        Box::new(SpanRecord::empty())
    }

    /// Puts a span on the stack.
    #[inline]
    pub(crate) fn push(&mut self, record: Box<SpanRecord>) -> Place {
        let place = Place {
            depth: self.spans.len() as u32,
            span_id: record.context.span_id,
        };
        self.spans.push(record);
        place
    }

    /// Puts a span on the stack, if there is room for it.
    #[inline]
    pub(crate) fn push_within(&mut self, span: &mut Option<Box<SpanRecord>>) -> Option<Place> {
        let depth = self.spans.len();
        if depth == self.spans.capacity() {
            return None;
        }
        let record = span.take()?;
        let span_id = record.context.span_id;
        self.spans.push(record);
        Some(Place {
            depth: depth as u32,
            span_id,
        })
    }

    /// Takes the span at `place` off the stack, if it is the active one and nothing is to be [tidied](Self::tidy) up then.
    #[inline]
    pub(crate) fn take_top_within(&mut self, place: Place) -> Option<Box<SpanRecord>> {
        let is_tidy = match self.spans.as_slice() {
            [.., below, _] => !is_gap(below),
            _ => self.spans.capacity() <= KEPT,
        };
        if !is_tidy || !self.is_top(place) {
            return None;
        }
        self.spans
            .pop_if(|record| record.context.span_id == place.span_id)
    }

    /// Takes the active span off the stack.
    pub(crate) fn pop(&mut self) -> Option<Box<SpanRecord>> {
        self.take_top(self.top_place())
    }

    /// Takes the span at `place` off the stack, if it is the active one.
    #[inline]
    pub(crate) fn take_top(&mut self, place: Place) -> Option<Box<SpanRecord>> {
        if !self.is_top(place) {
            return None;
        }
        let record = self
            .spans
            .pop_if(|record| record.context.span_id == place.span_id)?;
        if self.top().is_none_or(is_gap) {
            self.tidy();
        }
        Some(record)
    }

    /// Takes a span that others still lie on off the stack. It leaves a gap, which goes when they do.
    #[cold]
    pub(crate) fn take_from_below(&mut self, place: Place) -> Option<Box<SpanRecord>> {
        self.get_mut(place)?;
        let mut gap = self.spare();
        gap.context.state = state::CLOSED;
        let record = self.spans.get_mut(place.depth as usize)?;
        Some(std::mem::replace(record, gap))
    }

    /// Removes the gaps that came to lie on top, and what a deep recursion left.
    #[inline(never)]
    fn tidy(&mut self) {
        while let Some(gap) = self.spans.pop_if(|record| is_gap(record)) {
            self.keep(gap);
        }
        if self.spans.is_empty() && self.spans.capacity() > KEPT {
            self.spans.shrink_to(KEPT);
        }
    }
}

/// Whether its span was taken away from under those above it.
#[inline]
fn is_gap(record: &SpanRecord) -> bool {
    record.context.state & state::CLOSED != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::SpanContext;

    fn record(stack: &mut Stack, id: u64) -> Box<SpanRecord> {
        let mut record = stack.spare();
        record.context = SpanContext::EMPTY;
        record.context.span_id = SpanId(id);
        record
    }

    fn ids(stack: &Stack) -> Vec<u64> {
        let spans = stack.spans.iter();
        spans.map(|record| record.context.span_id.0).collect()
    }

    #[test]
    fn records_stay_where_they_are_and_are_written_again() {
        let mut stack = Stack::new();
        let mut addresses = Vec::new();
        for id in 1..=3 {
            let span = record(&mut stack, id);
            addresses.push(std::ptr::from_ref(&*span));
            let place = stack.push(span);
            let span = stack.take_top(place).expect("it is the active span");
            addresses.push(std::ptr::from_ref(&*span));
            assert_eq!(span.context.span_id, SpanId(id));
            stack.keep(span);
        }
        addresses.dedup();
        assert_eq!(addresses.len(), 1);
    }

    #[test]
    fn only_the_active_span_is_taken_from_the_top_and_only_by_its_own_place() {
        let mut stack = Stack::new();
        let outer = record(&mut stack, 1);
        let outer = stack.push(outer);
        let inner = record(&mut stack, 2);
        let inner = stack.push(inner);
        assert!(stack.take_top(outer).is_none());
        assert!(stack.take_top(Place::NONE).is_none());
        let span = stack.take_top(inner).expect("it is the active span");
        stack.keep(span);
        let another = record(&mut stack, 3);
        stack.push(another);
        assert!(stack.take_top(inner).is_none());
        assert!(stack.get_mut(inner).is_none());
        assert_eq!(ids(&stack), [1, 3]);
    }

    #[test]
    fn span_taken_from_below_leaves_a_gap_that_goes_with_those_above() {
        let mut stack = Stack::new();
        let places = [1, 2, 3].map(|id| {
            let span = record(&mut stack, id);
            stack.push(span)
        });
        let [bottom, middle, top] = places;
        let taken = stack.take_from_below(middle).expect("it is there");
        assert_eq!(taken.context.span_id, SpanId(2));
        assert!(stack.take_from_below(middle).is_none());
        assert_eq!(stack.spans.len(), 3);
        assert!(stack.take_top(top).is_some());
        assert_eq!((ids(&stack), stack.top_place()), (vec![1], bottom));
        assert_eq!(stack.spares.len(), 1, "the record of the gap");
    }

    #[test]
    fn deep_recursion_gives_its_memory_back() {
        let mut stack = Stack::new();
        for id in 0..10 * KEPT as u64 {
            let span = record(&mut stack, id);
            stack.push(span);
        }
        while let Some(span) = stack.pop() {
            stack.keep(span);
        }
        assert_eq!(stack.spares.len(), KEPT);
        assert!(stack.spares.capacity() <= KEPT && stack.spans.capacity() <= KEPT);
    }
}
