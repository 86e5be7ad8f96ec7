//! Why a message could not be read.

use std::fmt;

/// Why a message could not be read: what was expected, where, and the [`Cause`] it is counted under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    cause: Cause,
    at: usize,
    what: Box<str>,
}

/// The causes by which refused messages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The message ends before the value does.
    Truncated,
    /// A declared size is negative or more than the rest of the message could hold.
    Size,
    /// Structures are nested deeper than any real message nests them.
    Depth,
    /// It is not the protocol: wrong version, unknown type, an over-long number.
    Malformed,
    /// A required field is missing.
    Missing,
    /// The message calls a method other than `emitBatch`; `emitZipkinBatch` too.
    Method,
}

impl Cause {
    /// All causes, in the order of [`index`](Self::index).
    pub(crate) const ALL: [Self; 6] = [
        Self::Truncated,
        Self::Size,
        Self::Depth,
        Self::Malformed,
        Self::Missing,
        Self::Method,
    ];

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Size => "size",
            Self::Depth => "depth",
            Self::Malformed => "malformed",
            Self::Missing => "missing_field",
            Self::Method => "unknown_method",
        }
    }
}

impl DecodeError {
    pub(crate) fn new(cause: Cause, at: usize, what: impl Into<Box<str>>) -> Self {
        Self {
            cause,
            at,
            what: what.into(),
        }
    }

    /// The cause it is counted under.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The offset, in bytes from the start of the message, at which reading stopped.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

impl std::error::Error for DecodeError {}
