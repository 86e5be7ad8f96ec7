//! Tag values: what a tag or a log field can hold, and what converts into it.

use std::borrow::Cow;
use std::fmt;

use crate::id::{SpanId, TraceId};

/// The value of a tag or a log field: one of the five types Jaeger's model has.
///
/// Borrowed text and bytes are copied into the span when it is sampled and never otherwise, so pass `&str` rather than a
/// `String` made for the purpose. Integers of up to 64 bits convert to [`I64`](Self::I64); `u64` and `usize` wrap, as in
/// every Jaeger client.
///
/// ```
/// use tracer_core::TagValue;
///
/// assert_eq!(TagValue::from(7_u8), TagValue::I64(7));
/// assert_eq!(TagValue::from("seven").as_str(), Some("seven"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TagValue<'a> {
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// A floating-point number. Jaeger's wire carries one that is not finite as text, for its JSON has no such number.
    F64(f64),
    /// Text.
    Str(Cow<'a, str>),
    /// Bytes that are not text.
    Bytes(Cow<'a, [u8]>),
}

impl TagValue<'_> {
    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::I64(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self {
            Some(*truth)
        } else {
            None
        }
    }

    /// The same value with nothing borrowed.
    ///
    /// ```
    /// # use tracer_core::TagValue;
    /// fn keep(value: &str) -> TagValue<'static> {
    ///     TagValue::from(value).into_owned()
    /// }
    /// # assert_eq!(keep("seven").as_str(), Some("seven"));
    /// ```
    #[must_use]
    pub fn into_owned(self) -> TagValue<'static> {
        match self {
            Self::Bool(truth) => TagValue::Bool(truth),
            Self::I64(number) => TagValue::I64(number),
            Self::F64(number) => TagValue::F64(number),
            Self::Str(text) => TagValue::Str(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => TagValue::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }
}

/// Writes the bare value: no quotes around text, bytes in hexadecimal.
impl fmt::Display for TagValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::I64(number) => write!(f, "{number}"),
            Self::F64(number) => write!(f, "{number}"),
            Self::Str(text) => f.write_str(text),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

macro_rules! convert {
    ($($from:ty => $variant:ident as $to:ty),* $(,)?) => {$(
        impl From<$from> for TagValue<'_> {
            #[inline]
            fn from(value: $from) -> Self {
                Self::$variant(value as $to)
            }
        }
        impl From<&$from> for TagValue<'_> {
            #[inline]
            fn from(value: &$from) -> Self {
                Self::$variant(*value as $to)
            }
        }
    )*};
}

convert! {
    bool => Bool as bool,
    i8 => I64 as i64, i16 => I64 as i64, i32 => I64 as i64, i64 => I64 as i64, isize => I64 as i64,
    u8 => I64 as i64, u16 => I64 as i64, u32 => I64 as i64, u64 => I64 as i64, usize => I64 as i64,
    f32 => F64 as f64, f64 => F64 as f64,
}

impl<'a> From<&'a str> for TagValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(Cow::Borrowed(text))
    }
}

impl<'a> From<&&'a str> for TagValue<'a> {
    fn from(text: &&'a str) -> Self {
        Self::Str(Cow::Borrowed(text))
    }
}

impl From<String> for TagValue<'_> {
    fn from(text: String) -> Self {
        Self::Str(Cow::Owned(text))
    }
}

impl<'a> From<&'a String> for TagValue<'a> {
    fn from(text: &'a String) -> Self {
        Self::Str(Cow::Borrowed(text))
    }
}

impl<'a> From<Cow<'a, str>> for TagValue<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Str(text)
    }
}

impl<'a> From<&'a Cow<'_, str>> for TagValue<'a> {
    fn from(text: &'a Cow<'_, str>) -> Self {
        Self::Str(Cow::Borrowed(text))
    }
}

impl From<char> for TagValue<'_> {
    fn from(letter: char) -> Self {
        Self::Str(Cow::Owned(letter.into()))
    }
}

impl<'a> From<&'a [u8]> for TagValue<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<Vec<u8>> for TagValue<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl<'a> From<&'a Vec<u8>> for TagValue<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<TraceId> for TagValue<'_> {
    fn from(id: TraceId) -> Self {
        Self::Str(Cow::Owned(id.to_string()))
    }
}

impl From<SpanId> for TagValue<'_> {
    fn from(id: SpanId) -> Self {
        Self::Str(Cow::Owned(id.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_becomes_one_of_two_types() {
        assert_eq!(TagValue::from(7u8), TagValue::I64(7));
        assert_eq!(TagValue::from(u64::MAX), TagValue::I64(-1));
        assert_eq!(TagValue::from(&1.5f32), TagValue::F64(1.5));
    }

    #[test]
    fn display_is_the_bare_value() {
        for (value, text) in [
            (TagValue::from("a \"b\""), "a \"b\""),
            (TagValue::from(true), "true"),
            (TagValue::from(vec![0u8, 255]), "00ff"),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }
}
