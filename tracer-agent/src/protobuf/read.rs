//! Reading the fields of a message, one after the other, out of the bytes they lie in.
//!
//! Nothing is copied and nothing reserved: a message within a message is the part of the bytes that it says it is, if there are
//! as many. Fields that are not known are passed over by not being looked at.

use crate::receive::{Cause, DecodeError};

/// What is left of a message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Message<'a> {
    bytes: &'a [u8],
    /// Where that begins, in the bytes of the outermost.
    at: usize,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// Text, bytes, or a message.
    Bytes(Message<'a>),
}

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// All of it as it is.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The text it is. What is not UTF-8 is repaired.
    pub(crate) fn text(self) -> Box<str> {
        String::from_utf8_lossy(self.bytes).into()
    }

    /// An error where it begins.
    pub(crate) fn error(self, cause: Cause, what: impl Into<Box<str>>) -> DecodeError {
        DecodeError::new(cause, self.at, what)
    }

    /// How many messages of at least `min` bytes the field of this number has, for what is reserved for them to be no guess.
    pub(crate) fn count(mut self, number: u32, min: usize) -> Result<usize, DecodeError> {
        let mut count = 0;
        while let Some((field, value)) = self.field()? {
            let long = matches!(value, Value::Bytes(message) if message.bytes.len() >= min);
            count += usize::from(field == number && long);
        }
        Ok(count)
    }

    /// Reads the next field: its number, and what it holds.
    pub(crate) fn field(&mut self) -> Result<Option<(u32, Value<'a>)>, DecodeError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let tag = *self;
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number != 0);
        let number = number
            .ok_or_else(|| tag.error(Cause::Malformed, format!("{} is no field", key >> 3)))?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Value::Bytes(self.sized()?),
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            // Groups are of a version of the language that OTLP was never written in.
            other => {
                let what = format!("field {number} has the unknown type {other}");
                return Err(tag.error(Cause::Malformed, what));
            }
        };
        Ok(Some((number, value)))
    }

    fn sized(&mut self) -> Result<Self, DecodeError> {
        let declared = self.varint()?;
        let left = self.bytes.len();
        let len = usize::try_from(declared).ok().filter(|len| *len <= left);
        let Some(len) = len else {
            let what = format!("a field declares {declared} bytes, {left} are left");
            return Err(self.error(Cause::Size, what));
        };
        let part = Self {
            bytes: &self.bytes[..len],
            at: self.at,
        };
        self.skip(len);
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some(chunk) = self.bytes.first_chunk::<N>() else {
            return Err(self.truncated());
        };
        self.skip(N);
        Ok(*chunk)
    }

    /// Reads a number of at most 64 bits, in sevens. What is beyond them in the tenth byte is lost, as it is with every reader.
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for (at, shift) in (0..64).step_by(7).enumerate() {
            let Some(byte) = self.bytes.get(at) else {
                return Err(self.truncated());
            };
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                self.skip(at + 1);
                return Ok(value);
            }
        }
        Err(self.error(Cause::Malformed, "a number is longer than ten bytes"))
    }

    /// Of bytes that are there.
    fn skip(&mut self, len: usize) {
        self.bytes = &self.bytes[len..];
        self.at += len;
    }

    fn truncated(self) -> DecodeError {
        self.error(Cause::Truncated, "the message ends within a value")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, (Cause, usize)> {
        let mut message = Message::new(bytes);
        let mut text = String::new();
        loop {
            match message.field() {
                Ok(None) => return Ok(text),
                Ok(Some((number, value))) => {
                    let value = match value {
                        Value::Varint(value) => format!("{value}"),
                        Value::Fixed64(value) => format!("{value:#x}"),
                        Value::Fixed32(value) => format!("{value:#x}"),
                        Value::Bytes(bytes) => format!("{:?} at {}", bytes.text(), bytes.at),
                    };
                    text.push_str(&format!("{number}={value};"));
                }
                Err(error) => return Err((error.cause(), error.offset())),
            }
        }
    }

    #[test]
    fn fields_are_read_by_their_type() {
        const LARGEST: &[u8] = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        for (bytes, expected) in [
            (&b""[..], Ok("")),
            (b"\x08\x00", Ok("1=0;")),
            (b"\x08\x96\x01", Ok("1=150;")),
            (b"\x08\x80\x80\x00", Ok("1=0;")),
            (LARGEST, Ok("1=18446744073709551615;")),
            (b"\x11\x01\0\0\0\0\0\0\x80", Ok("2=0x8000000000000001;")),
            (b"\x1d\x01\0\0\x80", Ok("3=0x80000001;")),
            (b"\x22\x00\x22\x02ab", Ok("4=\"\" at 2;4=\"ab\" at 4;")),
            (b"\x22\x01\xff", Ok("4=\"\u{fffd}\" at 2;")),
            (b"\xf8\xff\xff\xff\x0f\x01", Ok("536870911=1;")),
            // What is not whole.
            (b"\x08", Err((Cause::Truncated, 1))),
            (b"\x88", Err((Cause::Truncated, 0))),
            (b"\x08\x80", Err((Cause::Truncated, 1))),
            (b"\x11\0\0\0\0\0\0\0", Err((Cause::Truncated, 1))),
            (b"\x1d\0\0\0", Err((Cause::Truncated, 1))),
            (b"\x22", Err((Cause::Truncated, 1))),
            // What is longer than the rest, or than anything.
            (b"\x22\x01", Err((Cause::Size, 2))),
            (b"\x08\x01\x22\xff\xff\xff\xff\x0fab", Err((Cause::Size, 8))),
            (
                b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                Err((Cause::Size, 11)),
            ),
            (
                b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                Err((Cause::Malformed, 1)),
            ),
            // Groups, types there are not, numbers that no field has.
            (b"\x0b\x0c", Err((Cause::Malformed, 0))),
            (b"\x08\x01\x0c", Err((Cause::Malformed, 2))),
            (b"\x0e\0", Err((Cause::Malformed, 0))),
            (b"\x0f\0", Err((Cause::Malformed, 0))),
            (b"\x00\x00", Err((Cause::Malformed, 0))),
            (
                b"\x80\x80\x80\x80\x80\x80\x01\x00",
                Err((Cause::Malformed, 0)),
            ),
        ] {
            let expected = expected.map(String::from);
            assert_eq!(read(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn a_message_knows_how_many_fields_it_has() {
        let message = Message::new(b"\x0a\x02\x0a\x00\x10\x01\x0a\x00");
        assert_eq!((message.count(1, 0), message.count(1, 2)), (Ok(2), Ok(1)));
        assert_eq!((message.count(2, 0), message.count(7, 0)), (Ok(0), Ok(0)));
        assert!(Message::new(b"\x0a\x00\x0a").count(1, 0).is_err());
    }
}
