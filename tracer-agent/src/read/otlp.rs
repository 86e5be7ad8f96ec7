//! [OTLP's JSON](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): what Protobuf makes of its messages, with
//! ids in hexadecimal. Words are translated as Jaeger does it, and back from how `forward/otlp.rs` writes them.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{ReadError, each, is_zero, number, one, or_default, span_id, trace_id};
use crate::model::{Log, Process, RefType, Reference, Span, Tag, TagValue};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'j> {
    #[serde(borrow)]
    resource: Option<&'j RawValue>,
    scope_spans: Option<&'j RawValue>,
}

#[derive(Deserialize)]
struct Resource<'j> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'j>>,
}

#[derive(Deserialize)]
struct ScopeSpans<'j> {
    scope: Option<Scope>,
    #[serde(borrow)]
    spans: Option<&'j RawValue>,
}

#[derive(Deserialize)]
struct Scope {
    #[serde(default, deserialize_with = "or_default")]
    name: Box<str>,
    #[serde(default, deserialize_with = "or_default")]
    version: Box<str>,
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
    #[serde(default, deserialize_with = "or_default")]
    events: Vec<Event<'j>>,
    #[serde(default, deserialize_with = "or_default")]
    links: Vec<Link<'j>>,
    status: Option<Status<'j>>,
}

#[derive(Deserialize)]
struct Attribute<'j> {
    key: Box<str>,
    #[serde(borrow)]
    value: Option<AnyValue<'j>>,
}

/// One of these is there.
#[derive(Deserialize)]
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'j> {
    #[serde(borrow)]
    time_unix_nano: Option<&'j RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    name: Box<str>,
    #[serde(default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'j>>,
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

#[derive(Deserialize)]
struct Status<'j> {
    #[serde(borrow)]
    code: Option<&'j RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    message: Box<str>,
}

/// Goes through the spans of a list of processes.
pub(super) fn each_span(
    resources: &RawValue,
    most: usize,
    take: &mut impl FnMut(Span),
) -> Result<(), ReadError> {
    each(resources, |json: ResourceSpans<'_>| {
        let process = Arc::new(process(
            json.resource.map(|json| one(json, most)).transpose()?,
        ));
        each(json.scope_spans, |json: ScopeSpans<'_>| {
            let scope = json.scope.as_ref();
            each(json.spans, |json| {
                take(span(one(json, most)?, scope, &process)?);
                Ok(())
            })
        })
    })
}

fn process(resource: Option<Resource<'_>>) -> Process {
    let mut tags = tags(resource.map_or_else(Vec::new, |resource| resource.attributes));
    let named = tags.iter().position(|tag| &*tag.key == "service.name");
    let service = named.map(|named| tags.remove(named).value.to_string());
    Process {
        service: service
            .unwrap_or_else(|| String::from("unknown_service"))
            .into(),
        tags: tags.into(),
    }
}

fn span(
    json: SpanJson<'_>,
    scope: Option<&Scope>,
    process: &Arc<Process>,
) -> Result<Span, ReadError> {
    let id = trace_id(&json.trace_id)?;
    let parent = match &*json.parent_span_id {
        // As some write that there is none.
        none if none.is_empty() || is_zero(none) => None,
        parent => Some(span_id(parent)?),
    };
    let start = nanos("startTimeUnixNano", json.start_time_unix_nano)?;
    let end = nanos("endTimeUnixNano", json.end_time_unix_nano)?;
    let links = json
        .links
        .iter()
        .filter(|json| !is_zero(&json.trace_id) && !is_zero(&json.span_id))
        .map(link);
    let events = json.events.into_iter().map(event);
    let mut all = tags(json.attributes);
    let mut add = |key, text: &str| {
        if !text.is_empty() {
            all.push(Tag::new(key, TagValue::String(text.into())));
        }
    };
    add("span.kind", kind(json.kind));
    add("w3c.tracestate", &json.trace_state);
    if let Some(scope) = scope {
        add("otel.scope.name", &scope.name);
        add("otel.scope.version", &scope.version);
    }
    if let Some(status) = json.status {
        add("otel.status_description", &status.message);
        let code = status.code.map_or("", RawValue::get);
        if matches!(code, "2" | "\"STATUS_CODE_ERROR\"")
            && all.iter().all(|tag| &*tag.key != "error")
        {
            all.push(Tag::new("error", TagValue::Bool(true)));
        }
    }
    Ok(Span {
        trace_id: id,
        span_id: span_id(&json.span_id)?,
        parent_span_id: parent,
        operation: json.name,
        references: links.collect::<Result<_, _>>()?,
        flags: json.flags.map_or(0, flags),
        tags: all.into(),
        logs: events.collect::<Result<_, _>>()?,
        process: Arc::clone(process),
        start_micros: start / 1_000,
        duration_micros: end.saturating_sub(start) / 1_000,
    })
}

