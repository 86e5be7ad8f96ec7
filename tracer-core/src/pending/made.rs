//! Spans that were made of notes.

use crate::stack::Place;

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
        if place.is_noted() {
            self.look_up(place)
        } else {
            place
        }
    }

    #[cold]
    #[inline(never)]
    fn look_up(&self, noted: Place) -> Place {
        let found = self.0.iter().find(|(at, _)| *at == noted);
        found.map_or(Place::NONE, |(_, place)| *place)
    }

    /// Forgets the spans that are not there any more.
    pub(crate) fn retain(&mut self, mut is_there: impl FnMut(Place) -> bool) {
        self.0.retain(|(_, place)| is_there(*place));
    }
}
