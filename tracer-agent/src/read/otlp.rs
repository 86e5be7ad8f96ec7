//! [OTLP's JSON](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): what Protobuf makes of its messages, with
//! ids in hexadecimal.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ReadError, each, is_zero, number, one, or_default, span_id, trace_id};
use crate::model::{Log, Process, Reference, Span, Tag, TagValue};
use crate::otlp;

/// What is posted, and a line of a file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'j> {
    #[serde(borrow)]
    resource_spans: Option<&'j RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'j> {
    #[serde(borrow)]
    resource: Option<&'j RawValue>,
    scope_spans: Option<&'j RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'j> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'j>>,
    dropped_attributes_count: Option<&'j RawValue>,
}

#[derive(Deserialize)]
struct ScopeSpans<'j> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    scope: Scope<'j>,
    spans: Option<&'j RawValue>,
}

#[derive(Default, Deserialize)]
struct Scope<'j> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    name: Cow<'j, str>,
    #[serde(default, deserialize_with = "or_default")]
    version: Cow<'j, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'j> {
    #[serde(borrow)]
    trace_id: Cow<'j, str>,
    span_id: Cow<'j, str>,
    #[serde(default, deserialize_with = "or_default")]
    parent_span_id: Cow<'j, str>,
    #[serde(default, deserialize_with = "or_default")]
    trace_state: Box<str>,
    flags: Option<&'j RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    name: Box<str>,
    kind: Option<&'j RawValue>,
    start_time_unix_nano: &'j RawValue,
    end_time_unix_nano: &'j RawValue,
    #[serde(default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'j>>,
    dropped_attributes_count: Option<&'j RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    events: Vec<Event<'j>>,
    dropped_events_count: Option<&'j RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    links: Vec<Link<'j>>,
    dropped_links_count: Option<&'j RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    status: Status<'j>,
}

#[derive(Deserialize)]
struct Attribute<'j> {
    key: Box<str>,
    #[serde(borrow)]
    value: Option<AnyValue<'j>>,
}

/// One of these is there.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue<'j> {
    string_value: Option<Box<str>>,
    bool_value: Option<bool>,
    #[serde(borrow)]
    int_value: Option<&'j RawValue>,
    double_value: Option<&'j RawValue>,
    bytes_value: Option<Cow<'j, str>>,
    array_value: Option<&'j RawValue>,
    kvlist_value: Option<&'j RawValue>,
}

/// Those of a list, or the pairs of a map.
#[derive(Deserialize)]
struct Values<'j> {
    #[serde(borrow)]
    values: Option<&'j RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'j> {
    #[serde(borrow)]
    time_unix_nano: Option<&'j RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    name: Box<str>,
    #[serde(default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'j>>,
    dropped_attributes_count: Option<&'j RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link<'j> {
    #[serde(borrow)]
    trace_id: Cow<'j, str>,
    span_id: Cow<'j, str>,
    #[serde(default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'j>>,
}

#[derive(Default, Deserialize)]
struct Status<'j> {
    #[serde(borrow)]
    code: Option<&'j RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    message: Box<str>,
}

/// Goes through the spans of a request, each of which is read, or refused by itself.
pub(crate) fn each_span_of_request(
    json: &[u8],
    most: usize,
    mut take: impl FnMut(Result<Span, ReadError>),
) -> Result<(), ReadError> {
    let request: Request<'_> = serde_json::from_slice(json)?;
    let Some(resources) = request.resource_spans else {
        return Ok(());
    };
    each_span(resources, most, &mut |span| {
        take(span);
        Ok(())
    })
}

/// Goes through the spans of a list of processes.
pub(super) fn each_span(
    resources: &RawValue,
    most: usize,
    take: &mut impl FnMut(Result<Span, ReadError>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    each(resources, |json: ResourceSpans<'_>| {
        let resource = json.resource.map(|json| one(json, most)).transpose()?;
        let process = Arc::new(process(resource.unwrap_or_default()));
        each(json.scope_spans, |json: ScopeSpans<'_>| {
            let scope = otlp::Scope::new(&json.scope.name, &json.scope.version);
            each(json.spans, |json| {
                take(one(json, most).and_then(|json| span(json, &scope, &process)))
            })
        })
    })
}

fn process(json: Resource<'_>) -> Process {
    let resource = otlp::Resource {
        attributes: tags(json.attributes),
        dropped_attributes: json.dropped_attributes_count.map_or(0, small),
    };
    resource.into_process()
}