/// Whole numbers of 64 bits are texts in this JSON, and numbers where a writer was careless.
fn nanos(name: &str, json: &RawValue) -> Result<u64, ReadError> {
    let text = json.get().trim_matches('"');
    text.parse()
        .map_err(|_| ReadError(format!("{name} {text:?}: expected nanoseconds since 1970")))
}

/// A number, or the text of one.
fn flags(json: &RawValue) -> u32 {
    json.get().trim_matches('"').parse().unwrap_or(0)
}

fn kind(json: Option<&RawValue>) -> &'static str {
    match json.map_or("", RawValue::get) {
        "1" | "\"SPAN_KIND_INTERNAL\"" => "internal",
        "2" | "\"SPAN_KIND_SERVER\"" => "server",
        "3" | "\"SPAN_KIND_CLIENT\"" => "client",
        "4" | "\"SPAN_KIND_PRODUCER\"" => "producer",
        "5" | "\"SPAN_KIND_CONSUMER\"" => "consumer",
        _ => "",
    }
}

fn link(json: &Link<'_>) -> Result<Reference, ReadError> {
    let is_child = |attribute: &Attribute<'_>| {
        let text = attribute
            .value
            .as_ref()
            .and_then(|value| value.string_value.as_deref());
        &*attribute.key == "opentracing.ref_type" && text == Some("child_of")
    };
    Ok(Reference {
        ref_type: if json.attributes.iter().any(is_child) {
            RefType::ChildOf
        } else {
            RefType::FollowsFrom
        },
        trace_id: trace_id(&json.trace_id)?,
        span_id: span_id(&json.span_id)?,
    })
}

fn event(json: Event<'_>) -> Result<Log, ReadError> {
    let mut fields = tags(json.attributes);
    if !json.name.is_empty() {
        fields.insert(0, Tag::new("event", TagValue::String(json.name)));
    }
    let time = json.time_unix_nano.map(|time| nanos("timeUnixNano", time));
    Ok(Log {
        fields: fields.into(),
        micros: time.transpose()?.unwrap_or_default() / 1_000,
    })
}

fn tags(attributes: Vec<Attribute<'_>>) -> Vec<Tag> {
    let tag = |Attribute { key, value }: Attribute<'_>| Tag {
        key,
        value: value.map_or_else(|| TagValue::String(Box::default()), any),
    };
    attributes.into_iter().map(tag).collect()
}

fn any(json: AnyValue<'_>) -> TagValue {
    let text = |text: &str| TagValue::String(text.into());
    match json {
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
        AnyValue {
            array_value: Some(json),
            ..
        } => text(&nested(json, list)),
        AnyValue {
            kvlist_value: Some(json),
            ..
        } => text(&nested(json, map)),
        _ => text(""),
    }
}

/// A list or a map in the JSON anybody would write for it, as Jaeger has it. As it came where it is long: read, it is many
/// times as long.
fn nested(json: &RawValue, plain: impl Fn(Value) -> Option<Value>) -> String {
    const MOST: usize = 16 << 10;
    let short = Some(json.get()).filter(|text| text.len() <= MOST);
    // That bounds how deep it is, too.
    let read = short.and_then(|text| plain(serde_json::from_str(text).ok()?));
    read.map_or_else(|| json.get().into(), |plain| plain.to_string())
}

fn list(mut json: Value) -> Option<Value> {
    let Value::Array(values) = json.get_mut("values")?.take() else {
        return None;
    };
    values.into_iter().map(plain).collect()
}

fn map(mut json: Value) -> Option<Value> {
    let Value::Array(pairs) = json.get_mut("values")?.take() else {
        return None;
    };
    let pair = |mut pair: Value| {
        let key = pair.get("key")?.as_str()?.to_owned();
        let value = pair.get_mut("value").map(Value::take);
        Some((key, plain(value.unwrap_or_default())?))
    };
    let pairs: Option<serde_json::Map<_, _>> = pairs.into_iter().map(pair).collect();
    pairs.map(Value::Object)
}

/// A value without the name of its type; nothing, if it has none.
fn plain(json: Value) -> Option<Value> {
    let Value::Object(named) = json else {
        return Some(Value::Null);
    };
    let Some((kind, value)) = named.into_iter().next() else {
        return Some(Value::Null);
    };
    match (kind.as_str(), value) {
        ("arrayValue", json) => list(json),
        ("kvlistValue", json) => map(json),
        ("intValue", Value::String(digits)) => Some(
            digits
                .parse::<i64>()
                .map_or(Value::String(digits), Value::from),
        ),
        (_, value) => Some(value),
    }
}

#[cfg(test)]
mod tests;
