//! An [OTLP](https://opentelemetry.io/docs/specs/otlp/) request in protobuf, and what is of interest in its answer.
//!
//! Words are translated as Jaeger and the OpenTelemetry Collector do it: the service name becomes `service.name`, the tags
//! `span.kind` and `error` fields of their own, logs events named by their field `event`, and references besides the parent
//! links. Written by hand, for it is some twenty fields; a test reads them with the types made from OTLP's own files.

use crate::model::{Log, Process, RefType, Reference, Span, TagValue};
use crate::otlp::{ERROR, KINDS};
use crate::protobuf::{Message, Value, bytes, fixed32, fixed64, message, number};

/// Writes the spans of a process. Such requests may be joined end to end: together they are one.
pub(super) fn request(out: &mut Vec<u8>, process: &Process, spans: &[&Span]) {
    // ExportTraceServiceRequest.resource_spans
    message(out, 1, |out| {
        message(out, 1, |out| resource(out, process));
        message(out, 2, |out| {
            for one in spans {
                message(out, 2, |out| span(out, one));
            }
        });
    });
}

fn resource(out: &mut Vec<u8>, process: &Process) {
    message(out, 1, |out| {
        text_attribute(out, "service.name", &process.service);
    });
    for tag in &process.tags {
        let key = match &*tag.key {
            "hostname" => "host.name",
            key => key,
        };
        message(out, 1, |out| attribute(out, key, &tag.value));
    }
}

fn span(out: &mut Vec<u8>, span: &Span) {
    let parent = span.parent();
    bytes(out, 1, &span.trace_id.get().to_be_bytes());
    bytes(out, 2, &span.span_id.get().to_be_bytes());
    if let Some(parent) = parent {
        bytes(out, 4, &parent.get().to_be_bytes());
    }
    bytes(out, 5, span.operation.as_bytes());
    let kind = span
        .tag("span.kind")
        .and_then(TagValue::as_str)
        .and_then(|name| KINDS.iter().position(|kind| *kind == name));
    number(out, 6, kind.map_or(0, |at| at as u64 + 1));
    fixed64(out, 7, nanos(span.start_micros));
    fixed64(out, 8, nanos(span.end_micros()));
    for tag in &span.tags {
        let said = match &*tag.key {
            "span.kind" => kind.is_some(),
            // What else it may be, a message perhaps, would be lost with it.
            "error" => matches!(tag.value, TagValue::Bool(_)),
            _ => false,
        };
        if !said {
            message(out, 9, |out| attribute(out, &tag.key, &tag.value));
        }
    }
    for log in &span.logs {
        message(out, 11, |out| event(out, log));
    }
    for reference in &span.references {
        let is_parent = reference.trace_id == span.trace_id && Some(reference.span_id) == parent;
        if !(is_parent && reference.ref_type == RefType::ChildOf) {
            message(out, 13, |out| link(out, reference));
        }
    }
    if span.is_error() {
        message(out, 15, |out| number(out, 3, ERROR));
    }
    // The flags of W3C, of which Jaeger's share the lowest.
    fixed32(out, 16, span.flags & 1);
}

fn event(out: &mut Vec<u8>, log: &Log) {
    fixed64(out, 1, nanos(log.micros));
    let name = log
        .fields
        .iter()
        .find(|field| &*field.key == "event" && field.value.as_str().is_some());
    if let Some(name) = name.and_then(|field| field.value.as_str()) {
        bytes(out, 2, name.as_bytes());
    }
    for field in &log.fields {
        if !name.is_some_and(|name| std::ptr::eq(name, field)) {
            message(out, 3, |out| attribute(out, &field.key, &field.value));
        }
    }
}

fn link(out: &mut Vec<u8>, reference: &Reference) {
    bytes(out, 1, &reference.trace_id.get().to_be_bytes());
    bytes(out, 2, &reference.span_id.get().to_be_bytes());
    let kind = match reference.ref_type {
        RefType::ChildOf => "child_of",
        RefType::FollowsFrom => "follows_from",
    };
    message(out, 4, |out| {
        text_attribute(out, "opentracing.ref_type", kind);
    });
}

fn text_attribute(out: &mut Vec<u8>, key: &str, text: &str) {
    bytes(out, 1, key.as_bytes());
    message(out, 2, |out| bytes(out, 1, text.as_bytes()));
}

fn attribute(out: &mut Vec<u8>, key: &str, value: &TagValue) {
    bytes(out, 1, key.as_bytes());
    // Of a choice the one that is there counts, be it zero or empty.
    message(out, 2, |out| match value {
        TagValue::String(text) => bytes(out, 1, text.as_bytes()),
        TagValue::Bool(is) => number(out, 2, u64::from(*is)),
        TagValue::Int(value) => number(out, 3, *value as u64),
        TagValue::Float(value) => fixed64(out, 4, value.to_bits()),
        TagValue::Binary(value) => bytes(out, 7, value),
    });
}

fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1_000)
}

/// How many spans a collector says it has not taken, in the answer to a request it took: `partial_success.rejected_spans`.
/// What is not such an answer says nothing.
pub(super) fn rejected(answer: &[u8]) -> u64 {
    match find(Message::new(answer)) {
        Some(Value::Bytes(partial)) => match find(partial) {
            Some(Value::Varint(rejected)) => rejected,
            _ => 0,
        },
        _ => 0,
    }
}

fn find(mut message: Message<'_>) -> Option<Value<'_>> {
    std::iter::from_fn(|| message.field().ok()?)
        .find(|(field, _)| *field == 1)
        .map(|(_, value)| value)
}

#[cfg(test)]
pub(super) mod tests;
