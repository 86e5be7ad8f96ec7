//! The structs of Jaeger's IDL ([`jaeger.thrift`](https://github.com/jaegertracing/jaeger-idl/blob/main/thrift/jaeger.thrift)
//! and `agent.thrift`), over either protocol.
//!
//! Required fields are required here too: generated code refuses a span without them, and so a short message cannot
//! stand for thousands of empty spans. Every other rule is lenient: text that is not UTF-8 is repaired, an unknown tag
//! type becomes a text that says so, negative times become zero.

use std::sync::Arc;

use super::error::{Cause, DecodeError};
use super::thrift::{Protocol, Type, read_list, read_struct};
use crate::model::{
    Batch, ClientStats, Log, Process, RefType, Reference, Span, SpanId, Tag, TagValue, TraceId,
};

/// The least bytes each struct takes in compact form with its required fields: two bytes each, and the end.
const MIN_SPAN: usize = 17;
const MIN_REFERENCE: usize = 9;
const MIN_LOG: usize = 5;
const MIN_TAG: usize = 5;

/// Reads a call of `Agent.emitBatch`, envelope and all.
pub(super) fn read_message<'a, P: Protocol<'a>>(p: &mut P) -> Result<Batch, DecodeError> {
    let method = p.message()?;
    if method != b"emitBatch" {
        let name: String = String::from_utf8_lossy(method).chars().take(64).collect();
        return Err(p
            .input()
            .error(Cause::Method, format!("method {name:?} is not emitBatch")));
    }
    let mut batch = None;
    read_struct(p, |p, field| {
        match (field.id, field.kind) {
            (1, Type::Struct) => batch = Some(read_batch(p)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    required(p, batch, "emitBatch.batch")
}

/// Reads a bare `Batch`, as collectors take it over HTTP.
pub(super) fn read_batch<'a, P: Protocol<'a>>(p: &mut P) -> Result<Batch, DecodeError> {
    // The process may follow the spans; they get it afterwards.
    let unknown = Arc::new(Process {
        service: Box::default(),
        tags: Box::default(),
    });
    let (mut process, mut spans, mut seq_no, mut stats) = (None, None, None, None);
    read_struct(p, |p, field| {
        match (field.id, field.kind) {
            (1, Type::Struct) => process = Some(Arc::new(read_process(p)?)),
            (2, Type::List) => {
                let owner = process.as_ref().unwrap_or(&unknown);
                spans = Some(read_list(p, MIN_SPAN, |p| read_span(p, owner))?);
            }
            (3, Type::I64) => seq_no = Some(p.i64()?),
            (4, Type::Struct) => stats = Some(read_stats(p)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let process = required(p, process, "Batch.process")?;
    let mut spans = required(p, spans, "Batch.spans")?;
    for span in &mut spans {
        if !Arc::ptr_eq(&span.process, &process) {
            span.process = Arc::clone(&process);
        }
    }
    Ok(Batch {
        process,
        spans,
        seq_no,
        stats,
    })
}

fn read_process<'a, P: Protocol<'a>>(p: &mut P) -> Result<Process, DecodeError> {
    let (mut service, mut tags) = (None, Vec::new());
    read_struct(p, |p, field| {
        match (field.id, field.kind) {
            (1, Type::String) => service = Some(text(p.bytes()?)),
            (2, Type::List) => tags = read_list(p, MIN_TAG, read_tag)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Process {
        service: required(p, service, "Process.serviceName")?,
        tags: tags.into(),
    })
}

fn read_span<'a, P: Protocol<'a>>(p: &mut P, process: &Arc<Process>) -> Result<Span, DecodeError> {
    let (mut low, mut high, mut id, mut parent, mut operation) = (None, None, None, None, None);
    let (mut flags, mut start, mut duration) = (None, None, None);
    let (mut references, mut tags, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    read_struct(p, |p, field| {
        match (field.id, field.kind) {
            (1, Type::I64) => low = Some(p.i64()?),
            (2, Type::I64) => high = Some(p.i64()?),
            (3, Type::I64) => id = Some(p.i64()?),
            (4, Type::I64) => parent = Some(p.i64()?),
            (5, Type::String) => operation = Some(text(p.bytes()?)),
            (6, Type::List) => references = read_list(p, MIN_REFERENCE, read_reference)?,
            (7, Type::I32) => flags = Some(p.i32()?),
            (8, Type::I64) => start = Some(p.i64()?),
            (9, Type::I64) => duration = Some(p.i64()?),
            (10, Type::List) => tags = read_list(p, MIN_TAG, read_tag)?,
            (11, Type::List) => logs = read_list(p, MIN_LOG, read_log)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let (low, high) = (
        required(p, low, "Span.traceIdLow")?,
        required(p, high, "Span.traceIdHigh")?,
    );
    let parent = span_id(required(p, parent, "Span.parentSpanId")?);
    // One to no span, as some clients write it, says nothing.
    references.retain(|reference| reference.trace_id.is_valid() && reference.span_id.is_valid());
    Ok(Span {
        trace_id: trace_id(high, low),
        span_id: span_id(required(p, id, "Span.spanId")?),
        parent_span_id: parent.is_valid().then_some(parent),
        operation: required(p, operation, "Span.operationName")?,
        references: references.into(),
        flags: required(p, flags, "Span.flags")? as u32,
        tags: tags.into(),
        logs: logs.into(),
        process: Arc::clone(process),
        start_micros: micros(required(p, start, "Span.startTime")?),
        duration_micros: micros(required(p, duration, "Span.duration")?),
    })
}

fn read_reference<'a, P: Protocol<'a>>(p: &mut P) -> Result<Reference, DecodeError> {
    let (mut kind, mut low, mut high, mut id) = (None, None, None, None);
    read_struct(p, |p, field| {
        match (field.id, field.kind) {
            (1, Type::I32) => kind = Some(p.i32()?),
            (2, Type::I64) => low = Some(p.i64()?),
            (3, Type::I64) => high = Some(p.i64()?),
            (4, Type::I64) => id = Some(p.i64()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let (low, high) = (
        required(p, low, "SpanRef.traceIdLow")?,
        required(p, high, "SpanRef.traceIdHigh")?,
    );
    Ok(Reference {
        // Any other kind than ChildOf says less than that: it followed.
        ref_type: match required(p, kind, "SpanRef.refType")? {
            0 => RefType::ChildOf,
            _ => RefType::FollowsFrom,
        },
        trace_id: trace_id(high, low),
        span_id: span_id(required(p, id, "SpanRef.spanId")?),
    })
}

fn read_log<'a, P: Protocol<'a>>(p: &mut P) -> Result<Log, DecodeError> {
    let (mut time, mut fields) = (None, None);
    read_struct(p, |p, field| {
        match (field.id, field.kind) {
            (1, Type::I64) => time = Some(p.i64()?),
            (2, Type::List) => fields = Some(read_list(p, MIN_TAG, read_tag)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let fields = required(p, fields, "Log.fields")?;
    Ok(Log {
        micros: micros(required(p, time, "Log.timestamp")?),
        fields: fields.into(),
    })
}

/// Reads a tag. Node's client writes every value field; only the one named by `vType` counts, and none of the others
/// is copied.
fn read_tag<'a, P: Protocol<'a>>(p: &mut P) -> Result<Tag, DecodeError> {
    let (mut key, mut kind) = (None, None);
    let (mut string, mut double, mut bool, mut long, mut binary) =
        (&[][..], 0.0, false, 0, &[][..]);
    read_struct(p, |p, field| {
        match (field.id, field.kind) {
            (1, Type::String) => key = Some(text(p.bytes()?)),
            (2, Type::I32) => kind = Some(p.i32()?),
            (3, Type::String) => string = p.bytes()?,
            (4, Type::Double) => double = p.double()?,
            (5, Type::Bool) => bool = p.bool()?,
            (6, Type::I64) => long = p.i64()?,
            (7, Type::String) => binary = p.bytes()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let value = match required(p, kind, "Tag.vType")? {
        0 => TagValue::String(text(string)),
        1 => TagValue::Float(double),
        2 => TagValue::Bool(bool),
        3 => TagValue::Int(long),
        4 => TagValue::Binary(binary.into()),
        other => TagValue::String(format!("tag of unknown type {other}").into()),
    };
    Ok(Tag {
        key: required(p, key, "Tag.key")?,
        value,
    })
}

/// A client that says nothing of a kind of loss has counted none.
fn read_stats<'a, P: Protocol<'a>>(p: &mut P) -> Result<ClientStats, DecodeError> {
    let mut stats = ClientStats::default();
    read_struct(p, |p, field| {
        match (field.id, field.kind) {
            (1, Type::I64) => stats.full_queue_dropped_spans = p.i64()?,
            (2, Type::I64) => stats.too_large_dropped_spans = p.i64()?,
            (3, Type::I64) => stats.failed_to_emit_spans = p.i64()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(stats)
}

fn required<'a, P: Protocol<'a>, T>(
    p: &mut P,
    value: Option<T>,
    name: &str,
) -> Result<T, DecodeError> {
    value.ok_or_else(|| {
        p.input()
            .error(Cause::Missing, format!("required field {name} is missing"))
    })
}

fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

/// Ids are unsigned; Thrift has signed numbers only.
fn trace_id(high: i64, low: i64) -> TraceId {
    TraceId::from_parts(high as u64, low as u64)
}

fn span_id(id: i64) -> SpanId {
    SpanId::new(id as u64)
}

fn micros(signed: i64) -> u64 {
    u64::try_from(signed).unwrap_or(0)
}
