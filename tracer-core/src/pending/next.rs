//! Which note is the next.

use crate::stack::Place;

/// In the lower half how many notes there are, in the upper one how many times notes were taken: those of different times are
/// not mistaken for each other. Of a refused trace, whose spans have no ids, it is what a note is known by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Next(u64);

impl Next {
    pub(super) const FIRST: Self = Self(0);

    /// Which was the next when a span of a refused trace was noted.
    #[inline]
    pub(super) const fn of(place: Place) -> Self {
        Self(place.refused_bits())
    }

    /// Where the span of a refused trace is that is noted then.
    #[inline]
    pub(super) const fn place(self) -> Place {
        Place::refused(self.0)
    }

    #[inline]
    pub(super) const fn count(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub(super) const fn time(self) -> u64 {
        self.0 >> 32
    }

    /// With one note more. There are never so many that the times would be touched.
    #[inline]
    pub(super) const fn after(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// With one note less, of at least one.
    #[inline]
    pub(super) const fn before(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }

    /// With so many notes.
    #[inline]
    pub(super) const fn at(self, count: u32) -> Self {
        Self(self.time() << 32 | count as u64)
    }

    /// With none, after they were taken.
    pub(super) const fn later(self) -> Self {
        Self(self.time().wrapping_add(1) << 32)
    }
}
