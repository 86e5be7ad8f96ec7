//! OTLP's messages in Protobuf: an [`ExportTraceServiceRequest`] and what is in it, by the numbers of their fields.
//!
//! Fields come in any order, so a message is gone through once for what its parts need, and once for them. One span is held at
//! a time, with room for as many tags and logs as it has.
//!
//! [`ExportTraceServiceRequest`]: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/collector/trace/v1/trace_service.proto

use std::sync::Arc;

use crate::model::{self, Log, Reference, SpanId, Tag, TagValue, TraceId};
use crate::otlp::{self, Event, Plain, Resource, Scope, Span, Status};
use crate::protobuf::{Message, Value};
use crate::read::MAX_SPAN;
use crate::receive::{Cause, DecodeError};

/// The least bytes of an attribute with a key, which it has to have.
const MIN_ATTRIBUTE: usize = 3;

/// Goes through the spans of a request, each of which is read, or refused by itself for the reason given.
pub(crate) fn each_span(
    request: &[u8],
    take: &mut dyn FnMut(Result<model::Span, String>),
) -> Result<(), DecodeError> {
    each(Message::new(request), 1, &mut |resource_spans| {
        let mut resource = Resource::default();
        each(resource_spans, 1, &mut |message| {
            read_resource(&mut resource, message)
        })?;
        let process = Arc::new(resource.into_process());
        each(resource_spans, 2, &mut |scope_spans| {
            let scope = read_scope(scope_spans)?;
            each(scope_spans, 2, &mut |message| {
                if message.bytes().len() > MAX_SPAN {
                    take(Err(format!("a span is longer than {MAX_SPAN} bytes")));
                    return Ok(());
                }
                let span = read_span(message)?;
                take(match span {
                    Some(span) => Ok(span.into_model(&scope, &process)),
                    None => Err(String::from(
                        "a span has no trace id of 16 bytes or no span id of 8, that are not all zero",
                    )),
                });
                Ok(())
            })
        })
    })
}

/// Goes through the messages in the field of a number.
fn each<'a>(
    mut message: Message<'a>,
    number: u32,
    take: &mut dyn FnMut(Message<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    while let Some((field, value)) = message.field()? {
        if let (true, Value::Bytes(message)) = (field == number, value) {
            take(message)?;
        }
    }
    Ok(())
}

fn read_resource(resource: &mut Resource, mut message: Message<'_>) -> Result<(), DecodeError> {
    if message.bytes().len() > MAX_SPAN {
        let what = format!("a resource is longer than {MAX_SPAN} bytes");
        return Err(message.error(Cause::Size, what));
    }
    resource
        .attributes
        .reserve_exact(message.count(1, MIN_ATTRIBUTE)?);
    while let Some((field, value)) = message.field()? {
        match (field, value) {
            (1, Value::Bytes(message)) => resource.attributes.extend(read_attribute(message)?),
            (2, Value::Varint(count)) => resource.dropped_attributes = count as u32,
            _ => {}
        }
    }
    Ok(())
}

