//! Thrift's compact protocol, which agents listen for on 6831.

use super::{Buffer, Kind, Protocol};

/// The compact protocol: variable-length integers, field ids as differences, little-endian doubles.
#[derive(Debug)]
pub(crate) enum Compact {}

const PROTOCOL_ID: u8 = 0x82;
const VERSION: u8 = 1;
const ONEWAY: u8 = 4;

impl Protocol for Compact {
    fn message(out: &mut Buffer, name: &str, sequence: i32) {
        out.write([PROTOCOL_ID, ONEWAY << 5 | VERSION]);
        varint(out, u64::from(sequence.unsigned_abs()));
        Self::bytes(out, name.as_bytes());
    }

    #[inline]
    fn field(out: &mut Buffer, before: u8, id: u8, kind: Kind) {
        out.push((id - before) << 4 | code(kind));
    }

    #[inline]
    fn bool_field(out: &mut Buffer, before: u8, id: u8, value: bool) {
        out.push((id - before) << 4 | if value { 1 } else { 2 });
    }

    #[inline]
    fn list(out: &mut Buffer, kind: Kind, len: usize) {
        if len < 15 {
            out.push((len as u8) << 4 | code(kind));
        } else {
            out.push(0xf0 | code(kind));
            varint(out, len as u64);
        }
    }

    #[inline]
    fn i32(out: &mut Buffer, value: i32) {
        // Sign extension leaves the zig-zag form of a number the same, so one width serves both.
        Self::i64(out, value.into());
    }

    #[inline]
    fn i64(out: &mut Buffer, value: i64) {
        varint(out, (value << 1 ^ value >> 63) as u64);
    }

    /// Little-endian, unlike every other number of Thrift and against its first documentation: all implementations do it.
    #[inline]
    fn f64(out: &mut Buffer, value: f64) {
        out.write(value.to_le_bytes());
    }

    #[inline]
    fn bytes(out: &mut Buffer, value: &[u8]) {
        varint(out, value.len() as u64);
        out.extend(value);
    }
}

const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::I32 => 5,
        Kind::I64 => 6,
        Kind::F64 => 7,
        Kind::Text => 8,
        Kind::List => 9,
        Kind::Struct => 12,
    }
}

/// Seven bits a byte, lowest first, the top bit set in all but the last.
///
/// Ids are random and times large: a loop would run nine or ten times for each and be mispredicted at its end.
#[inline]
fn varint(out: &mut Buffer, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
        return;
    }
    let len = (70 - (value.leading_zeros() as usize)) / 7;
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
    let low = (low | more & 0x8080_8080_8080_8080).to_le_bytes();
    let high = [
        (value >> 56) as u8 | if len > 9 { 0x80 } else { 0 },
        (value >> 63) as u8,
    ];
    let [a, b, c, d, e, f, g, h] = low;
    out.write_first([a, b, c, d, e, f, g, h, high[0], high[1]], len);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: u64) -> Vec<u8> {
        let mut out = Buffer::with_capacity(16);
        varint(&mut out, value);
        out.as_slice().to_vec()
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
        assert_eq!(written(300), [0xac, 2]);
    }
}
