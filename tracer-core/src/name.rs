//! Operation names that are known at compile time.

use crate::callsite::Callsite;

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

    /// Whether both lie at the same place in memory: cheaper than to be equal, and enough to know a name again.
    #[inline]
    pub(crate) fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Text(text), Self::Text(other)) => std::ptr::eq(text, other),
            (Self::Site(site), Self::Site(other)) => std::ptr::eq(site, other),
            _ => false,
        }
    }

    /// A number that those of other places seldom have.
    #[inline]
    pub(crate) fn hash(self) -> u8 {
        let address = match self {
            Self::Text(text) => text.as_ptr().addr(),
            Self::Site(site) => std::ptr::from_ref(site).addr(),
        };
        // Multiplied by 2^64 over the golden ratio: the upper bits depend on all of the address.
        ((address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
    }
}
