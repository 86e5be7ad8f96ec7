//! The bytes of a message, and the bounds on what they may claim.

use super::MAX_DEPTH;
use crate::receive::error::{Cause, DecodeError};

/// The Go client calls, those of Java, Node and Python send one way.
const CALL: u8 = 1;
const ONEWAY: u8 = 4;

/// A cursor over the bytes of a message.
///
/// `claimed` is what keeps declared sizes honest: a list of n elements of at least m bytes claims n * m of the bytes
/// that are left *and not yet claimed by an outer list*, or it is refused. So the memory reserved for all open lists
/// together is at most the message's length times the largest ratio of an element in memory to its smallest form on
/// the wire, about 8, whatever the message says of itself.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u8,
    claimed: usize,
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            depth: 0,
            claimed: 0,
        }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn error(&self, cause: Cause, what: impl Into<Box<str>>) -> DecodeError {
        DecodeError::new(cause, self.at, what)
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<N>())
        {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.truncated(N)),
        }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..len)) {
            Some(slice) => {
                self.at += len;
                Ok(slice)
            }
            None => Err(self.truncated(len)),
        }
    }

    /// Reads text or bytes of a declared length.
    pub(crate) fn sized(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        if len > self.remaining() {
            let what = format!("text declares {len} bytes, {} are left", self.remaining());
            return Err(self.error(Cause::Size, what));
        }
        self.take(len)
    }

    /// Reads a declared size: negative is refused.
    pub(crate) fn size(&self, declared: i32) -> Result<usize, DecodeError> {
        usize::try_from(declared)
            .map_err(|_| self.error(Cause::Size, format!("negative size {declared}")))
    }

    /// Checks the type of a message: only calls, answered or not, are for a receiver.
    pub(crate) fn call(&self, kind: u8) -> Result<(), DecodeError> {
        match kind {
            CALL | ONEWAY => Ok(()),
            _ => Err(self.error(
                Cause::Malformed,
                format!("message type {kind} is not a call"),
            )),
        }
    }

    /// Reserves bytes for the `len` elements, of at least `min` bytes each, of a list that begins here.
    pub(crate) fn claim(&mut self, len: usize, min: usize) -> Result<(), DecodeError> {
        let free = self.remaining().saturating_sub(self.claimed);
        match len.checked_mul(min) {
            Some(bytes) if bytes <= free => {
                self.claimed += bytes;
                Ok(())
            }
            _ => Err(self.error(
                Cause::Size,
                format!("list declares {len} elements, {free} bytes are left for them"),
            )),
        }
    }

    /// Gives back the claim of one element, which is about to be read.
    pub(crate) fn release(&mut self, min: usize) {
        self.claimed = self.claimed.saturating_sub(min);
    }

    pub(crate) fn enter(&mut self) -> Result<(), DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(Cause::Depth, format!("nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn truncated(&self, wanted: usize) -> DecodeError {
        self.error(
            Cause::Truncated,
            format!(
                "message ends: {wanted} bytes expected, {} left",
                self.remaining()
            ),
        )
    }
}
