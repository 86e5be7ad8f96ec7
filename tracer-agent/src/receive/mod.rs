//! Receiving: from bytes to [`Batch`]es, and from batches to the store.
//!
//! The decoders are pure functions over a byte slice and are public: they check what a client sends, in tests and under
//! a fuzzer. The sockets live in `udp.rs` and `http.rs`. To accept another protocol, add a file beside them.

mod backlog;
pub(crate) mod body;
mod client;
mod error;
pub(crate) mod http;
mod jaeger;
mod kernel;
pub(crate) mod otlp;
mod sink;
mod thrift;
pub(crate) mod udp;

pub(crate) use backlog::backlog;
pub use client::{Client, ClientKey};
pub use error::{Cause, DecodeError};
pub(crate) use kernel::KernelDrops;
pub(crate) use sink::{Sink, Source};

use crate::model::{Batch, Span};

/// Reads a Thrift compact message that calls `emitBatch`: what clients send to UDP port 6831.
///
/// # Errors
///
/// Whatever is not such a message is a [`DecodeError`]; nothing panics, and memory reserved is bounded by the length of
/// `bytes`. Bytes after the message are ignored.
pub fn decode_compact(bytes: &[u8]) -> Result<Batch, DecodeError> {
    jaeger::read_message(&mut thrift::Compact::new(bytes))
}

/// Reads a Thrift binary message that calls `emitBatch`: what clients send to UDP port 6832.
///
/// # Errors
///
/// As [`decode_compact`].
pub fn decode_binary(bytes: &[u8]) -> Result<Batch, DecodeError> {
    jaeger::read_message(&mut thrift::Binary::new(bytes))
}

/// Reads a bare `Batch` in Thrift binary, without envelope: what clients post to a collector over HTTP.
///
/// # Errors
///
/// As [`decode_compact`].
pub fn decode_batch_binary(bytes: &[u8]) -> Result<Batch, DecodeError> {
    jaeger::read_batch(&mut thrift::Binary::new(bytes))
}

/// Reads an `ExportTraceServiceRequest` in Protobuf, what clients post to the port of OTLP, and gives its spans to `take`, one
/// after the other. Tells how many were refused by themselves, for their ids or their length.
///
/// # Errors
///
/// As [`decode_compact`]; spans before the error have been given by then.
pub fn decode_otlp(bytes: &[u8], mut take: impl FnMut(Span)) -> Result<u64, DecodeError> {
    let mut refused = 0;
    otlp::request::each_span(bytes, &mut |span| match span {
        Ok(span) => take(span),
        Err(_) => refused += 1,
    })?;
    Ok(refused)
}
