//! The memory a message is built in.

/// Bytes written one after another into memory of a fixed size.
///
/// What does not fit is left out and noted, not an error at each write: whoever writes a span asks once, at its end,
/// whether all of it [fits](Self::is_full), and [cuts](Self::truncate) it off if not.
#[derive(Debug)]
pub(crate) struct Buffer {
    memory: Box<[u8]>,
    len: usize,
    full: bool,
}

impl Buffer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            memory: vec![0; capacity].into(),
            len: 0,
            full: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.memory[..self.len]
    }

    /// What has been written, for overwriting.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.memory[..self.len]
    }

    /// Whether something was left out since the last [`truncate`](Self::truncate).
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Takes back all but the first `len` bytes; what was never written counts as zeros.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = len.min(self.memory.len());
        self.full = false;
    }

    #[inline]
    pub(crate) fn write<const N: usize>(&mut self, bytes: [u8; N]) {
        self.write_first(bytes, N);
    }

    /// Writes the first `len` of `bytes`, as a store of constant size. Needs room for all of them.
    #[inline]
    pub(crate) fn write_first<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        match self
            .memory
            .get_mut(self.len..)
            .and_then(|rest| rest.first_chunk_mut())
        {
            Some(room) => {
                *room = bytes;
                self.len += len;
            }
            None => self.full = true,
        }
    }

    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        match self
            .memory
            .get_mut(self.len..)
            .and_then(|rest| rest.get_mut(..bytes.len()))
        {
            Some(room) => {
                copy(room, bytes);
                self.len += bytes.len();
            }
            None => self.full = true,
        }
    }
}

/// Copies between slices of equal length. Keys and values are short, and for 8 to 16 bytes two overlapping stores are
/// cheaper than a call.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    if from.len() <= 16
        && let (Some(first), Some(last)) = (from.first_chunk::<8>(), from.last_chunk::<8>())
    {
        to[..8].copy_from_slice(first);
        let last_at = to.len() - 8;
        to[last_at..].copy_from_slice(last);
    } else {
        to.copy_from_slice(from);
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
