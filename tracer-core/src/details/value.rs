//! Values as they are stored, and back.

use std::borrow::Cow;

use super::cut_bytes;
use super::entry::Kind;
use crate::tag::TagValue;

/// A value to be stored: a word, or bytes. What it is lies beside it, so that both can be passed in registers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored<'v> {
    Number(Kind, u64),
    Bytes(Kind, &'v [u8]),
}

/// A value as it was stored, for encoders: text is bytes that are not checked to be UTF-8 again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValue<'a> {
    Bool(bool),
    I64(i64),
    F64(f64),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
}

impl<'v> Stored<'v> {
    #[inline(always)]
    pub(crate) fn of(value: &'v TagValue<'_>) -> Self {
        match value {
            TagValue::Bool(truth) => Self::Number(Kind::Bool, u64::from(*truth)),
            TagValue::I64(number) => Self::Number(Kind::I64, *number as u64),
            TagValue::F64(number) => Self::Number(Kind::F64, number.to_bits()),
            TagValue::Str(text) => Self::Bytes(Kind::Text, text.as_bytes()),
            TagValue::Bytes(bytes) => Self::Bytes(Kind::Bytes, bytes),
        }
    }

    #[inline(always)]
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Number(..) => size_of::<u64>(),
            Self::Bytes(_, bytes) => bytes.len(),
        }
    }

    /// As much of it as one may have of so many bytes. Numbers are not cut.
    pub(super) fn cut(self, most: usize) -> Self {
        match self {
            Self::Number(..) => self,
            Self::Bytes(Kind::Text, text) => Self::Bytes(Kind::Text, cut_bytes(text, most)),
            Self::Bytes(kind, bytes) => Self::Bytes(kind, &bytes[..bytes.len().min(most)]),
        }
    }

    /// The value it was made of.
    pub(crate) fn to_value(self) -> TagValue<'v> {
        match self {
            Self::Number(kind, bits) => RawValue::of_number(kind, bits),
            Self::Bytes(kind, bytes) => RawValue::of_bytes(kind, bytes),
        }
        .to_value()
    }
}

impl<'a> RawValue<'a> {
    /// Of a tag, or a field of a log.
    #[inline]
    pub(super) fn of(kind: Kind, value: &'a [u8]) -> Self {
        match kind {
            Kind::Bool | Kind::I64 | Kind::F64 => {
                let bits = value
                    .first_chunk()
                    .map_or(0, |word| u64::from_le_bytes(*word));
                Self::of_number(kind, bits)
            }
            kind => Self::of_bytes(kind, value),
        }
    }

    #[inline]
    fn of_number(kind: Kind, bits: u64) -> Self {
        match kind {
            Kind::Bool => Self::Bool(bits != 0),
            Kind::F64 => Self::F64(f64::from_bits(bits)),
            _ => Self::I64(bits as i64),
        }
    }

    #[inline]
    fn of_bytes(kind: Kind, bytes: &'a [u8]) -> Self {
        match kind {
            Kind::Bytes => Self::Bytes(bytes),
            _ => Self::Text(bytes),
        }
    }

    pub(super) fn to_value(self) -> TagValue<'a> {
        match self {
            Self::Bool(truth) => TagValue::Bool(truth),
            Self::I64(number) => TagValue::I64(number),
            Self::F64(number) => TagValue::F64(number),
            Self::Text(bytes) => TagValue::Str(Cow::Borrowed(text(bytes))),
            Self::Bytes(bytes) => TagValue::Bytes(Cow::Borrowed(bytes)),
        }
    }
}

impl<'a> From<&'a TagValue<'_>> for RawValue<'a> {
    fn from(value: &'a TagValue<'_>) -> Self {
        match value {
            TagValue::Bool(truth) => Self::Bool(*truth),
            TagValue::I64(number) => Self::I64(*number),
            TagValue::F64(number) => Self::F64(*number),
            TagValue::Str(text) => Self::Text(text.as_bytes()),
            TagValue::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

/// Text that was text when it was stored.
pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
