//! Thrift, as far as reporting needs it: the two protocols Jaeger's receivers speak and Jaeger's structs in either.
//!
//! [`jaeger`] says which fields a struct has, in order; a [`Protocol`] says what a field is in bytes. Both are resolved at
//! compile time, so a span becomes bytes straight from its record, without a model in between and without allocation.
//! Nothing here does I/O, and nothing here reads: the agent has the decoders.
//!
//! The protocols are specified in
//! [compact](https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md) and
//! [binary](https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md).

mod binary;
mod buffer;
mod compact;
pub(crate) mod jaeger;
mod known;
#[cfg(test)]
pub(crate) mod reading;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub(crate) use binary::Binary;
pub(crate) use buffer::Buffer;
pub(crate) use compact::Compact;
pub(crate) use known::Known;

/// How the fields of structs become bytes.
///
/// A struct is its fields, each a header and a value, and a [`stop`](Self::stop). A header takes the id of the field
/// `before` it in the same struct (0 for the first), because the compact protocol writes the difference; passing it keeps
/// the writers free of state, and as nearly every id is a constant the header is one too.
pub(crate) trait Protocol: Send + 'static {
    /// The beginning of a one-way message; the struct of its arguments follows.
    fn message(out: &mut Buffer, name: &str, sequence: i32);

    fn bool_field(out: &mut Buffer, before: u8, id: u8, value: bool);

    fn i32_field(out: &mut Buffer, before: u8, id: u8, value: i32);

    fn i64_field(out: &mut Buffer, before: u8, id: u8, value: i64);

    fn f64_field(out: &mut Buffer, before: u8, id: u8, value: f64);

    /// Text or bytes: Thrift does not tell them apart.
    fn bytes_field(out: &mut Buffer, before: u8, id: u8, value: &[u8]);

    /// The header of a struct in a field; its fields follow.
    fn struct_field(out: &mut Buffer, before: u8, id: u8);

    /// The header of a list of `len` structs in a field; they follow.
    fn list_field(out: &mut Buffer, before: u8, id: u8, len: usize);

    /// The end of a struct; the same in both protocols.
    #[inline]
    fn stop(out: &mut Buffer) {
        out.write([0]);
    }
}
