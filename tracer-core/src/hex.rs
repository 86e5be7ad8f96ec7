//! Hexadecimal digits of ids, as every header format writes them.
//!
//! `u64::from_str_radix` accepts a leading `+` and `format!("{:x}")` goes through the formatting machinery; headers need
//! neither, and are read and written once per request.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Which letters are digits: W3C and B3 demand lower case, Jaeger readers take both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Case {
    Lower,
    Either,
}

/// Reads 1 to 16 digits; `None` for any other length or byte.
#[inline]
pub(crate) fn parse_u64(text: &[u8], case: Case) -> Option<u64> {
    let zeros = 16_usize.checked_sub(text.len())?;
    if text.is_empty() {
        return None;
    }
    let mut digits = [b'0'; 16];
    digits[zeros..].copy_from_slice(text);
    read_16(&digits, case).value()
}

/// What was read of a number, of which all digits were looked at, so that one branch tells of several numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    number: u64,
    /// Zero if all bytes were digits.
    wrong: u64,
}

impl Read {
    #[inline]
    pub(crate) fn value(self) -> Option<u64> {
        (self.wrong == 0).then_some(self.number)
    }

    /// The numbers, if all bytes of all of them were digits.
    #[inline]
    pub(crate) fn values<const N: usize>(all: [Self; N]) -> Option<[u64; N]> {
        let wrong = all.iter().fold(0, |wrong, read| wrong | read.wrong);
        (wrong == 0).then(|| all.map(|read| read.number))
    }
}

/// Reads 16 digits.
#[inline]
pub(crate) fn read_16(text: &[u8; 16], case: Case) -> Read {
    let digits = u128::from_be_bytes(*text);
    let (high, low) = (
        read_8((digits >> 64) as u64, case),
        read_8(digits as u64, case),
    );
    Read {
        number: high.number << 32 | low.number,
        wrong: high.wrong | low.wrong,
    }
}

/// Reads four digits.
#[inline]
pub(crate) fn read_4([a, b, c, d]: [u8; 4], case: Case) -> Read {
    read_8(
        u64::from_be_bytes([b'0', b'0', b'0', b'0', a, b, c, d]),
        case,
    )
}

/// Reads two digits.
#[inline]
pub(crate) fn parse_u8([a, b]: [u8; 2], case: Case) -> Option<u8> {
    read_4([b'0', b'0', a, b], case)
        .value()
        .map(|value| value as u8)
}

/// Reads eight digits, all at once: each byte of `text` is one, the first the highest.
#[inline]
fn read_8(text: u64, case: Case) -> Read {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = EACH * 0x80;
    // The top bit of each byte that is at least so much, as far as all are ASCII.
    let at_least = |text: u64, byte: u8| text.wrapping_add(EACH * u64::from(0x80 - byte));
    let letters = match case {
        Case::Lower => text,
        Case::Either => text | (EACH * 0x20),
    };
    let numbers = at_least(text, b'0') & !at_least(text, b'9' + 1);
    let letters = at_least(letters, b'a') & !at_least(letters, b'f' + 1);
    // The low bits of a number are its value, those of a letter count from one.
    let values = (text & (EACH * 0x0f)) + (text >> 6 & EACH) * 9;
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Read {
        number: (fours | fours >> 16) & 0xffff_ffff,
        wrong: !((numbers | letters) & !text) & TOP,
    }
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
    fn parse_refuses_every_other_byte_at_every_place() {
        for case in [Case::Lower, Case::Either] {
            for (place, byte) in (0..16).flat_map(|place| (0..=255).map(move |byte| (place, byte)))
            {
                let mut text = *b"0123456789abcdef";
                text[place] = byte;
                let digit = char::from(byte).to_digit(16).map(u64::from);
                let digit = digit.filter(|_| case == Case::Either || !byte.is_ascii_uppercase());
                let shift = 60 - 4 * place;
                let expected =
                    digit.map(|digit| 0x0123_4567_89ab_cdef & !(0xf << shift) | digit << shift);
                assert_eq!(parse_u64(&text, case), expected, "{byte} at {place}");
                let pair = parse_u8([text[14], text[15]], case).map(u64::from);
                assert_eq!(pair, expected.map_or(pair, |value| Some(value & 0xff)));
            }
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
