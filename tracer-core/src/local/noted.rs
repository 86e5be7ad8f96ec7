//! Details of spans that are only noted.

use crate::details::Details;
use crate::part::Parts;
use crate::pending::{self, Last};
use crate::stack::Place;

/// Details of spans that are only [noted](pending), from the outside to the inside.
///
/// What served a span stays where it is for the next: nothing is moved, and all is written field by field.
#[derive(Debug)]
pub(super) struct NotedDetails {
    slots: [Slot; pending::MOST],
    /// Those beyond are empty.
    len: usize,
}

#[derive(Debug)]
struct Slot {
    place: Place,
    /// Which of the notes it is.
    at: u32,
    /// Whose limits the details have.
    tracer: u32,
    details: Option<Box<Details>>,
}

impl NotedDetails {
    pub(super) fn new() -> Self {
        let slot = || Slot {
            place: Place::NONE,
            at: 0,
            tracer: 0,
            details: None,
        };
        Self {
            slots: std::array::from_fn(|_| slot()),
            len: 0,
        }
    }

    #[inline]
    fn last_slot(&mut self) -> Option<&mut Slot> {
        self.slots.get_mut(self.len.wrapping_sub(1))
    }

    /// Those added last.
    #[inline]
    pub(super) fn last(&mut self) -> Option<&mut Details> {
        self.last_slot()?.details.as_deref_mut()
    }

    /// Whether those added last are of the span at `place`.
    #[inline]
    pub(super) fn is_last(&mut self, place: Place) -> bool {
        self.last_slot().is_some_and(|slot| slot.place == place)
    }

    /// Has some at hand that are of the tracer of a note.
    pub(super) fn provide(&mut self, note: &Last<'_>, parts: &mut Parts) -> Option<()> {
        let slot = self.slots.get_mut(self.len)?;
        let tracer = note.tracer();
        if slot.details.is_none() || slot.tracer != tracer {
            slot.tracer = tracer;
            slot.details = Some(parts.details(tracer));
        }
        Some(())
    }

    /// Adds some for the active span, if they are at hand.
    #[inline]
    pub(super) fn add(&mut self, note: &Last<'_>, place: Place) -> Option<()> {
        let slot = self.slots.get_mut(self.len)?;
        if slot.details.is_none() || slot.tracer != note.tracer() {
            return None;
        }
        slot.place = place;
        slot.at = note.add_details();
        self.len += 1;
        Some(())
    }

    /// Forgets the span of those added last, which is that of the note.
    pub(super) fn pop(&mut self, note: &Last<'_>) {
        let Some(slot) = self.last_slot() else {
            return;
        };
        let details = slot.details.as_mut();
        if !details.is_some_and(|details| details.recycle()) {
            slot.empty();
        }
        self.forget_last(note);
    }

    /// The same, of which all was sent and nothing is left but entries.
    #[inline(always)]
    pub(super) fn pop_sent(&mut self, note: &Last<'_>) {
        if let Some(details) = self.last() {
            details.clear();
        }
        self.forget_last(note);
    }

    #[inline(always)]
    fn forget_last(&mut self, note: &Last<'_>) {
        self.len -= 1;
        note.take_details(self.last_slot().map(|slot| slot.at));
    }

    /// Moves those out that were added as the nth.
    pub(super) fn take(&mut self, nth: usize) -> Option<Box<Details>> {
        self.slots.get_mut(nth)?.details.take()
    }

    /// Forgets all spans, whose details were [taken](Self::take).
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }
}

impl Slot {
    #[cold]
    fn empty(&mut self) {
        self.details = None;
    }
}
