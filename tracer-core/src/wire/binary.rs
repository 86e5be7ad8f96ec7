//! Thrift's binary protocol, which collectors take over HTTP on 14268.

use super::{Buffer, Protocol};

/// The binary protocol in its strict form: big-endian numbers of fixed size.
#[derive(Debug)]
pub(crate) enum Binary {}

const VERSION: u32 = 0x8001_0000;
const ONEWAY: u32 = 4;

/// Types of fields and elements.
mod kind {
    pub(super) const BOOL: u8 = 2;
    pub(super) const F64: u8 = 4;
    pub(super) const I32: u8 = 8;
    pub(super) const I64: u8 = 10;
    pub(super) const BYTES: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
    pub(super) const LIST: u8 = 15;
}

impl Protocol for Binary {
    fn message(out: &mut Buffer, name: &str, sequence: i32) {
        out.write((VERSION | ONEWAY).to_be_bytes());
        out.write((name.len() as u32).to_be_bytes());
        out.extend(name.as_bytes());
        out.write(sequence.to_be_bytes());
    }

    #[inline]
    fn bool_field(out: &mut Buffer, _before: u8, id: u8, value: bool) {
        out.write([kind::BOOL, 0, id, value.into()]);
    }

    #[inline]
    fn i32_field(out: &mut Buffer, _before: u8, id: u8, value: i32) {
        let [a, b, c, d] = value.to_be_bytes();
        out.write([kind::I32, 0, id, a, b, c, d]);
    }

    #[inline]
    fn i64_field(out: &mut Buffer, _before: u8, id: u8, value: i64) {
        let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
        out.write([kind::I64, 0, id, a, b, c, d, e, f, g, h]);
    }

    #[inline]
    fn f64_field(out: &mut Buffer, _before: u8, id: u8, value: f64) {
        let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
        out.write([kind::F64, 0, id, a, b, c, d, e, f, g, h]);
    }

    #[inline]
    fn bytes_field(out: &mut Buffer, _before: u8, id: u8, value: &[u8]) {
        let [a, b, c, d] = (value.len() as u32).to_be_bytes();
        out.write([kind::BYTES, 0, id, a, b, c, d]);
        out.extend(value);
    }

    #[inline]
    fn struct_field(out: &mut Buffer, _before: u8, id: u8) {
        out.write([kind::STRUCT, 0, id]);
    }

    #[inline]
    fn list_field(out: &mut Buffer, _before: u8, id: u8, len: usize) {
        let [a, b, c, d] = (len as u32).to_be_bytes();
        out.write([kind::LIST, 0, id, kind::STRUCT, a, b, c, d]);
    }
}
