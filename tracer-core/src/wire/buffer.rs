//! The memory a message is built in.

use crate::short;

/// Bytes written one after another into memory of a fixed size.
///
/// What does not fit is left out and noted, not an error at each write: whoever writes a span asks once, at its end,
/// whether all of it [fits](Self::is_full), and [cuts](Self::truncate) it off if not.
#[derive(Debug)]
pub(crate) struct Buffer {
    memory: Box<[u8]>,
    /// Shorter than a `usize`, so that nothing added to it overflows.
    len: u32,
    full: bool,
}

impl Buffer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            memory: vec![0; capacity.min(u32::MAX as usize)].into(),
            len: 0,
            full: false,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.memory[..self.len()]
    }

    /// What has been written, for overwriting.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        let len = self.len();
        &mut self.memory[..len]
    }

    /// Whether something was left out since the last [`truncate`](Self::truncate).
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Takes back all but the first `len` bytes; what was never written counts as zeros.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = len.min(self.memory.len()) as u32;
        self.full = false;
    }

    #[inline]
    pub(crate) fn write<const N: usize>(&mut self, bytes: [u8; N]) {
        self.write_first(bytes, N);
    }

    /// Writes the first `len` of `bytes`, as a store of constant size. Needs room for all of them.
    #[inline]
    pub(crate) fn write_first<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        match self.room() {
            Some(room) => {
                *room = bytes;
                self.len += len as u32;
            }
            None => self.full = true,
        }
    }

    /// Writes bytes of which there are few, mostly.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        match self.room::<{ short::MOST }>() {
            Some(room) if bytes.len() <= short::MOST => {
                short::copy(room, bytes);
                self.len += bytes.len() as u32;
            }
            _ => self.extend_at_length(bytes),
        }
    }

    #[inline(never)]
    fn extend_at_length(&mut self, bytes: &[u8]) {
        let at = self.len();
        match self.memory.get_mut(at..at + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len() as u32;
            }
            None => self.full = true,
        }
    }

    /// The next so many bytes.
    #[inline]
    fn room<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        let at = self.len();
        self.memory.get_mut(at..at + N)?.first_chunk_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_noted() {
        let mut buffer = Buffer::with_capacity(4);
        buffer.extend(b"abc");
        assert!(!buffer.is_full());
        buffer.write([1, 2]);
        assert!(buffer.is_full());
        assert_eq!(buffer.as_slice(), b"abc");
        buffer.truncate(1);
        buffer.write_first([b'z', 0, 0], 1);
        assert!(!buffer.is_full());
        assert_eq!(buffer.as_slice(), b"az");
    }
}
