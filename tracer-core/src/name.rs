//! Operation names that are known at compile time.

mod number;

use crate::callsite::Callsite;
pub(crate) use number::Number;
pub use number::SiteNumber;
#[cfg(test)]
pub(crate) use number::give_none;

/// An operation name known at compile time: given as such, or that of a traced function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name {
    Text(&'static str),
    Site(&'static Callsite),
}

impl Name {
    /// The name of no span.
    pub(crate) const NONE: Self = Self::Text("");

    /// Of a traced function, or else the text.
    ///
    /// Functions that are called for each span and are no part of their callers take a name like this, for two words that
    /// may be either are passed through memory: read there at once, they wait until both are written.
    #[inline]
    pub(crate) fn of(text: &'static str, site: Option<&'static Callsite>) -> Self {
        site.map_or(Self::Text(text), Self::Site)
    }

    #[inline]
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Text(text) => text,
            Self::Site(site) => site.name,
        }
    }

    /// The traced function, if it is of one.
    #[inline]
    pub(crate) const fn callsite(self) -> Option<&'static Callsite> {
        match self {
            Self::Text(_) => None,
            Self::Site(site) => Some(site),
        }
    }

    /// What [`of`](Self::of) makes it of again.
    #[inline]
    pub(crate) const fn parts(self) -> (&'static str, Option<&'static Callsite>) {
        match self {
            Self::Text(text) => (text, None),
            Self::Site(site) => ("", Some(site)),
        }
    }

    /// Where it lies in memory, by which it is known again: cheaper than by what it says. What this is made of, so taking it
    /// apart takes nothing.
    #[inline]
    fn words(self) -> [usize; 2] {
        match self {
            Self::Text(text) => [text.as_ptr().addr(), text.len()],
            Self::Site(site) => [0, std::ptr::from_ref(site).addr()],
        }
    }
}
