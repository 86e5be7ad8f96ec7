//! The [compact protocol](https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).

use super::{Field, Input, Protocol, Type};
use crate::receive::error::{Cause, DecodeError};

/// Reads Thrift compact: zig-zag varints, field ids as differences, doubles little-endian.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    input: Input<'a>,
    /// The value of a bool field lies in the type of its head.
    field_bool: Option<bool>,
}

impl<'a> Compact<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Input::new(bytes),
            field_bool: None,
        }
    }

    /// Reads an unsigned varint of at most `bits` bits; a longer one is malformed, not wrapped.
    fn varint(&mut self, bits: u32) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..bits).step_by(7) {
            let byte = self.input.byte()?;
            let part = u64::from(byte & 0x7f);
            if bits - shift < 7 && part >> (bits - shift) != 0 {
                break;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self
            .input
            .error(Cause::Malformed, format!("number longer than {bits} bits")))
    }

    fn zigzag(&mut self, bits: u32) -> Result<i64, DecodeError> {
        let value = self.varint(bits)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Reads an unsigned 32-bit size; what would be negative as the protocol's `int32` is refused.
    fn size(&mut self) -> Result<usize, DecodeError> {
        let size = self.varint(32)? as u32;
        self.input.size(size as i32)
    }

    fn kind(&self, nibble: u8) -> Result<Type, DecodeError> {
        Ok(match nibble {
            1 | 2 => Type::Bool,
            3 => Type::Byte,
            4 => Type::I16,
            5 => Type::I32,
            6 => Type::I64,
            7 => Type::Double,
            8 => Type::String,
            9 => Type::List,
            10 => Type::Set,
            11 => Type::Map,
            12 => Type::Struct,
            13 => Type::Uuid,
            _ => {
                return Err(self
                    .input
                    .error(Cause::Malformed, format!("unknown compact type {nibble}")));
            }
        })
    }
}

impl<'a> Protocol<'a> for Compact<'a> {
    fn input(&mut self) -> &mut Input<'a> {
        &mut self.input
    }

    fn message(&mut self) -> Result<&'a [u8], DecodeError> {
        let [protocol, version] = self.input.array()?;
        if protocol != 0x82 {
            let what = format!("not Thrift compact: begins with {protocol:#04x}, not 0x82");
            return Err(self.input.error(Cause::Malformed, what));
        }
        if version & 0x1f != 1 {
            let what = format!("Thrift compact version {}, not 1", version & 0x1f);
            return Err(self.input.error(Cause::Malformed, what));
        }
        self.input.call(version >> 5)?;
        self.varint(32)?; // the sequence number, of no use without answers
        self.bytes()
    }

    fn field(&mut self, last: i16) -> Result<Option<Field>, DecodeError> {
        let head = self.input.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let kind = self.kind(head & 0x0f)?;
        let id = match head >> 4 {
            0 => self.i16()?,
            delta => last.wrapping_add(i16::from(delta)),
        };
        self.field_bool = (kind == Type::Bool).then_some(head & 0x0f == 1);
        Ok(Some(Field { id, kind }))
    }

    fn list(&mut self) -> Result<(Type, usize), DecodeError> {
        let head = self.input.byte()?;
        let len = match head >> 4 {
            15 => self.size()?,
            short => usize::from(short),
        };
        match head & 0x0f {
            // Some writers leave the type of an empty list open.
            0 if len == 0 => Ok((Type::Byte, 0)),
            nibble => Ok((self.kind(nibble)?, len)),
        }
    }

    fn map(&mut self) -> Result<(Option<(Type, Type)>, usize), DecodeError> {
        let len = self.size()?;
        if len == 0 {
            return Ok((None, 0));
        }
        let kinds = self.input.byte()?;
        Ok((
            Some((self.kind(kinds >> 4)?, self.kind(kinds & 0x0f)?)),
            len,
        ))
    }

    fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.field_bool.take() {
            Some(value) => Ok(value),
            None => Ok(self.input.byte()? == 1),
        }
    }

    fn i16(&mut self) -> Result<i16, DecodeError> {
        // 16 bits of zig-zag fit i16.
        self.zigzag(16).map(|value| value as i16)
    }

    fn i32(&mut self) -> Result<i32, DecodeError> {
        self.zigzag(32).map(|value| value as i32)
    }

    fn i64(&mut self) -> Result<i64, DecodeError> {
        self.zigzag(64)
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        self.input.array().map(f64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.size()?;
        self.input.sized(len)
    }
}
