//! The bytes that tags, logs and a name are kept in: entries one after another, in the order they were made.
//!
//! ```text
//! | kind 1 | 0 1 | key length 2 | value length 4 | key | value |        a tag, a field of a log, or the name
//! | kind 1 | 0 1 | fields     2 | bytes        4 | time 8 | fields |    a log
//! ```
//!
//! Keys that are known at compile time are copied, too: a pointer and a length are as long as most keys, and a block without
//! pointers can go to another thread by itself. Numbers are little-endian.

use std::ops::Range;

/// What an entry is. Values first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
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

const HEADER: usize = 8;
const TIME: usize = 8;

/// Entries, behind room for what [`Details`](super::Details) adds when it sends them elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Block(Vec<u8>);

/// Bytes of that room.
pub(super) const FRONT: usize = 16;

/// An entry as it is stored. Of a log, `key` is the time and `count` its fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    pub(super) count: usize,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

/// Reads entries. Ends where they do, and where bytes are not what was written.
#[derive(Clone, Debug)]
pub(super) struct Entries<'a>(&'a [u8]);

impl Block {
    /// Bytes of a log without fields.
    pub(super) const LOG: usize = HEADER + TIME;

    pub(super) fn new() -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.resize(FRONT, 0);
        Self(bytes)
    }

    pub(super) fn clear(&mut self) {
        self.0.truncate(FRONT);
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes of an entry.
    pub(super) const fn need(key: &[u8], value: &[u8]) -> usize {
        HEADER + key.len() + value.len()
    }

    /// Appends an entry, whose key has at most 65 535 bytes.
    #[inline]
    pub(super) fn put(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        self.0.reserve(Self::need(key, value));
        self.0
            .extend_from_slice(&header(kind, key.len(), value.len()));
        self.0.extend_from_slice(key);
        self.0.extend_from_slice(value);
    }

    /// Begins a log; its fields are put next. Says where it is, for [`end_log`](Self::end_log).
    #[inline]
    pub(super) fn begin_log(&mut self, kind: Kind, time: i64) -> usize {
        let at = self.0.len();
        self.put(kind, &[], &time.to_le_bytes());
        at
    }

    /// Ends a log of that many fields. One without any is taken back.
    #[inline]
    pub(super) fn end_log(&mut self, at: usize, kind: Kind, fields: usize) {
        if fields == 0 {
            self.0.truncate(at);
            return;
        }
        let bytes = self.0.len() - at - HEADER;
        if let Some(room) = self.0.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *room = header(kind, fields, bytes);
        }
    }

    pub(super) fn entries(&self) -> Entries<'_> {
        Entries(&self.0[FRONT..])
    }

    /// The entry at `at`.
    pub(super) fn at(&self, at: usize) -> Option<Entry<'_>> {
        Entries(self.0.get(at..)?).next()
    }

    /// Where the first entry lies that `wanted` takes.
    #[inline]
    pub(super) fn position(&self, wanted: impl Fn(&Entry<'_>) -> bool) -> Option<Range<usize>> {
        let mut entries = self.entries();
        let mut at = FRONT;
        while let Some(entry) = entries.next() {
            let next = self.0.len() - entries.0.len();
            if wanted(&entry) {
                return Some(at..next);
            }
            at = next;
        }
        None
    }

    /// Puts an entry in the place of the one at `old`.
    pub(super) fn replace(&mut self, old: Range<usize>, kind: Kind, key: &[u8], value: &[u8]) {
        let at = old.start;
        self.remove(old);
        let before = self.0.len();
        self.put(kind, key, value);
        let added = self.0.len() - before;
        self.0[at..].rotate_right(added);
    }

    pub(super) fn remove(&mut self, old: Range<usize>) {
        self.0.drain(old);
    }

    /// The block with its front filled in, to be sent elsewhere. The first number is the length of all.
    #[inline]
    pub(super) fn seal(&mut self, front: [u32; FRONT / 4]) -> &[u8] {
        for (room, number) in self.0.chunks_exact_mut(4).zip(front) {
            room.copy_from_slice(&number.to_le_bytes());
        }
        &self.0
    }

    /// Becomes the block that was sealed, which is at the beginning of bytes in two parts, and gives what stood in its front.
    #[inline]
    pub(super) fn load(&mut self, first: &[u8], second: &[u8]) -> [u32; FRONT / 4] {
        self.0.clear();
        let len = self.take(FRONT, first, second).unwrap_or_default()[0] as usize;
        self.0.clear();
        self.take(len.max(FRONT), first, second).unwrap_or_else(|| {
            *self = Self::new();
            [0; FRONT / 4]
        })
    }

    /// Appends so many bytes of two parts; the numbers they begin with. `None` if there are not as many.
    #[inline]
    fn take(&mut self, len: usize, first: &[u8], second: &[u8]) -> Option<[u32; FRONT / 4]> {
        let of_first = len.min(first.len());
        self.0.extend_from_slice(first.get(..of_first)?);
        self.0.extend_from_slice(second.get(..len - of_first)?);
        let mut front = [0; FRONT / 4];
        for (number, bytes) in front.iter_mut().zip(self.0.chunks_exact(4)) {
            *number = u32::from_le_bytes(bytes.try_into().ok()?);
        }
        Some(front)
    }
}

#[inline]
fn header(kind: Kind, count: usize, bytes: usize) -> [u8; HEADER] {
    (kind as u64 | (count as u64 & 0xffff) << 16 | (bytes as u64) << 32).to_le_bytes()
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let (header, rest) = self.0.split_first_chunk::<HEADER>()?;
        let header = u64::from_le_bytes(*header);
        let (kind, count) = (Kind::of(header as u8), (header >> 16) as usize & 0xffff);
        let is_log = matches!(kind, Kind::Counted | Kind::Timed);
        let (key_bytes, value_bytes) = match (header >> 32) as usize {
            bytes if is_log => (TIME, bytes.checked_sub(TIME)?),
            bytes => (count, bytes),
        };
        let (key, rest) = rest.split_at_checked(key_bytes)?;
        let (value, rest) = rest.split_at_checked(value_bytes)?;
        self.0 = rest;
        Some(Entry {
            kind,
            count,
            key,
            value,
        })
    }
}

impl<'a> Entry<'a> {
    /// The fields of a log.
    pub(super) fn fields(&self) -> Entries<'a> {
        Entries(self.value)
    }

    /// The number that a value of eight bytes is, and the time of a log.
    #[inline]
    pub(super) fn number(bytes: &[u8]) -> [u8; 8] {
        bytes.first_chunk().copied().unwrap_or_default()
    }
}
