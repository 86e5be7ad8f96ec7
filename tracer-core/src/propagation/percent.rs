//! Percent-encoding (RFC 3986 section 2.1) of the free texts in headers.

use std::borrow::Cow;

use crate::hex::{self, Case};

/// Which bytes go unencoded.
pub(super) type Bare = [bool; 256];

/// Letters, digits and `-._~`: what no client and no proxy changes or reads otherwise. Clients encode more and less than
/// each other: Go and Java write a space as `+`, Python leaves `/` bare, Node `!'()*`. What is encoded all of them decode.
pub(super) const UNRESERVED: Bare = bare(b"-._~");

/// What a value of W3C baggage may hold unencoded: visible ASCII but for `"`, `,`, `;`, `\` and the percent sign itself.
pub(super) const BAGGAGE_OCTETS: Bare = bare(b"!#$&'()*+-./:<=>?@[]^_`{|}~");

const fn bare(marks: &[u8]) -> Bare {
    let mut bare = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        bare[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < marks.len() {
        bare[marks[at] as usize] = true;
        at += 1;
    }
    bare
}

/// What a plus sign stands for in an encoded text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Plus {
    /// Itself.
    Plus,
    /// A space, as the encoders of Go and Java write it.
    Space,
}

/// Encodes all bytes of `text` that are not in `bare`; allocates only if there are such.
pub(super) fn encode<'a>(text: &'a str, bare: &Bare) -> Cow<'a, str> {
    if text.bytes().all(|byte| bare[usize::from(byte)]) {
        return text.into();
    }
    let mut encoded = String::with_capacity(text.len() + 16);
    encode_into(&mut encoded, text, bare);
    encoded.into()
}

/// As [`encode`], to the end of `encoded`.
pub(super) fn encode_into(encoded: &mut String, text: &str, bare: &Bare) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if bare[usize::from(byte)] {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// Decodes `text`, with U+FFFD for what is no UTF-8 then; allocates only if something was encoded. A text with an escape
/// that is none was not encoded by whoever wrote it, and is taken as it stands.
pub(super) fn decode(text: &[u8], plus: Plus) -> Cow<'_, str> {
    let is_encoded = |&byte: &u8| byte == b'%' || (byte == b'+' && plus == Plus::Space);
    if !text.iter().any(is_encoded) {
        return String::from_utf8_lossy(text);
    }
    match decode_bytes(text, plus) {
        Some(decoded) => match String::from_utf8(decoded) {
            Ok(decoded) => decoded.into(),
            Err(wrong) => String::from_utf8_lossy(wrong.as_bytes())
                .into_owned()
                .into(),
        },
        None => String::from_utf8_lossy(text),
    }
}

/// The decoded bytes; `None` if an escape is damaged.
fn decode_bytes(text: &[u8], plus: Plus) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        decoded.push(match byte {
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>()?;
                rest = after;
                hex::parse_u8(*digits, Case::Either)?
            }
            b'+' if plus == Plus::Space => b' ',
            byte => byte,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_headers_are_encoded_so_that_every_client_reads_them() {
        for (text, encoded) in [
            ("", ""),
            ("plain-._~", "plain-._~"),
            ("value 1 / blah", "value%201%20%2F%20blah"),
            ("1+1", "1%2B1"),
            ("!'()*", "%21%27%28%29%2A"),
            ("100%", "100%25"),
            ("v\r\nX: y", "v%0D%0AX%3A%20y"),
            ("ü", "%C3%BC"),
            ("\0\u{7f}", "%00%7F"),
        ] {
            assert_eq!(encode(text, &UNRESERVED), encoded);
            assert_eq!(decode(encoded.as_bytes(), Plus::Space), text);
            assert_eq!(decode(encoded.as_bytes(), Plus::Plus), text);
        }
    }

    #[test]
    fn decoding_never_fails() {
        for (text, decoded) in [
            (&b"value+1+%2f+blah"[..], "value 1 / blah"),
            (b"100%", "100%"),
            (b"100%2", "100%2"),
            (b"%zz", "%zz"),
            (b"%+1", "%+1"),
            (b"a+b %zz %41", "a+b %zz %41"),
            (b"%ff", "\u{fffd}"),
            (b"\xff", "\u{fffd}"),
            (b"%C3\xBC", "ü"),
        ] {
            assert_eq!(decode(text, Plus::Space), decoded);
        }
        assert_eq!(decode(b"1+1%20", Plus::Plus), "1+1 ");
    }

    #[test]
    fn baggage_octets_are_those_of_the_specification() {
        // baggage-octet = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E, of which the percent sign must be encoded.
        for byte in 0..=255 {
            let octet =
                matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
            assert_eq!(
                BAGGAGE_OCTETS[usize::from(byte)],
                octet && byte != b'%',
                "{byte:#x}"
            );
        }
    }
}