fn read_scope(scope_spans: Message<'_>) -> Result<Scope, DecodeError> {
    let (mut name, mut version) = (Message::default(), Message::default());
    each(scope_spans, 1, &mut |mut message| {
        while let Some((field, value)) = message.field()? {
            match (field, value) {
                (1, Value::Bytes(text)) => name = text,
                (2, Value::Bytes(text)) => version = text,
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(Scope::new(&name.text(), &version.text()))
}

/// Nothing, if its ids are none.
fn read_span(mut message: Message<'_>) -> Result<Option<Span>, DecodeError> {
    let (mut trace_id, mut span_id) = (None, None);
    let mut span = Span {
        attributes: Vec::with_capacity(message.count(9, MIN_ATTRIBUTE)? + otlp::ADDED_TAGS),
        events: Vec::with_capacity(message.count(11, 0)?),
        ..Span::default()
    };
    while let Some((field, value)) = message.field()? {
        match (field, value) {
            (1, Value::Bytes(id)) => trace_id = read_trace_id(id),
            (2, Value::Bytes(id)) => span_id = read_span_id(id),
            (3, Value::Bytes(text)) => span.trace_state = text.text(),
            (4, Value::Bytes(id)) => span.parent = read_span_id(id),
            (5, Value::Bytes(text)) => span.name = text.text(),
            (6, Value::Varint(kind)) => span.kind = kind,
            (7, Value::Fixed64(nanos)) => span.start_nanos = nanos,
            (8, Value::Fixed64(nanos)) => span.end_nanos = nanos,
            (9, Value::Bytes(message)) => span.attributes.extend(read_attribute(message)?),
            (10, Value::Varint(count)) => span.dropped_attributes = count as u32,
            (11, Value::Bytes(message)) => span.events.push(read_event(message)?),
            (12, Value::Varint(count)) => span.dropped_events = count as u32,
            (13, Value::Bytes(message)) => span.links.extend(read_link(message)?),
            (14, Value::Varint(count)) => span.dropped_links = count as u32,
            (15, Value::Bytes(message)) => read_status(&mut span.status, message)?,
            (16, Value::Fixed32(flags)) => span.flags = flags,
            _ => {}
        }
    }
    let ids = trace_id.zip(span_id);
    Ok(ids.map(|(trace_id, span_id)| Span {
        trace_id,
        span_id,
        ..span
    }))
}

fn read_trace_id(id: Message<'_>) -> Option<TraceId> {
    let bytes = id.bytes().try_into().ok()?;
    Some(TraceId::new(u128::from_be_bytes(bytes))).filter(|id| id.is_valid())
}

fn read_span_id(id: Message<'_>) -> Option<SpanId> {
    let bytes = id.bytes().try_into().ok()?;
    Some(SpanId::new(u64::from_be_bytes(bytes))).filter(|id| id.is_valid())
}

fn read_status(status: &mut Status, mut message: Message<'_>) -> Result<(), DecodeError> {
    while let Some((field, value)) = message.field()? {
        match (field, value) {
            (2, Value::Bytes(text)) => status.message = text.text(),
            (3, Value::Varint(code)) => status.code = code,
            _ => {}
        }
    }
    Ok(())
}

fn read_event(mut message: Message<'_>) -> Result<Log, DecodeError> {
    let mut event = Event {
        attributes: Vec::with_capacity(message.count(3, MIN_ATTRIBUTE)? + otlp::ADDED_FIELDS),
        ..Event::default()
    };
    while let Some((field, value)) = message.field()? {
        match (field, value) {
            (1, Value::Fixed64(nanos)) => event.nanos = nanos,
            (2, Value::Bytes(text)) => event.name = text.text(),
            (3, Value::Bytes(message)) => event.attributes.extend(read_attribute(message)?),
            (4, Value::Varint(count)) => event.dropped_attributes = count as u32,
            _ => {}
        }
    }
    Ok(event.into_log())
}

/// Nothing, if it is one to no span, which says nothing.
fn read_link(mut message: Message<'_>) -> Result<Option<Reference>, DecodeError> {
    let (mut trace_id, mut span_id) = (None, None);
    let mut attributes = Vec::with_capacity(message.count(4, MIN_ATTRIBUTE)?);
    while let Some((field, value)) = message.field()? {
        match (field, value) {
            (1, Value::Bytes(id)) => trace_id = read_trace_id(id),
            (2, Value::Bytes(id)) => span_id = read_span_id(id),
            (4, Value::Bytes(message)) => attributes.extend(read_attribute(message)?),
            _ => {}
        }
    }
    let ids = trace_id.zip(span_id);
    Ok(ids.map(|(trace_id, span_id)| otlp::reference(trace_id, span_id, &attributes)))
}

/// Nothing, if it has no key: it would take twenty times its two bytes.
fn read_attribute(message: Message<'_>) -> Result<Option<Tag>, DecodeError> {
    let (key, value) = read_pair(message)?;
    if key.bytes().is_empty() {
        return Ok(None);
    }
    let value = match read_any(value)? {
        Any::Nothing => TagValue::String(Box::default()),
        Any::Scalar(value) => value,
        list => {
            let mut plain = Plain::default();
            write_plain(&mut plain, list)?;
            plain.into_value()
        }
    };
    Ok(Some(Tag {
        key: key.text(),
        value,
    }))
}

fn read_pair(mut message: Message<'_>) -> Result<(Message<'_>, Message<'_>), DecodeError> {
    let (mut key, mut any) = (Message::default(), Message::default());
    while let Some((field, value)) = message.field()? {
        match (field, value) {
            (1, Value::Bytes(text)) => key = text,
            (2, Value::Bytes(message)) => any = message,
            _ => {}
        }
    }
    Ok((key, any))
}

/// A value, as far as it is read.
enum Any<'a> {
    Nothing,
    Scalar(TagValue),
    List(Message<'a>),
    Map(Message<'a>),
}

/// Of a choice the last one counts.
fn read_any(mut message: Message<'_>) -> Result<Any<'_>, DecodeError> {
    let mut last = None;
    while let Some(field) = message.field()? {
        last = Some(field)
            .filter(|(field, _)| (1..=7).contains(field))
            .or(last);
    }
    Ok(match last {
        Some((1, Value::Bytes(text))) => Any::Scalar(TagValue::String(text.text())),
        Some((2, Value::Varint(is))) => Any::Scalar(TagValue::Bool(is != 0)),
        Some((3, Value::Varint(number))) => Any::Scalar(TagValue::Int(number as i64)),
        Some((4, Value::Fixed64(bits))) => Any::Scalar(TagValue::Float(f64::from_bits(bits))),
        Some((5, Value::Bytes(values))) => Any::List(values),
        Some((6, Value::Bytes(pairs))) => Any::Map(pairs),
        Some((7, Value::Bytes(bytes))) => Any::Scalar(TagValue::Binary(bytes.bytes().into())),
        _ => Any::Nothing,
    })
}

fn write_plain(plain: &mut Plain, any: Any<'_>) -> Result<(), DecodeError> {
    match any {
        Any::Nothing => plain.value(None),
        Any::Scalar(value) => plain.value(Some(&value)),
        Any::List(values) => plain
            .list(|plain| each(values, 1, &mut |value| write_plain(plain, read_any(value)?)))?,
        Any::Map(pairs) => plain.map(|plain| {
            each(pairs, 1, &mut |pair| {
                let (key, value) = read_pair(pair)?;
                plain.key(&key.text());
                write_plain(plain, read_any(value)?)
            })
        })?,
    }
    Ok(())
}

#[cfg(test)]
mod tests;
