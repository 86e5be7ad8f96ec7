//! Spans of a thread that are only [noted](crate::pending): when that is enough, and how they become others.

use super::{LOCAL, Local, MODE, Mode, Place, with};
use crate::clock::{self, Instant};
use crate::id;
use crate::pending::{self, Last};

/// Finishes the span at `place` if it is the last that was noted. `false` if it is not, or takes more.
#[inline(always)]
pub(crate) fn leave(place: Place) -> bool {
    let left = pending::last(place, |note| {
        let end = clock::now();
        let sent = LOCAL.try_with(|local| local.try_borrow_mut().ok()?.send(&note, end));
        sent.ok().flatten()?;
        note.forget();
        Some(())
    });
    left.flatten().is_some()
}

/// Whether the span at `place` is of a refused trace, and nobody asked anything of it yet.
#[inline]
pub(crate) fn is_noted(place: Place) -> bool {
    MODE.get() == Mode::Refused && place.is_pending() && pending::is_noted(place)
}

/// Makes spans of those that this thread only noted.
pub(crate) fn settle() {
    with(|_| ());
}

impl Local {
    /// Makes spans of those that were only noted.
    #[inline(never)]
    pub(super) fn make_pending(&mut self) {
        let Self { stack, made, .. } = self;
        made.retain(|place| stack.get_mut(place).is_some());
        pending::take(|note| {
            let (span_id, start) = if note.span_id.is_none() {
                (id::next_span(), None)
            } else {
                (note.span_id, Some(note.start))
            };
            let mut record = self.stack.spare();
            let Some(parent) = self.stack.top() else {
                return;
            };
            record.context = parent.context.child(span_id);
            record.context.tracer = note.tracer;
            self.begin(&mut record, note.name, None, start);
            let place = self.stack.push(record);
            self.made.add(note.place, place);
        });
    }

    /// Allows notes of children of the active span. `false` if there is more to them than a note can say: they carry
    /// something, or go to another ring than their parent.
    pub(super) fn allow_notes(&mut self, tracer: u32) -> bool {
        let Some(top) = self.stack.top() else {
            return false;
        };
        let context = &top.context;
        let own = if tracer == 0 { context.tracer } else { tracer };
        let are_recorded = MODE.get() == Mode::Sampled;
        let allowed = !are_recorded
            || !pending::is_distrusted()
                && top.is_reported()
                && context.carried.is_none()
                && own == context.tracer
                && self.parts.get(own).is_some_and(|part| part.has_ring());
        if allowed {
            pending::begin(top, own);
        }
        allowed
    }

    /// Sends a span that was only noted. `None` if it takes more.
    #[inline]
    fn send(&mut self, note: &Last<'_>, end: Instant) -> Option<()> {
        let part = self.parts.last()?;
        if note.is_first() {
            // The trace of the span on top of the stack is that of the notes.
            let of = &self.stack.top()?.context;
            part.finish_first(note.ended(end), note.name(), note.state(), of)?;
            note.set_left();
            return Some(());
        }
        part.finish_brief(note.ended(end), note.name(), note.state())
    }
}
