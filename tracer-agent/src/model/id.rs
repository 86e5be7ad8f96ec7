//! Trace and span identifiers, and their hexadecimal form.

use std::fmt;
use std::str::FromStr;

/// Identifies a trace: 64 or 128 bits; a 64-bit id is one whose high half is zero.
///
/// Written as Jaeger's query service does it: 16 digits, or 32 when the high half is not zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(u128);

/// Identifies a span within its trace: 64 bits, written as 16 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(u64);

impl TraceId {
    /// The id with this number. Zero is not a valid id; see [`is_valid`](Self::is_valid).
    #[must_use]
    pub const fn new(id: u128) -> Self {
        Self(id)
    }

    /// The id of these two halves, as Thrift carries them.
    #[must_use]
    pub const fn from_parts(high: u64, low: u64) -> Self {
        Self(((high as u128) << 64) | low as u128)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u128 {
        self.0
    }

    /// Whether it may name a trace: zero may not.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 != 0
    }
}

impl SpanId {
    /// The id with this number. Zero means "no span".
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether it may name a span: zero may not.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 != 0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >> 64 == 0 {
            write!(f, "{:016x}", self.0)
        } else {
            write!(f, "{:032x}", self.0)
        }
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for TraceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl serde::Serialize for SpanId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for TraceId {
    type Err = ParseIdError;

    /// Reads 1 to 32 hexadecimal digits of either case; leading zeros may be left out.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_hex(text, 32).map(Self)
    }
}

impl FromStr for SpanId {
    type Err = ParseIdError;

    /// Reads 1 to 16 hexadecimal digits of either case; leading zeros may be left out.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        // At most 16 digits were read: the upper half is zero.
        parse_hex(text, 16).map(|id| Self(id as u64))
    }
}

/// Why a text is not a trace or span id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError {
    max: usize,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected 1 to {} hexadecimal digits, not all zero",
            self.max
        )
    }
}

impl std::error::Error for ParseIdError {}

/// Length first, alphabet second, meaning third: `from_str_radix` alone would accept a plus sign.
fn parse_hex(text: &str, max: usize) -> Result<u128, ParseIdError> {
    let error = ParseIdError { max };
    if text.is_empty() || text.len() > max || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(error);
    }
    match u128::from_str_radix(text, 16) {
        Ok(id) if id != 0 => Ok(id),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids_are_read_strictly_and_written_as_jaeger_does() {
        for (text, expected) in [
            ("1", Some("0000000000000001")),
            ("0000000000000001", Some("0000000000000001")),
            ("00000000000000000000000000000001", Some("0000000000000001")),
            (
                "10000000000000001",
                Some("00000000000000010000000000000001"),
            ),
            ("ABCDEF", Some("0000000000abcdef")),
            (
                "ffffffffffffffffffffffffffffffff",
                Some("ffffffffffffffffffffffffffffffff"),
            ),
            ("", None),
            ("0", None),
            ("+1", None),
            ("0x1", None),
            ("1 ", None),
            ("xyz", None),
            ("\u{661}", None),
            ("100000000000000000000000000000000", None),
        ] {
            let read = text.parse::<TraceId>().ok().map(|id| id.to_string());
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
        assert!("12345678901234567".parse::<SpanId>().is_err());
    }
}
