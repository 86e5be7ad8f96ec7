//! Spans of refused traces that nobody has asked anything of.
//!
//! A span of a trace that is not sampled has one use: to be a context, for children, headers and baggage, and most never
//! are. So [`enter`] makes a note of it (3 ns, where a span on the stack takes 20), and [`take`] gives the notes to
//! whoever comes to the stack for anything, who turns them into spans there first. Nobody can tell the difference.

use std::cell::Cell;

use crate::stack::Place;

thread_local! {
    /// Without a destructor, so it can always be reached.
    static PENDING: Pending = const {
        Pending {
            names: [const { Cell::new("") }; MOST],
            count: Cell::new(0),
            time: Cell::new(0),
            tracer: Cell::new(0),
        }
    };
}

/// Notes a thread keeps; one more makes spans of them all.
const MOST: usize = 16;

/// Spans that were entered one inside of the other, all of one tracer.
struct Pending {
    names: [Cell<&'static str>; MOST],
    count: Cell<u32>,
    /// How many times notes were taken: those of different times are not mistaken for each other.
    time: Cell<u32>,
    tracer: Cell<u32>,
}

/// A span that was only noted.
#[derive(Clone, Copy)]
pub(crate) struct Note {
    /// Where it was said to be.
    pub(crate) place: Place,
    pub(crate) name: &'static str,
    pub(crate) tracer: u32,
}

/// Notes a span of a tracer under an active one of a refused trace. `None` if it must be made at once.
#[inline]
pub(crate) fn enter(name: &'static str, tracer: u32) -> Option<Place> {
    PENDING.with(|pending| {
        let at = pending.count.get();
        if at > 0 && pending.tracer.get() != tracer {
            return None;
        }
        pending.names.get(at as usize)?.set(name);
        pending.tracer.set(tracer);
        pending.count.set(at + 1);
        Some(Place::pending(pending.time.get(), at))
    })
}

/// Forgets the note at `place` if it is the last. `false` if it is not, or was taken.
#[inline]
pub(crate) fn leave(place: Place) -> bool {
    PENDING.with(|pending| {
        let last = pending.count.get().wrapping_sub(1);
        let is_last = place == Place::pending(pending.time.get(), last);
        if is_last {
            pending.count.set(last);
        }
        is_last
    })
}

/// Whether the span at `place` is still a note.
#[inline]
pub(crate) fn is_noted(place: Place) -> bool {
    PENDING.with(|pending| place.is_pending_since(pending.time.get()))
}

/// Whether there are notes.
#[inline]
pub(crate) fn is_any() -> bool {
    PENDING.with(|pending| pending.count.get() > 0)
}

/// Takes all notes, outermost first.
#[cold]
pub(crate) fn take() -> impl Iterator<Item = Note> {
    let (names, count, time, tracer) = PENDING.with(|pending| {
        let names = pending.names.each_ref().map(Cell::get);
        let (count, time) = (pending.count.take(), pending.time.get());
        pending.time.set(time.wrapping_add(1));
        (names, count, time, pending.tracer.get())
    });
    (0..count).zip(names).map(move |(at, name)| Note {
        place: Place::pending(time, at),
        name,
        tracer,
    })
}

/// Places of notes, and where the spans that were made of them lie.
#[derive(Debug)]
pub(crate) struct Made(Vec<(Place, Place)>);

impl Made {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn add(&mut self, noted: Place, place: Place) {
        self.0.push((noted, place));
    }

    /// Where a span lies: where it was said to, or if that was a note, where it was put. None if it is not there any more.
    #[inline]
    pub(crate) fn find(&self, place: Place) -> Place {
        if place.is_pending() {
            self.look_up(place)
        } else {
            place
        }
    }

    #[cold]
    fn look_up(&self, noted: Place) -> Place {
        let found = self.0.iter().find(|(at, _)| *at == noted);
        found.map_or(Place::NONE, |(_, place)| *place)
    }

    /// Forgets the spans that are not there any more.
    pub(crate) fn retain(&mut self, mut is_there: impl FnMut(Place) -> bool) {
        self.0.retain(|(_, place)| is_there(*place));
    }
}

#[cfg(test)]
mod tests;
