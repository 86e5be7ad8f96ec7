//! Tags: a key and a typed value. The fields of a log are tags too.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::cost;

/// A key with a typed value, on a span, a process or a log.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Tag {
    /// The key; keys may repeat.
    pub key: Box<str>,
    /// The value.
    pub value: TagValue,
}

/// The value of a [`Tag`], with the types Jaeger knows.
#[derive(Debug, Clone, PartialEq)]
pub enum TagValue {
    /// Text.
    String(Box<str>),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Bytes.
    Binary(Box<[u8]>),
}

impl Tag {
    pub(crate) fn new(key: &str, value: TagValue) -> Self {
        Self {
            key: key.into(),
            value,
        }
    }
}

impl TagValue {
    /// The text, when the value is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Binary(_) => None,
        }
    }

    /// Whether the value, written as text, is `text`, numbers in any of their forms. The search filter `error:true` finds the
    /// text and the bool.
    #[must_use]
    pub fn is_text(&self, text: &str) -> bool {
        match self {
            Self::String(value) => **value == *text,
            Self::Bool(value) => text == if *value { "true" } else { "false" },
            Self::Int(value) => {
                let is_exact = value.unsigned_abs() < 1 << f64::MANTISSA_DIGITS;
                text.parse() == Ok(*value) || is_exact && text.parse() == Ok(*value as f64)
            }
            Self::Float(value) => text.parse() == Ok(*value) || self.to_string() == text,
            Self::Binary(_) => self.to_string() == text,
        }
    }
}

/// Text as it is, numbers in decimal, bytes in hexadecimal. Nothing is escaped: the reader's medium decides that.
impl fmt::Display for TagValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(value) => f.write_str(value),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            // Written out they would have hundreds of digits.
            Self::Float(value) if *value != 0.0 && !(1e-5..1e16).contains(&value.abs()) => {
                write!(f, "{value:e}")
            }
            Self::Float(value) => write!(f, "{value}"),
            Self::Binary(value) => value.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

/// By bits for floats: it serves to find repeated spans, where `NaN` of the same bits is the same.
impl Hash for TagValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::String(value) => value.hash(state),
            Self::Bool(value) => value.hash(state),
            Self::Int(value) => value.hash(state),
            Self::Float(value) => value.to_bits().hash(state),
            Self::Binary(value) => value.hash(state),
        }
    }
}

pub(super) fn find<'t>(tags: &'t [Tag], key: &str) -> Option<&'t TagValue> {
    tags.iter()
        .find(|tag| *tag.key == *key)
        .map(|tag| &tag.value)
}

/// Bytes these tags take on the heap.
pub(super) fn cost(tags: &[Tag]) -> usize {
    let each = tags.iter().map(|tag| {
        let value = match &tag.value {
            TagValue::String(text) => cost::block(text.len()),
            TagValue::Binary(bytes) => cost::block(bytes.len()),
            TagValue::Bool(_) | TagValue::Int(_) | TagValue::Float(_) => 0,
        };
        cost::block(tag.key.len()) + value
    });
    cost::block(size_of_val(tags)) + each.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_short() {
        for (number, text) in [
            (0.0, "0"),
            (-2.5, "-2.5"),
            (1e15, "1000000000000000"),
            (1e16, "1e16"),
            (-1e300, "-1e300"),
            (1e-5, "0.00001"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(TagValue::Float(number).to_string(), text);
        }
    }
}
