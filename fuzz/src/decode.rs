//! The agent's decoders.

use std::hash::{DefaultHasher, Hash, Hasher};

use tracer_agent::receive::{self, Cause, DecodeError};
use tracer_agent::show;
use tracer_agent::tree::Tree;
use tracer_agent::{Batch, Log, Span, Tag, TagValue};

/// Datagrams to the port of Thrift compact.
pub fn decode_compact(data: &[u8]) {
    check(data, &receive::decode_compact(data));
}

/// Datagrams to the port of Thrift binary.
pub fn decode_binary(data: &[u8]) {
    check(data, &receive::decode_binary(data));
}

/// Bodies posted to the collector's port, and the same within a message.
pub fn decode_batch(data: &[u8]) {
    let decoded = receive::decode_batch_binary(data);
    check(data, &decoded);
    let Ok(expected) = decoded.map(|batch| digest(&batch)) else {
        return;
    };
    let batch = &data[..end_of_batch(data)];
    let envelope = b"\x80\x01\x00\x04\0\0\0\x09emitBatch\0\0\0\x01\x0c\0\x01";
    let called = receive::decode_binary(&[envelope, batch, b"\0"].concat());
    assert_eq!(
        digest(&called.expect("a batch is one in a message, too")),
        expected
    );
}

/// Bodies posted to the port of OTLP, in Protobuf, and spans in such a body, where lengths around them are right.
pub fn decode_otlp(data: &[u8]) {
    check_otlp(data);
    let ids = b"\x0a\x100123456789abcdef\x12\x0801234567";
    let span = field(2, &[ids, data].concat());
    check_otlp(&field(1, &field(2, &span)));
}

/// A message of Protobuf in the field of a number.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut rest = content.len();
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes.extend(content);
    bytes
}

fn check_otlp(data: &[u8]) {
    let mut spans = 0;
    let refused = receive::decode_otlp(data, |span| {
        spans += 1;
        assert!(span.trace_id.is_valid() && span.span_id.is_valid());
        let text = span_text_len(&span) + span.service().len();
        // Beside what is repaired, the names of a library, which many spans may share.
        assert!(text <= 16 * data.len() + 1024, "{text} bytes of text");
        use_span(&span);
    });
    match refused {
        // The least a span takes on the wire, and one that is refused.
        Ok(refused) => assert!(spans * 30 + refused as usize * 2 <= data.len()),
        Err(error) => check_error(data, &error),
    }
}

/// Where the batch ends that `data` begins with; bytes behind it are ignored. Anything shorter is to be refused.
fn end_of_batch(data: &[u8]) -> usize {
    let (mut refused, mut taken) = (0, data.len());
    while taken - refused > 1 {
        let middle = refused.midpoint(taken);
        match receive::decode_batch_binary(&data[..middle]) {
            Ok(_) => taken = middle,
            Err(error) => {
                assert!(
                    matches!(error.cause(), Cause::Truncated | Cause::Size),
                    "{error}"
                );
                refused = middle;
            }
        }
    }
    taken
}

/// Files of traces.
pub fn read_json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match show::read_json(text) {
        Ok(traces) => {
            for trace in &traces {
                assert!(!trace.is_empty());
                assert_eq!(Tree::of(trace).rows().len(), trace.len());
                let _ = (trace.start(), trace.duration(), trace.services());
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(
                !text.is_empty() && !text.chars().any(char::is_control),
                "{text:?}"
            );
        }
    }
}

fn check(data: &[u8], decoded: &Result<Batch, DecodeError>) {
    let batch = match decoded {
        Ok(batch) => batch,
        Err(error) => return check_error(data, error),
    };
    // The least a span takes on the wire, and what repairing a byte of text makes of it.
    assert!(
        batch.spans.len() * 17 <= data.len(),
        "{} spans in {} bytes",
        batch.spans.len(),
        data.len()
    );
    let spans = batch.spans.iter().map(span_text_len);
    let text = batch.process.service.len() + text_len(&batch.process.tags) + spans.sum::<usize>();
    assert!(
        text <= 16 * data.len(),
        "{text} bytes of text in a message of {}",
        data.len()
    );
    batch.spans.iter().for_each(use_span);
}

fn check_error(data: &[u8], error: &DecodeError) {
    assert!(error.offset() <= data.len(), "{error}");
    let text = error.to_string();
    assert!(
        !text.is_empty() && text.len() < 1024 && !text.chars().any(char::is_control),
        "{text:?}"
    );
}

fn use_span(span: &Span) {
    let _ = (
        span.start(),
        span.duration(),
        span.parent(),
        span.is_error(),
        span.service(),
    );
    let _ = span.logs.last().map(Log::time);
}

fn span_text_len(span: &Span) -> usize {
    let logs = span.logs.iter().map(|log| text_len(&log.fields));
    span.operation.len() + text_len(&span.tags) + logs.sum::<usize>()
}

fn text_len(tags: &[Tag]) -> usize {
    let value = |tag: &Tag| match &tag.value {
        TagValue::String(text) => text.len(),
        TagValue::Binary(bytes) => bytes.len(),
        TagValue::Bool(_) | TagValue::Int(_) | TagValue::Float(_) => 0,
    };
    tags.iter().map(|tag| tag.key.len() + value(tag)).sum()
}

/// Stands for the batch: keeping two of them would take more memory than one message may.
fn digest(batch: &Batch) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&batch.process, &batch.spans, batch.seq_no).hash(&mut hasher);
    hasher.finish()
}
