//! Thrift's binary protocol, which collectors take over HTTP on 14268.

use super::{Buffer, Kind, Protocol};

/// The binary protocol in its strict form: big-endian numbers of fixed size.
#[derive(Debug)]
pub(crate) enum Binary {}

const VERSION: u32 = 0x8001_0000;
const ONEWAY: u32 = 4;
const BOOL: u8 = 2;

impl Protocol for Binary {
    fn message(out: &mut Buffer, name: &str, sequence: i32) {
        out.write((VERSION | ONEWAY).to_be_bytes());
        Self::bytes(out, name.as_bytes());
        Self::i32(out, sequence);
    }

    #[inline]
    fn field(out: &mut Buffer, _before: u8, id: u8, kind: Kind) {
        out.write([code(kind), 0, id]);
    }

    #[inline]
    fn bool_field(out: &mut Buffer, _before: u8, id: u8, value: bool) {
        out.write([BOOL, 0, id, value.into()]);
    }

    #[inline]
    fn list(out: &mut Buffer, kind: Kind, len: usize) {
        out.push(code(kind));
        out.write((len as u32).to_be_bytes());
    }

    #[inline]
    fn i32(out: &mut Buffer, value: i32) {
        out.write(value.to_be_bytes());
    }

    #[inline]
    fn i64(out: &mut Buffer, value: i64) {
        out.write(value.to_be_bytes());
    }

    #[inline]
    fn f64(out: &mut Buffer, value: f64) {
        out.write(value.to_be_bytes());
    }

    #[inline]
    fn bytes(out: &mut Buffer, value: &[u8]) {
        out.write((value.len() as u32).to_be_bytes());
        out.extend(value);
    }
}

const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::I32 => 8,
        Kind::I64 => 10,
        Kind::F64 => 4,
        Kind::Text => 11,
        Kind::Struct => 12,
        Kind::List => 15,
    }
}
