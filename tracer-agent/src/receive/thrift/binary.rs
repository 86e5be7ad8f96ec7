//! The [binary protocol](https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md).

use super::{Field, Input, Protocol, Type};
use crate::receive::error::{Cause, DecodeError};

/// Reads Thrift binary: every number big-endian and of its full size.
#[derive(Debug)]
pub(crate) struct Binary<'a> {
    input: Input<'a>,
}

impl<'a> Binary<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Input::new(bytes),
        }
    }

    fn kind(&self, code: u8) -> Result<Type, DecodeError> {
        Ok(match code {
            2 => Type::Bool,
            3 => Type::Byte,
            4 => Type::Double,
            6 => Type::I16,
            8 => Type::I32,
            10 => Type::I64,
            11 => Type::String,
            12 => Type::Struct,
            13 => Type::Map,
            14 => Type::Set,
            15 => Type::List,
            16 => Type::Uuid,
            _ => {
                return Err(self
                    .input
                    .error(Cause::Malformed, format!("unknown binary type {code}")));
            }
        })
    }

    fn size(&mut self) -> Result<usize, DecodeError> {
        let declared = self.i32()?;
        self.input.size(declared)
    }
}

impl<'a> Protocol<'a> for Binary<'a> {
    fn input(&mut self) -> &mut Input<'a> {
        &mut self.input
    }

    fn message(&mut self) -> Result<&'a [u8], DecodeError> {
        // Strict writers begin with the version, its first bit set; old ones at once with the length of the name.
        let name = if self.input.peek().is_some_and(|first| first & 0x80 != 0) {
            let [first, second, _, kind] = self.input.array()?;
            if (first, second) != (0x80, 0x01) {
                let what = format!(
                    "not Thrift binary: begins with {first:#04x} {second:#04x}, not 0x80 0x01"
                );
                return Err(self.input.error(Cause::Malformed, what));
            }
            self.input.call(kind)?;
            self.bytes()?
        } else {
            let name = self.bytes()?;
            let kind = self.input.byte()?;
            self.input.call(kind)?;
            name
        };
        self.i32()?; // the sequence number, of no use without answers
        Ok(name)
    }

    fn field(&mut self, _last: i16) -> Result<Option<Field>, DecodeError> {
        match self.input.byte()? {
            0 => Ok(None),
            code => {
                let kind = self.kind(code)?;
                Ok(Some(Field {
                    id: self.i16()?,
                    kind,
                }))
            }
        }
    }

    fn list(&mut self) -> Result<(Type, usize), DecodeError> {
        let code = self.input.byte()?;
        match (code, self.size()?) {
            // Some writers leave the type of an empty list open.
            (_, 0) => Ok((Type::Byte, 0)),
            (code, len) => Ok((self.kind(code)?, len)),
        }
    }

    fn map(&mut self) -> Result<(Option<(Type, Type)>, usize), DecodeError> {
        let [key, value] = self.input.array()?;
        match self.size()? {
            0 => Ok((None, 0)),
            len => Ok((Some((self.kind(key)?, self.kind(value)?)), len)),
        }
    }

    fn bool(&mut self) -> Result<bool, DecodeError> {
        self.input.byte().map(|byte| byte != 0)
    }

    fn i16(&mut self) -> Result<i16, DecodeError> {
        self.input.array().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32, DecodeError> {
        self.input.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64, DecodeError> {
        self.input.array().map(i64::from_be_bytes)
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        self.input.array().map(f64::from_be_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.size()?;
        self.input.sized(len)
    }
}
