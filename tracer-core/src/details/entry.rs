//! Entries of a [block](super::block): tags, logs with their fields, and a name.
//!
//! ```text
//! | header 4 | key | value |                  a tag, a field of a log, or the name
//! | header 4 | fields 4 | time 8 | fields |    a log
//! ```
//!
//! A header is a word of 4 bits for the kind, 11 for the length of the key, and 17 for that of the value, or of all of a log:
//! each byte goes from one core's cache to another's.

/// What an entry is. Values first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    Bool,
    I64,
    F64,
    Text,
    Bytes,
    /// A log with a time of the counter.
    Counted,
    /// A log with a time of the caller's.
    Timed,
    Name,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Bool,
            1 => Self::I64,
            2 => Self::F64,
            3 => Self::Text,
            4 => Self::Bytes,
            5 => Self::Counted,
            6 => Self::Timed,
            _ => Self::Name,
        }
    }

    pub(super) const fn is_tag(self) -> bool {
        matches!(
            self,
            Self::Bool | Self::I64 | Self::F64 | Self::Text | Self::Bytes
        )
    }
}

pub(super) const HEADER: usize = 4;
/// How many fields a log has, and its time.
pub(super) const COUNT: usize = 4;
pub(super) const TIME: usize = 8;

/// Bits of a header.
const KIND_BITS: u32 = 4;
const KEY_BITS: u32 = 11;
pub(super) const SIZE_BITS: u32 = u32::BITS - KIND_BITS - KEY_BITS;

/// The header of an entry.
#[inline]
pub(super) fn header(kind: Kind, key: usize, value: usize) -> [u8; HEADER] {
    (kind as u32 | (key as u32) << KIND_BITS | (value as u32) << (KIND_BITS + KEY_BITS))
        .to_le_bytes()
}

/// An entry as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    header: u32,
    /// What is behind the header.
    body: &'a [u8],
}

/// Reads entries. Ends where they do, and where bytes are not what was written.
#[derive(Clone, Debug)]
pub(super) struct Entries<'a>(&'a [u8]);

/// The fields of a log.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    entries: Entries<'a>,
    left: usize,
}

impl<'a> Entries<'a> {
    #[inline]
    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let (header, rest) = self.0.split_first_chunk()?;
        let header = u32::from_le_bytes(*header);
        let (body, rest) = rest.split_at_checked(key_len(header) + value_len(header))?;
        self.0 = rest;
        Some(Entry { header, body })
    }
}

impl<'a> Entry<'a> {
    #[inline]
    pub(super) const fn kind(&self) -> Kind {
        Kind::of(self.header as u8 & ((1 << KIND_BITS) - 1))
    }

    /// Bytes of it.
    pub(super) const fn len(&self) -> usize {
        HEADER + self.body.len()
    }

    /// The key and the value of a tag, a field, or the name.
    #[inline]
    pub(super) fn pair(&self) -> (&'a [u8], &'a [u8]) {
        self.body
            .split_at_checked(key_len(self.header))
            .unwrap_or_default()
    }

    /// The time and the fields of a log.
    #[inline]
    pub(super) fn log(&self) -> Option<(u64, Fields<'a>)> {
        let (count, rest) = self.body.split_first_chunk::<COUNT>()?;
        let (time, fields) = rest.split_first_chunk::<TIME>()?;
        let fields = Fields {
            entries: Entries(fields),
            left: u32::from_le_bytes(*count) as usize,
        };
        Some((u64::from_le_bytes(*time), fields))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.saturating_sub(1);
        self.entries.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

#[inline]
const fn key_len(header: u32) -> usize {
    (header >> KIND_BITS) as usize & ((1 << KEY_BITS) - 1)
}

/// Bytes of a value, or of all of a log.
#[inline]
const fn value_len(header: u32) -> usize {
    (header >> (KIND_BITS + KEY_BITS)) as usize
}
