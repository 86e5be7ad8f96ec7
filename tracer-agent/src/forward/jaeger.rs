//! A bare `Batch` of Jaeger's IDL in Thrift's binary protocol, as collectors take it over HTTP: what
//! [`decode_batch_binary`](crate::receive::decode_batch_binary) reads.

use crate::model::{Log, Process, RefType, Reference, Span, Tag, TagValue};

const BOOL: u8 = 2;
const DOUBLE: u8 = 4;
const I32: u8 = 8;
const I64: u8 = 10;
const STRING: u8 = 11;
const STRUCT: u8 = 12;
const LIST: u8 = 15;

/// Writes the spans of a process.
pub(super) fn batch(process: &Process, spans: &[&Span]) -> Vec<u8> {
    let mut out = Vec::new();
    field(&mut out, STRUCT, 1);
    string(&mut out, 1, process.service.as_bytes());
    list(&mut out, 2, &process.tags, tag);
    out.push(0);
    list(&mut out, 2, spans, |out, one| span(out, one));
    out.push(0);
    out
}

fn span(out: &mut Vec<u8>, span: &Span) {
    let trace = span.trace_id.get();
    long(out, 1, trace as i64);
    long(out, 2, (trace >> 64) as i64);
    long(out, 3, span.span_id.get() as i64);
    long(out, 4, span.parent_span_id.map_or(0, |id| id.get() as i64));
    string(out, 5, span.operation.as_bytes());
    list(out, 6, &span.references, reference);
    int(out, 7, span.flags as i32);
    long(out, 8, span.start_micros as i64);
    long(out, 9, span.duration_micros as i64);
    list(out, 10, &span.tags, tag);
    list(out, 11, &span.logs, log);
}

fn reference(out: &mut Vec<u8>, reference: &Reference) {
    let kind = match reference.ref_type {
        RefType::ChildOf => 0,
        RefType::FollowsFrom => 1,
    };
    let trace = reference.trace_id.get();
    int(out, 1, kind);
    long(out, 2, trace as i64);
    long(out, 3, (trace >> 64) as i64);
    long(out, 4, reference.span_id.get() as i64);
}

fn log(out: &mut Vec<u8>, log: &Log) {
    long(out, 1, log.micros as i64);
    list(out, 2, &log.fields, tag);
}

fn tag(out: &mut Vec<u8>, Tag { key, value }: &Tag) {
    string(out, 1, key.as_bytes());
    match value {
        TagValue::String(text) => {
            int(out, 2, 0);
            string(out, 3, text.as_bytes());
        }
        TagValue::Float(number) => {
            int(out, 2, 1);
            field(out, DOUBLE, 4);
            out.extend(number.to_be_bytes());
        }
        TagValue::Bool(is) => {
            int(out, 2, 2);
            field(out, BOOL, 5);
            out.push((*is).into());
        }
        TagValue::Int(number) => {
            int(out, 2, 3);
            long(out, 6, *number);
        }
        TagValue::Binary(bytes) => {
            int(out, 2, 4);
            string(out, 7, bytes);
        }
    }
}

/// A list of structs, each of which `write` writes without its end.
fn list<T>(out: &mut Vec<u8>, id: i16, all: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    field(out, LIST, id);
    out.push(STRUCT);
    length(out, all.len());
    for one in all {
        write(out, one);
        out.push(0);
    }
}

fn field(out: &mut Vec<u8>, kind: u8, id: i16) {
    out.push(kind);
    out.extend(id.to_be_bytes());
}

fn int(out: &mut Vec<u8>, id: i16, value: i32) {
    field(out, I32, id);
    out.extend(value.to_be_bytes());
}

fn long(out: &mut Vec<u8>, id: i16, value: i64) {
    field(out, I64, id);
    out.extend(value.to_be_bytes());
}

fn string(out: &mut Vec<u8>, id: i16, value: &[u8]) {
    field(out, STRING, id);
    length(out, value.len());
    out.extend(value);
}

/// What came in one message is far from the two gigabytes where lengths end.
fn length(out: &mut Vec<u8>, len: usize) {
    out.extend((len as i32).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::decode_batch_binary;

    #[test]
    fn what_is_written_is_read_the_same() {
        let spans = crate::forward::otlp::tests::spans();
        let borrowed: Vec<&Span> = spans.iter().collect();
        let read = decode_batch_binary(&batch(&spans[0].process, &borrowed)).unwrap();
        assert_eq!(read.process, spans[0].process);
        assert_eq!(read.spans, spans);
    }
}
