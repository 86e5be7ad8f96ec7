//! How far the decision about a local trace is.

use crate::context::flag;

/// How far the decision about a trace is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Phase {
    /// The sampler has not decided yet.
    Undecided,
    /// The sampler refused it, or whoever called us; the policy may keep it.
    Candidate,
    /// The sampler wanted it in the end.
    Sampled,
    /// `sampling.priority` asked for it.
    Debug,
    /// The policy keeps it. To others it stays refused: they have dropped their spans.
    Kept,
    /// Nobody wanted it.
    Dropped,
    /// There was no room for it.
    GivenUp,
}

impl Phase {
    pub(super) const ALL: [Self; 7] = [
        Self::Undecided,
        Self::Candidate,
        Self::Sampled,
        Self::Debug,
        Self::Kept,
        Self::Dropped,
        Self::GivenUp,
    ];

    /// The flags that contexts of the trace have in addition.
    pub(crate) const fn flags(self) -> u8 {
        match self {
            Self::Sampled => flag::SAMPLED,
            Self::Debug => flag::SAMPLED | flag::DEBUG,
            Self::Undecided | Self::Candidate | Self::Kept | Self::Dropped | Self::GivenUp => 0,
        }
    }

    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Undecided | Self::Candidate)
    }

    pub(crate) const fn is_recorded(self) -> bool {
        self.is_open() || self.is_reported()
    }

    pub(super) const fn is_reported(self) -> bool {
        matches!(self, Self::Sampled | Self::Debug | Self::Kept)
    }
}
