//! The bytes that tags, logs and a name are kept in: [entries](super::entry) one after another, in the order they were made.
//!
//! Keys that are known at compile time are copied, too: a pointer and a length are as long as most keys, and a block without
//! pointers can go to another thread by itself. Numbers are little-endian.

use std::ops::Range;

use super::entry::{COUNT, Entries, Entry, HEADER, Kind, SIZE_BITS, TIME, header};
use super::value::Stored;
use crate::short;

/// Bytes that all entries may take at most, and so the longest value: a header can say any that is shorter than that and a
/// piece.
pub(super) const LONGEST: usize = (1 << SIZE_BITS) - PIECE;

/// Entries, behind room for what [`Details`](super::Details) adds when it sends them elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Memory, all of it written to at some time: entries are copied into parts of it, which costs a third of appending to
    /// a `Vec` piece by piece.
    ///
    /// It never grows beyond what the entries may take: where there is room for one, it is allowed.
    memory: Vec<u8>,
    /// Of the entries and what is before them. Shorter than a `usize`, so that nothing added to it overflows.
    len: u32,
    /// A bit for each key that was looked for: most tags are new, and then need not be compared with all others.
    keys: u64,
    /// Bytes that all may take, in whole pieces.
    most: usize,
}

/// Bytes of that room.
pub(super) const FRONT: usize = 8;

/// Bytes that are sent elsewhere at once: memory is of whole pieces.
pub(crate) const PIECE: usize = 64;

/// Bytes of memory that a block begins with.
const MEMORY: usize = 4 * PIECE;

impl Block {
    /// Bytes of a log without fields.
    pub(super) const LOG: usize = HEADER + COUNT + TIME;

    /// Whose entries may take so many bytes, and what is left of the last [piece](PIECE) then.
    pub(super) fn new(entries: usize) -> Self {
        let most = (FRONT + entries.min(LONGEST)).next_multiple_of(PIECE);
        Self {
            memory: vec![0; MEMORY.min(most)],
            len: FRONT as u32,
            keys: 0,
            most,
        }
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.len = FRONT as u32;
        self.keys = 0;
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.memory.len()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Bytes of an entry.
    #[inline(always)]
    pub(super) const fn need(key: &[u8], value: Stored<'_>) -> usize {
        HEADER + key.len() + value.len()
    }

    /// Whether so many more bytes are allowed, once so many are freed.
    #[inline]
    pub(super) fn has_room(&self, need: usize, freed: usize) -> bool {
        self.len() + need <= self.most + freed
    }

    /// Appends an entry that there [is room](Self::has_room) for, whose key has at most 2 047 bytes.
    #[inline(always)]
    pub(super) fn put(&mut self, key: &[u8], value: Stored<'_>) {
        if !self.put_short(key, value) {
            match value {
                Stored::Number(kind, bits) => self.put_long(kind, key, &bits.to_le_bytes()),
                Stored::Bytes(kind, bytes) => self.put_long(kind, key, bytes),
            }
        }
    }

    /// The same if it is short and the memory is not at its end. `false` if not, and nothing happened.
    #[inline(always)]
    pub(super) fn put_short(&mut self, key: &[u8], value: Stored<'_>) -> bool {
        let is_written = self.write(key, value).is_some();
        if is_written {
            self.len += Self::need(key, value) as u32;
        }
        is_written
    }

    /// The same for a tag if it is plain that there is none of that key yet.
    #[inline(always)]
    pub(super) fn put_new(&mut self, key: &[u8], value: Stored<'_>) -> bool {
        let Some(bit) = self.write(key, value) else {
            return false;
        };
        let is_new = self.keys & bit == 0;
        if is_new {
            self.keys |= bit;
            self.len += Self::need(key, value) as u32;
        }
        is_new
    }

    /// Writes a short entry behind all others, where it is none of them yet. The [bit](bit_of) of its key.
    #[inline(always)]
    fn write(&mut self, key: &[u8], value: Stored<'_>) -> Option<u64> {
        if key.len() > short::MOST || value.len() > short::MOST {
            return None;
        }
        let at = self.len();
        let room: &mut [u8; ROOM] = self.memory.get_mut(at..at + ROOM)?.first_chunk_mut()?;
        match value {
            Stored::Number(kind, bits) => {
                room[..HEADER].copy_from_slice(&header(kind, key.len(), size_of::<u64>()));
                let (first, last) = short::copy(&mut room[HEADER..], key);
                let room = &mut room[HEADER + key.len()..];
                room[..size_of::<u64>()].copy_from_slice(&bits.to_le_bytes());
                Some(bit_of(first, last))
            }
            Stored::Bytes(kind, bytes) => {
                room[..HEADER].copy_from_slice(&header(kind, key.len(), bytes.len()));
                let (first, last) = short::copy(&mut room[HEADER..], key);
                short::copy(&mut room[HEADER + key.len()..], bytes);
                Some(bit_of(first, last))
            }
        }
    }

    /// Appends an entry where the memory is at its end, or copying is work that is worth a call.
    #[inline(never)]
    fn put_long(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        let at = self.len();
        let end = at + HEADER + key.len() + value.len();
        if self.memory.len() < end {
            self.grow(end);
        }
        let Some(room) = self.memory.get_mut(at..end) else {
            return;
        };
        let (head, room) = room.split_at_mut(HEADER);
        let (to_key, to_value) = room.split_at_mut(key.len());
        head.copy_from_slice(&header(kind, key.len(), value.len()));
        to_key.copy_from_slice(key);
        to_value.copy_from_slice(value);
        self.len = end as u32;
    }

    /// Becomes a copy.
    pub(super) fn copy_from(&mut self, other: &Self) {
        if self.memory.len() < other.len() {
            self.grow(other.len());
        }
        let entries = other.memory.get(FRONT..other.len()).unwrap_or_default();
        if let Some(room) = self.memory.get_mut(FRONT..other.len()) {
            room.copy_from_slice(entries);
            self.len = other.len;
            self.keys = other.keys;
        }
    }

    /// Grows to so many bytes, or more.
    #[cold]
    fn grow(&mut self, len: usize) {
        let len = len.next_power_of_two().max(PIECE).min(self.most);
        self.memory.resize(len, 0);
    }

    /// Begins a log, as [`begin_log`](Self::begin_log) does, if the memory is not at its end.
    #[inline(always)]
    pub(super) fn begin_short_log(&mut self, kind: Kind, time: u64) -> Option<usize> {
        let at = self.len();
        self.put_short(&[0; COUNT], Stored::Number(kind, time))
            .then_some(at)
    }

    /// Begins a log; its fields are put next. Says where it is, for [`end_log`](Self::end_log).
    pub(super) fn begin_log(&mut self, kind: Kind, time: u64) -> usize {
        let at = self.len();
        // What a number and a key of four bytes take.
        self.put(&[0; COUNT], Stored::Number(kind, time));
        at
    }

    /// Ends a log of that many fields. One without any is taken back.
    #[inline]
    pub(super) fn end_log(&mut self, at: usize, kind: Kind, fields: usize) {
        if fields == 0 {
            self.len = at as u32;
            return;
        }
        let bytes = self.len() - at - HEADER;
        let rest = self.memory.get_mut(at..).unwrap_or_default();
        if let Some(head) = rest.first_chunk_mut::<{ HEADER + COUNT }>() {
            let [a, b, c, d] = header(kind, 0, bytes);
            let [e, f, g, h] = (fields as u32).to_le_bytes();
            *head = [a, b, c, d, e, f, g, h];
        }
    }

    #[inline]
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries::of(self.memory.get(FRONT..self.len()).unwrap_or_default())
    }

