//! Hexadecimal digits of ids, as every header format writes them.
//!
//! `u64::from_str_radix` accepts a leading `+` and `format!("{:x}")` goes through the formatting machinery; headers need
//! neither, and are read and written once per request.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What a byte is beside the value of a digit: an upper-case letter, or no digit at all.
const UPPER: u8 = 0x40;
const NONE: u8 = 0x80;

/// The value of each byte as a hexadecimal digit.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut digit = 0;
    while digit < 16 {
        // In this order: what is no letter is its own upper case.
        values[DIGITS[digit as usize].to_ascii_uppercase() as usize] = digit | UPPER;
        values[DIGITS[digit as usize] as usize] = digit;
        digit += 1;
    }
    values
};

/// Which letters are digits: W3C and B3 demand lower case, Jaeger readers take both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Case {
    Lower,
    Either,
}

/// Reads 1 to 16 digits; `None` for any other length or byte.
pub(crate) fn parse_u64(text: &[u8], case: Case) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let mut value = 0;
    let mut seen = 0;
    for &byte in text {
        let digit = VALUES[byte as usize];
        seen |= digit;
        value = value << 4 | u64::from(digit & 15);
    }
    let refused = match case {
        Case::Lower => NONE | UPPER,
        Case::Either => NONE,
    };
    (seen & refused == 0).then_some(value)
}

/// Writes all 16 digits of `value`.
pub(crate) fn format_u64(value: u64) -> [u8; 16] {
    let mut text = [0; 16];
    for (pair, byte) in text.chunks_exact_mut(2).zip(value.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// Writes both digits of `value`.
pub(crate) fn format_u8(value: u8) -> [u8; 2] {
    [
        DIGITS[usize::from(value >> 4)],
        DIGITS[usize::from(value & 15)],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_takes_digits_only() {
        for (text, either, lower) in [
            ("0", Some(0), Some(0)),
            ("fF", Some(255), None),
            ("ffffffffffffffff", Some(u64::MAX), Some(u64::MAX)),
            ("", None, None),
            ("00000000000000001", None, None),
            ("+1", None, None),
            ("-1", None, None),
            ("0x1", None, None),
            ("1_0", None, None),
            (" 1", None, None),
            ("g", None, None),
            ("\u{663}", None, None),
        ] {
            assert_eq!(parse_u64(text.as_bytes(), Case::Either), either, "{text:?}");
            assert_eq!(parse_u64(text.as_bytes(), Case::Lower), lower, "{text:?}");
        }
    }

    #[test]
    fn format_is_the_inverse_of_parse() {
        for value in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(format_u64(value), format!("{value:016x}").as_bytes());
            assert_eq!(parse_u64(&format_u64(value), Case::Lower), Some(value));
        }
        assert_eq!(&format_u8(0x0a), b"0a");
    }
}
