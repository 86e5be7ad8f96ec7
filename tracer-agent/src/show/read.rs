//! Traces from the JSON of Jaeger's query service, and of the files Jaeger's UI saves.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::Value;

use crate::model::{Log, Process, RefType, Reference, Span, SpanId, Tag, TagValue, Trace, TraceId};

/// Reads the traces of an answer of Jaeger's query service, as [`trace_json`](crate::trace_json) writes it.
///
/// # Errors
///
/// [`ReadError`] says what is not as it should be, or passes on the errors in the answer.
pub fn read_json(json: &str) -> Result<Vec<Trace>, ReadError> {
    let answer: Answer =
        serde_json::from_str(json).map_err(|error| ReadError(error.to_string()))?;
    match (answer.data, answer.errors.unwrap_or_default().first()) {
        (Some(data), _) => data.into_iter().map(trace).collect(),
        (None, Some(error)) => Err(ReadError(error.msg.clone())),
        (None, None) => Err(ReadError(String::from("neither data nor errors"))),
    }
}

/// Why JSON could not be read as traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError(String);

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

#[derive(Deserialize)]
struct Answer {
    data: Option<Vec<TraceJson>>,
    errors: Option<Vec<ErrorJson>>,
}

#[derive(Deserialize)]
struct ErrorJson {
    msg: String,
}

#[derive(Deserialize)]
struct TraceJson {
    #[serde(rename = "traceID")]
    trace_id: String,
    spans: Vec<SpanJson>,
    processes: HashMap<String, ProcessJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    #[serde(default)]
    flags: u32,
    operation_name: String,
    references: Option<Vec<ReferenceJson>>,
    start_time: u64,
    duration: u64,
    tags: Option<Vec<TagJson>>,
    logs: Option<Vec<LogJson>>,
    #[serde(rename = "processID")]
    process_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReferenceJson {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Deserialize)]
struct TagJson {
    key: String,
    #[serde(rename = "type", default)]
    kind: String,
    value: Value,
}

#[derive(Deserialize)]
struct LogJson {
    timestamp: u64,
    fields: Vec<TagJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessJson {
    service_name: String,
    tags: Option<Vec<TagJson>>,
}

fn trace(json: TraceJson) -> Result<Trace, ReadError> {
    let process = |(id, json): (String, ProcessJson)| {
        let process = Process {
            service: json.service_name.into(),
            tags: tags(json.tags),
        };
        (id, Arc::new(process))
    };
    let processes: HashMap<String, Arc<Process>> =
        json.processes.into_iter().map(process).collect();
    let spans: Result<Vec<_>, _> = json
        .spans
        .into_iter()
        .map(|json| span(json, &processes))
        .collect();
    let mut trace = Trace::new(trace_id(&json.trace_id)?);
    trace.push(spans?);
    Ok(trace)
}

fn span(json: SpanJson, processes: &HashMap<String, Arc<Process>>) -> Result<Span, ReadError> {
    let process = processes.get(&json.process_id);
    let process = process
        .ok_or_else(|| ReadError(format!("process {:?} is not in the trace", json.process_id)))?;
    let references: Result<Box<[_]>, _> = json
        .references
        .unwrap_or_default()
        .iter()
        .map(reference)
        .collect();
    let logs = json.logs.unwrap_or_default().into_iter();
    Ok(Span {
        trace_id: trace_id(&json.trace_id)?,
        span_id: span_id(&json.span_id)?,
        // The parent is among the references.
        parent_span_id: None,
        operation: json.operation_name.into(),
        references: references?,
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

fn reference(json: &ReferenceJson) -> Result<Reference, ReadError> {
    let ref_type = match json.ref_type.as_str() {
        "CHILD_OF" => RefType::ChildOf,
        _ => RefType::FollowsFrom,
    };
    Ok(Reference {
        ref_type,
        trace_id: trace_id(&json.trace_id)?,
        span_id: span_id(&json.span_id)?,
    })
}

/// By the JSON's own type where the named one does not fit it: readers of a trace are better served by a text than by
/// a refusal.
fn tags(json: Option<Vec<TagJson>>) -> Box<[Tag]> {
    let tag = |TagJson { key, kind, value }: TagJson| {
        let value = match (kind.as_str(), value) {
            ("binary", Value::String(text)) => match BASE64.decode(&text) {
                Ok(bytes) => TagValue::Binary(bytes.into()),
                Err(_) => TagValue::String(text.into()),
            },
            ("int64", Value::String(text)) => text
                .parse()
                .map_or_else(|_| TagValue::String(text.into()), TagValue::Int),
            ("float64", Value::String(text)) => text
                .parse()
                .map_or_else(|_| TagValue::String(text.into()), TagValue::Float),
            ("float64", Value::Number(number)) => {
                TagValue::Float(number.as_f64().unwrap_or(f64::NAN))
            }
            (_, Value::Bool(value)) => TagValue::Bool(value),
            (_, Value::Number(number)) => match number.as_i64() {
                Some(value) => TagValue::Int(value),
                None => TagValue::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            (_, Value::String(text)) => TagValue::String(text.into()),
            (_, other) => TagValue::String(other.to_string().into()),
        };
        Tag::new(&key, value)
    };
    json.unwrap_or_default().into_iter().map(tag).collect()
}

fn trace_id(text: &str) -> Result<TraceId, ReadError> {
    text.parse()
        .map_err(|error| ReadError(format!("traceID {text:?}: {error}")))
}

fn span_id(text: &str) -> Result<SpanId, ReadError> {
    text.parse()
        .map_err(|error| ReadError(format!("spanID {text:?}: {error}")))
}
