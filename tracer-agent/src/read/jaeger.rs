//! The JSON of Jaeger's query service, and of the files Jaeger's UI saves.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ReadError, each, is_zero, one, span_id, trace_id, value};
use crate::model::{Log, Process, RefType, Reference, Span, Tag, TagValue};

#[derive(Deserialize)]
struct TraceJson<'j> {
    #[serde(rename = "traceID", borrow)]
    trace_id: Cow<'j, str>,
    spans: &'j RawValue,
    processes: &'j RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'j> {
    #[serde(rename = "traceID", borrow)]
    trace_id: Cow<'j, str>,
    #[serde(rename = "spanID")]
    span_id: Cow<'j, str>,
    #[serde(default)]
    flags: u32,
    operation_name: Box<str>,
    references: Option<Vec<ReferenceJson<'j>>>,
    start_time: u64,
    duration: u64,
    tags: Option<Vec<TagJson<'j>>>,
    logs: Option<Vec<LogJson<'j>>>,
    #[serde(rename = "processID")]
    process_id: Cow<'j, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReferenceJson<'j> {
    #[serde(borrow)]
    ref_type: Cow<'j, str>,
    #[serde(rename = "traceID")]
    trace_id: Cow<'j, str>,
    #[serde(rename = "spanID")]
    span_id: Cow<'j, str>,
}

#[derive(Deserialize)]
struct TagJson<'j> {
    key: Box<str>,
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'j, str>,
    value: &'j RawValue,
}

#[derive(Deserialize)]
struct LogJson<'j> {
    timestamp: u64,
    #[serde(borrow)]
    fields: Vec<TagJson<'j>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessJson<'j> {
    service_name: Box<str>,
    #[serde(borrow)]
    tags: Option<Vec<TagJson<'j>>>,
}

/// Goes through the spans of a list of traces.
pub(super) fn each_span(
    traces: &RawValue,
    most: usize,
    take: &mut impl FnMut(Span),
) -> Result<(), ReadError> {
    each(traces, |json: TraceJson<'_>| {
        trace_id(&json.trace_id)?;
        let process = |(id, json): (String, ProcessJson<'_>)| {
            let process = Process {
                service: json.service_name,
                tags: tags(json.tags),
            };
            (id, Arc::new(process))
        };
        let processes: HashMap<String, ProcessJson<'_>> = one(json.processes, most)?;
        let processes = processes.into_iter().map(process).collect();
        each(json.spans, |json| {
            take(span(one(json, most)?, &processes)?);
            Ok(())
        })
    })
}

fn span(json: SpanJson<'_>, processes: &HashMap<String, Arc<Process>>) -> Result<Span, ReadError> {
    let process = processes.get(&*json.process_id);
    let process = process
        .ok_or_else(|| ReadError(format!("process {:?} is not in the trace", json.process_id)))?;
    let references = json.references.unwrap_or_default();
    // One to no span, as some clients write it, says nothing.
    let references = references
        .iter()
        .filter(|json| !is_zero(&json.trace_id) && !is_zero(&json.span_id))
        .map(reference);
    let logs = json.logs.unwrap_or_default().into_iter();
    Ok(Span {
        trace_id: trace_id(&json.trace_id)?,
        span_id: span_id(&json.span_id)?,
        // The parent is among the references.
        parent_span_id: None,
        operation: json.operation_name,
        references: references.collect::<Result<_, _>>()?,
        flags: json.flags,
        tags: tags(json.tags),
        logs: logs
            .map(|log| Log {
                micros: log.timestamp,
                fields: tags(Some(log.fields)),
            })
            .collect(),
        process: Arc::clone(process),
        start_micros: json.start_time,
        duration_micros: json.duration,
    })
}

fn reference(json: &ReferenceJson<'_>) -> Result<Reference, ReadError> {
    let ref_type = match &*json.ref_type {
        "CHILD_OF" => RefType::ChildOf,
        _ => RefType::FollowsFrom,
    };
    Ok(Reference {
        ref_type,
        trace_id: trace_id(&json.trace_id)?,
        span_id: span_id(&json.span_id)?,
    })
}

/// By the JSON's own type where the named one does not fit it.
fn tags(json: Option<Vec<TagJson<'_>>>) -> Box<[Tag]> {
    let tag = |json: TagJson<'_>| {
        let value = match (&*json.kind, value(json.value)) {
            ("binary", TagValue::String(text)) => match BASE64.decode(&*text) {
                Ok(bytes) => TagValue::Binary(bytes.into()),
                Err(_) => TagValue::String(text),
            },
            ("int64", TagValue::String(text)) => text
                .parse()
                .map_or_else(|_| TagValue::String(text), TagValue::Int),
            ("float64", TagValue::String(text)) => text
                .parse()
                .map_or_else(|_| TagValue::String(text), TagValue::Float),
            ("float64", TagValue::Int(number)) => TagValue::Float(number as f64),
            (_, value) => value,
        };
        Tag {
            key: json.key,
            value,
        }
    };
    json.unwrap_or_default().into_iter().map(tag).collect()
}
