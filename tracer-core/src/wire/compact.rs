//! Thrift's compact protocol, which agents listen for on 6831.

use super::{Buffer, Protocol};

/// The compact protocol: variable-length integers, field ids as differences, little-endian doubles.
#[derive(Debug)]
pub(crate) enum Compact {}

const PROTOCOL_ID: u8 = 0x82;
const VERSION: u8 = 1;
const ONEWAY: u8 = 4;

/// Types of fields and elements.
mod kind {
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const F64: u8 = 7;
    pub(super) const BYTES: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const STRUCT: u8 = 12;
}

impl Protocol for Compact {
    fn message(out: &mut Buffer, name: &str, sequence: i32) {
        out.write([PROTOCOL_ID, ONEWAY << 5 | VERSION]);
        let (bytes, len) = varint(u64::from(sequence.unsigned_abs()));
        out.write_first(bytes, len);
        out.write([name.len() as u8]);
        out.extend(name.as_bytes());
    }

    /// The value is in the header.
    #[inline]
    fn bool_field(out: &mut Buffer, before: u8, id: u8, value: bool) {
        out.write([header(
            before,
            id,
            if value { kind::TRUE } else { kind::FALSE },
        )]);
    }

    #[inline]
    fn i32_field(out: &mut Buffer, before: u8, id: u8, value: i32) {
        varint_after(out, header(before, id, kind::I32), zig_zag(value.into()));
    }

    #[inline]
    fn i64_field(out: &mut Buffer, before: u8, id: u8, value: i64) {
        varint_after(out, header(before, id, kind::I64), zig_zag(value));
    }

    /// Little-endian, unlike every other number of Thrift and against its first documentation: all implementations do it.
    #[inline]
    fn f64_field(out: &mut Buffer, before: u8, id: u8, value: f64) {
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        out.write([header(before, id, kind::F64), a, b, c, d, e, f, g, h]);
    }

    #[inline]
    fn bytes_field(out: &mut Buffer, before: u8, id: u8, value: &[u8]) {
        varint_after(out, header(before, id, kind::BYTES), value.len() as u64);
        out.extend(value);
    }

    #[inline]
    fn struct_field(out: &mut Buffer, before: u8, id: u8) {
        out.write([header(before, id, kind::STRUCT)]);
    }

    #[inline]
    fn list_field(out: &mut Buffer, before: u8, id: u8, len: usize) {
        let header = header(before, id, kind::LIST);
        if len < 15 {
            out.write([header, (len as u8) << 4 | kind::STRUCT]);
        } else {
            out.write([header]);
            varint_after(out, 0xf0 | kind::STRUCT, len as u64);
        }
    }
}

#[inline]
const fn header(before: u8, id: u8, kind: u8) -> u8 {
    (id - before) << 4 | kind
}

/// Small numbers of either sign become small unsigned ones. Those of 32 bits become the same as among 64.
#[inline]
const fn zig_zag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// Writes a byte and a number, which is most often short.
#[inline]
fn varint_after(out: &mut Buffer, first: u8, value: u64) {
    if value < 0x80 {
        out.write([first, value as u8]);
        return;
    }
    let ([a, b, c, d, e, f, g, h, i, j], len) = varint(value);
    out.write_first([first, a, b, c, d, e, f, g, h, i, j], 1 + len);
}

/// Seven bits a byte, lowest first, the top bit set in all but the last; and how many bytes that are.
///
/// Ids are random and times large: a loop would run nine or ten times for each and be mispredicted at its end.
#[inline]
fn varint(value: u64) -> ([u8; 10], usize) {
    let len = (70 - (value | 1).leading_zeros() as usize) / 7;
    // Spread the lower 56 bits over eight bytes: halves, quarters, eighths.
    let low = value & 0x00ff_ffff_ffff_ffff;
    let low = low & 0x0000_0000_0fff_ffff | (low & 0x00ff_ffff_f000_0000) << 4;
    let low = low & 0x0000_3fff_0000_3fff | (low & 0x0fff_c000_0fff_c000) << 2;
    let low = low & 0x007f_007f_007f_007f | (low & 0x3f80_3f80_3f80_3f80) << 1;
    let more = if len > 8 {
        u64::MAX
    } else {
        (1 << (8 * (len - 1))) - 1
    };
    let [a, b, c, d, e, f, g, h] = (low | more & 0x8080_8080_8080_8080).to_le_bytes();
    let ninth = (value >> 56) as u8 | if len > 9 { 0x80 } else { 0 };
    ([a, b, c, d, e, f, g, h, ninth, (value >> 63) as u8], len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: u64) -> Vec<u8> {
        let (bytes, len) = varint(value);
        bytes[..len].to_vec()
    }

    #[test]
    fn varint_equals_the_definition() {
        let by_definition = |mut value: u64| {
            let mut bytes = Vec::new();
            while value >= 0x80 {
                bytes.push(value as u8 | 0x80);
                value >>= 7;
            }
            bytes.push(value as u8);
            bytes
        };
        for shift in 0..64 {
            for value in [
                1 << shift,
                (1 << shift) - 1,
                u64::MAX >> shift,
                0xaaaa_aaaa_aaaa_aaaa >> shift,
            ] {
                assert_eq!(written(value), by_definition(value), "{value:#x}");
            }
        }
        assert_eq!(written(0), [0]);
        assert_eq!(written(300), [0xac, 2]);
    }
}