    /// The entry at `at`.
    #[inline]
    pub(super) fn at(&self, at: usize) -> Option<Entry<'_>> {
        Entries::of(self.memory.get(at..self.len())?).next()
    }

    /// Where the tag of that key lies. If there is none, it is put next.
    pub(super) fn tag(&mut self, key: &[u8]) -> Option<Range<usize>> {
        let (first, last) = short::ends(key);
        let bit = bit_of(first, last);
        if self.keys & bit == 0 {
            self.keys |= bit;
            return None;
        }
        let mut at = FRONT;
        for entry in self.entries() {
            let next = at + entry.len();
            if entry.kind().is_tag() && entry.pair().0 == key {
                return Some(at..next);
            }
            at = next;
        }
        None
    }

    /// Puts an entry in the place of the one at `old`.
    #[cold]
    pub(super) fn replace(&mut self, old: Range<usize>, key: &[u8], value: Stored<'_>) {
        let at = old.start;
        self.remove(old);
        let before = self.len();
        self.put(key, value);
        let end = self.len();
        if let Some(moved) = self.memory.get_mut(at..end) {
            moved.rotate_right(end - before);
        }
    }

    pub(super) fn remove(&mut self, old: Range<usize>) {
        let removed = old.len();
        let end = self.len();
        self.memory.copy_within(old.end..end, old.start);
        self.len -= removed as u32;
    }

    /// The block with its front filled in, to be sent elsewhere. The lower half of the front is the length of all.
    #[inline]
    pub(super) fn seal(&mut self, front: u64) -> &[[u8; PIECE]] {
        let count = self.len().div_ceil(PIECE);
        let (pieces, _) = self.memory.as_chunks_mut::<PIECE>();
        let Some(sealed) = pieces.get_mut(..count) else {
            return &[];
        };
        if let Some(room) = sealed.as_flattened_mut().first_chunk_mut() {
            *room = front.to_le_bytes();
        }
        sealed
    }

    /// Becomes the block that was sealed, whose length is the lower bits of its front, and gives the front.
    #[inline]
    pub(super) fn load(
        &mut self,
        mut pieces: impl Iterator<Item = [u8; PIECE]>,
        length_bits: u32,
    ) -> u64 {
        self.clear();
        let Some(first) = pieces.next() else {
            return 0;
        };
        let front = first
            .first_chunk()
            .map_or(0, |front| u64::from_le_bytes(*front));
        let len = front as usize & ((1 << length_bits) - 1);
        if self.memory.len() < len {
            self.grow(len);
        }
        let (room, _) = self.memory.as_chunks_mut::<PIECE>();
        let room = room.iter_mut().take(len.div_ceil(PIECE));
        for (to, piece) in room.zip(std::iter::once(first).chain(pieces)) {
            *to = piece;
        }
        self.keys = u64::MAX;
        self.len = len.clamp(FRONT, self.memory.len()) as u32;
        front
    }
}

/// One of 64 bits, by the ends of a key: different for the few that a span has, mostly.
#[inline(always)]
fn bit_of(first: u64, last: u64) -> u64 {
    // The upper bits of a product depend on all bits of its factors, if one is as odd as this.
    let product = (first ^ last.rotate_left(7)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    1 << (product >> 58)
}

/// Bytes of memory that an entry of a short key and a short value takes at most.
const ROOM: usize = HEADER + 2 * short::MOST;
