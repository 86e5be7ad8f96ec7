//! Notes of futures between two polls.

use super::{Last, PENDING};
use crate::clock::Instant;
use crate::context::SpanContext;
use crate::id::SpanId;
use crate::name::Name;
use crate::report::line::{Drafted, Mark, Trace};
use crate::stack::Place;

/// A note out of its place, whose future waits to be polled again. Nobody has asked anything of its span yet. It lies in a box
/// that is written again for the next ones of a thread: futures hold no more than a pointer.
///
/// Where its parent is active again, as it is for all that is awaited, it is [put back](Self::resume): still nothing is made of
/// it. Elsewhere it becomes a span.
#[derive(Debug)]
pub(crate) struct Waiting {
    mark: Mark,
    span_id: SpanId,
    parent_id: SpanId,
    start: Instant,
    trace: Trace,
    tracer: u32,
}

/// Takes the note at `place` out of its place, if it is that of the active span, no root, and has no details. `memory` is asked
/// for where it goes.
#[inline]
pub(crate) fn suspend(
    place: Place,
    memory: impl FnOnce() -> Option<Box<Waiting>>,
) -> Option<Box<Waiting>> {
    super::last(place, |note| {
        if !note.is_plain() {
            return None;
        }
        let mut waiting = memory()?;
        note.suspend(&mut waiting);
        Some(waiting)
    })
    .flatten()
}

/// The same for a note that was put back and is still in its future's hands. `false` if more is known of it now.
#[inline]
pub(crate) fn suspend_again(place: Place) -> bool {
    let suspended = super::last(place, |note| {
        // No root waits.
        let is_plain = !note.has_details();
        if is_plain {
            note.forget();
        }
        is_plain
    });
    suspended == Some(true)
}

impl Last<'_> {
    #[inline]
    fn is_plain(&self) -> bool {
        !self.has_details() && !self.is_root()
    }

    #[inline]
    fn suspend(&self, waiting: &mut Waiting) {
        self.forget();
        let Drafted([outer, own]) = self.draft;
        waiting.mark = own.mark.get();
        waiting.span_id = own.span_id.get();
        waiting.parent_id = outer.span_id.get();
        waiting.start = own.start.get();
        waiting.trace = self.pending.trace.get();
        waiting.tracer = self.tracer();
    }
}

impl Waiting {
    /// Memory for one.
    pub(crate) const fn empty() -> Self {
        Self {
            mark: Mark::NONE,
            span_id: SpanId::NONE,
            parent_id: SpanId::NONE,
            start: Instant::ZERO,
            trace: Trace::NONE,
            tracer: 0,
        }
    }

    /// Notes the span again, if its parent is active and children of that are noted.
    #[inline]
    pub(crate) fn resume(&self) -> Option<Place> {
        PENDING.with(|pending| {
            let at = pending.count() as usize;
            let [outer, own] = pending.drafts.get(at..at + 2)?.first_chunk()?;
            let is_parent = pending.recorded_of.get() == self.tracer
                && outer.span_id.get() == self.parent_id
                && pending.trace.is(self.trace);
            if !is_parent {
                return None;
            }
            own.mark.set(self.mark);
            own.span_id.set(self.span_id);
            own.start.set(self.start);
            pending.next.set(pending.next.get().after());
            Some(Place::noted(self.span_id))
        })
    }

    pub(crate) fn tracer(&self) -> u32 {
        self.tracer
    }

    pub(crate) fn name(&self) -> Name {
        self.mark.name()
    }

    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    pub(crate) fn context(&self) -> SpanContext {
        let mut context = self
            .trace
            .root(self.span_id, self.tracer, self.mark.state());
        context.parent_id = self.parent_id;
        context
    }
}

/// Memory of notes that waited, to be written again.
#[derive(Debug)]
pub(crate) struct WaitingSpares {
    #[expect(
        clippy::vec_box,
        reason = "futures hold the boxes, which go back and forth"
    )]
    kept: Vec<Box<Waiting>>,
}

/// Boxes kept: as many futures of one thread as wait at once, usually.
const KEPT: usize = 256;

impl WaitingSpares {
    pub(crate) const fn new() -> Self {
        Self { kept: Vec::new() }
    }

    #[inline]
    pub(crate) fn spare(&mut self) -> Box<Waiting> {
        match self.kept.pop() {
            Some(spare) => spare,
            None => self.allocate(),
        }
    }

    #[cold]
    fn allocate(&mut self) -> Box<Waiting> {
        self.kept.reserve_exact(KEPT);
        Box::new(Waiting::empty())
    }

    /// Keeps a box, or gives it back if there are enough.
    #[inline]
    pub(crate) fn keep(&mut self, spare: Box<Waiting>) -> Option<Box<Waiting>> {
        if self.kept.len() == self.kept.capacity() {
            return Some(spare);
        }
        self.kept.push(spare);
        None
    }
}
