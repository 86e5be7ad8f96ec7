//! Reading [Apache Thrift](https://thrift.apache.org/docs/idl): one seam, [`Protocol`], over two wire formats.
//!
//! The readers know types and sizes, nothing of Jaeger; `jaeger.rs` knows the structs, nothing of bytes. Both may be
//! given anything: no input makes them panic, recurse deeper than [`MAX_DEPTH`], or reserve memory for elements that
//! the rest of the message could not hold. Unknown fields are skipped, so newer clients can be read.

mod binary;
mod compact;
mod input;

pub(crate) use binary::Binary;
pub(crate) use compact::Compact;
pub(crate) use input::Input;

use super::error::DecodeError;

/// Jaeger's own nesting is 7: arguments, batch, spans, span, logs, log, fields.
const MAX_DEPTH: u8 = 32;

/// The types a field or an element may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Byte,
    Double,
    I16,
    I32,
    I64,
    String,
    Struct,
    Map,
    Set,
    List,
    Uuid,
}

/// The head of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) id: i16,
    pub(crate) kind: Type,
}

/// A wire format, read from a byte slice.
pub(crate) trait Protocol<'a> {
    /// The bytes, and the bounds on what they may claim.
    fn input(&mut self) -> &mut Input<'a>;
    /// Reads the envelope of a message: the method's name, when it is a call.
    fn message(&mut self) -> Result<&'a [u8], DecodeError>;
    /// Reads the head of the next field; `None` at the end of the struct. `last` is the id of the one before, 0 at first.
    fn field(&mut self, last: i16) -> Result<Option<Field>, DecodeError>;
    /// Reads the head of a list or set: the elements' type and number, as declared.
    fn list(&mut self) -> Result<(Type, usize), DecodeError>;
    /// Reads the head of a map: the types of keys and values, and their number; types are `None` when it is empty.
    fn map(&mut self) -> Result<(Option<(Type, Type)>, usize), DecodeError>;
    fn bool(&mut self) -> Result<bool, DecodeError>;
    fn i16(&mut self) -> Result<i16, DecodeError>;
    fn i32(&mut self) -> Result<i32, DecodeError>;
    fn i64(&mut self) -> Result<i64, DecodeError>;
    fn double(&mut self) -> Result<f64, DecodeError>;
    fn bytes(&mut self) -> Result<&'a [u8], DecodeError>;
}

/// Reads a struct: `each` is given every field and says whether it read it; what it did not read is skipped.
pub(crate) fn read_struct<'a, P: Protocol<'a>>(
    p: &mut P,
    mut each: impl FnMut(&mut P, Field) -> Result<bool, DecodeError>,
) -> Result<(), DecodeError> {
    p.input().enter()?;
    let mut last = 0;
    while let Some(field) = p.field(last)? {
        last = field.id;
        if !each(p, field)? {
            skip(p, field.kind)?;
        }
    }
    p.input().leave();
    Ok(())
}

/// Reads a list of structs of at least `min` bytes each. A list of anything else is skipped and read as empty, as
/// generated Thrift code does with a field of the wrong type.
pub(crate) fn read_list<'a, P: Protocol<'a>, T>(
    p: &mut P,
    min: usize,
    mut element: impl FnMut(&mut P) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let (kind, len) = p.list()?;
    if kind != Type::Struct {
        skip_elements(p, kind, len)?;
        return Ok(Vec::new());
    }
    p.input().claim(len, min)?;
    let mut list = Vec::with_capacity(len);
    for _ in 0..len {
        p.input().release(min);
        list.push(element(p)?);
    }
    Ok(list)
}

/// Passes over a value of any type.
pub(crate) fn skip<'a, P: Protocol<'a>>(p: &mut P, kind: Type) -> Result<(), DecodeError> {
    match kind {
        Type::Bool => p.bool().map(drop),
        Type::Byte => p.input().byte().map(drop),
        Type::Double => p.input().take(8).map(drop),
        Type::I16 => p.i16().map(drop),
        Type::I32 => p.i32().map(drop),
        Type::I64 => p.i64().map(drop),
        Type::String => p.bytes().map(drop),
        Type::Uuid => p.input().take(16).map(drop),
        Type::Struct => read_struct(p, |_, _| Ok(false)),
        Type::List | Type::Set => {
            let (kind, len) = p.list()?;
            skip_elements(p, kind, len)
        }
        Type::Map => {
            let (Some((key, value)), len) = p.map()? else {
                return Ok(());
            };
            p.input().enter()?;
            p.input().claim(len, 2)?;
            for _ in 0..len {
                p.input().release(2);
                skip(p, key)?;
                skip(p, value)?;
            }
            p.input().leave();
            Ok(())
        }
    }
}

fn skip_elements<'a, P: Protocol<'a>>(
    p: &mut P,
    kind: Type,
    len: usize,
) -> Result<(), DecodeError> {
    p.input().enter()?;
    p.input().claim(len, 1)?;
    for _ in 0..len {
        p.input().release(1);
        skip(p, kind)?;
    }
    p.input().leave();
    Ok(())
}