fn span(
    json: SpanJson<'_>,
    scope: &otlp::Scope,
    process: &Arc<Process>,
) -> Result<Span, ReadError> {
    let parent = match &*json.parent_span_id {
        // As some write that there is none.
        none if none.is_empty() || is_zero(none) => None,
        parent => Some(span_id(parent)?),
    };
    let links = json
        .links
        .into_iter()
        .filter(|json| !is_zero(&json.trace_id) && !is_zero(&json.span_id))
        .map(link);
    let events = json.events.into_iter().map(event);
    let span = otlp::Span {
        trace_id: trace_id(&json.trace_id)?,
        span_id: span_id(&json.span_id)?,
        parent,
        trace_state: json.trace_state,
        flags: json.flags.map_or(0, small),
        name: json.name,
        kind: json.kind.map_or(0, kind),
        start_nanos: nanos("startTimeUnixNano", json.start_time_unix_nano)?,
        end_nanos: nanos("endTimeUnixNano", json.end_time_unix_nano)?,
        attributes: tags(json.attributes),
        dropped_attributes: json.dropped_attributes_count.map_or(0, small),
        events: events.collect::<Result<_, _>>()?,
        dropped_events: json.dropped_events_count.map_or(0, small),
        links: links.collect::<Result<_, _>>()?,
        dropped_links: json.dropped_links_count.map_or(0, small),
        status: otlp::Status {
            code: json.status.code.map_or(0, code),
            message: json.status.message,
        },
    };
    Ok(span.into_model(scope, process))
}

/// Whole numbers of 64 bits are texts in this JSON, and numbers where a writer was careless.
fn nanos(name: &str, json: &RawValue) -> Result<u64, ReadError> {
    let text = json.get().trim_matches('"');
    text.parse()
        .map_err(|_| ReadError(format!("{name} {text:?}: expected nanoseconds since 1970")))
}

/// A number, or the text of one.
fn small(json: &RawValue) -> u32 {
    json.get().trim_matches('"').parse().unwrap_or(0)
}

/// A number, or the name of one.
fn kind(json: &RawValue) -> u64 {
    let text = json.get().trim_matches('"');
    let is = |kind: &&str| {
        let name = text.strip_prefix("SPAN_KIND_");
        name.is_some_and(|name| name.eq_ignore_ascii_case(kind))
    };
    match otlp::KINDS.iter().position(is) {
        Some(at) => at as u64 + 1,
        None => text.parse().unwrap_or(0),
    }
}

fn code(json: &RawValue) -> u64 {
    match json.get().trim_matches('"') {
        "STATUS_CODE_OK" => otlp::OK,
        "STATUS_CODE_ERROR" => otlp::ERROR,
        text => text.parse().unwrap_or(0),
    }
}

fn link(json: Link<'_>) -> Result<Reference, ReadError> {
    let (trace_id, span_id) = (trace_id(&json.trace_id)?, span_id(&json.span_id)?);
    Ok(otlp::reference(trace_id, span_id, &tags(json.attributes)))
}

fn event(json: Event<'_>) -> Result<Log, ReadError> {
    let time = json.time_unix_nano.map(|time| nanos("timeUnixNano", time));
    let event = otlp::Event {
        nanos: time.transpose()?.unwrap_or_default(),
        name: json.name,
        attributes: tags(json.attributes),
        dropped_attributes: json.dropped_attributes_count.map_or(0, small),
    };
    Ok(event.into_log())
}

fn tags(attributes: Vec<Attribute<'_>>) -> Vec<Tag> {
    let tag = |Attribute { key, value }: Attribute<'_>| Tag {
        key,
        value: any(value.unwrap_or_default()),
    };
    attributes.into_iter().map(tag).collect()
}

fn any(json: AnyValue<'_>) -> TagValue {
    let Some(list) = json.array_value.or(json.kvlist_value) else {
        return scalar(json).unwrap_or_else(|| TagValue::String(Box::default()));
    };
    let mut out = otlp::Plain::default();
    match plain(json, &mut out) {
        Ok(()) => out.into_value(),
        // As it came.
        Err(_) => TagValue::String(list.get().into()),
    }
}

fn plain(json: AnyValue<'_>, out: &mut otlp::Plain) -> Result<(), ReadError> {
    if let Some(list) = json.array_value {
        out.list(|out| {
            each(values(list)?, |json: Option<AnyValue<'_>>| {
                plain(json.unwrap_or_default(), out)
            })
        })
    } else if let Some(map) = json.kvlist_value {
        out.map(|out| {
            each(values(map)?, |json: Attribute<'_>| {
                out.key(&json.key);
                plain(json.value.unwrap_or_default(), out)
            })
        })
    } else {
        out.value(scalar(json).as_ref());
        Ok(())
    }
}

/// The text of those, which may be left out where there are none.
fn values(json: &RawValue) -> Result<Option<&RawValue>, ReadError> {
    let Values { values } = serde_json::from_str(json.get())?;
    Ok(values)
}

/// What is no list and no map, if it is anything.
fn scalar(json: AnyValue<'_>) -> Option<TagValue> {
    let text = |text: &str| TagValue::String(text.into());
    Some(match json {
        AnyValue {
            string_value: Some(text),
            ..
        } => TagValue::String(text),
        AnyValue {
            bool_value: Some(is),
            ..
        } => TagValue::Bool(is),
        AnyValue {
            int_value: Some(json),
            ..
        } => {
            let digits = json.get().trim_matches('"');
            number(digits).unwrap_or_else(|| text(digits))
        }
        AnyValue {
            double_value: Some(json),
            ..
        } => {
            let digits = json.get().trim_matches('"');
            digits
                .parse()
                .map_or_else(|_| text(digits), TagValue::Float)
        }
        AnyValue {
            bytes_value: Some(base64),
            ..
        } => BASE64
            .decode(&*base64)
            .map_or_else(|_| text(&base64), |bytes| TagValue::Binary(bytes.into())),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
