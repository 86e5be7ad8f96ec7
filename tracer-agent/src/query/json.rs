//! Traces as the JSON of Jaeger's UI (`model/json` of Jaeger), and the envelope of every answer.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::Arc;

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::model::{Process, RefType, Reference, Span, Tag, TagValue, Trace, TraceId};

pub(crate) const HEADERS: [(HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The largest whole number every JavaScript reader holds exactly.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// A trace in the JSON of Jaeger's query service: what `GET /api/traces/{id}` answers, and what Jaeger's UI opens as a
/// file.
#[must_use]
pub fn trace_json(trace: &Trace) -> String {
    to_string(&Envelope {
        data: Some([TraceJson(trace)]),
        total: 0,
        limit: 0,
        offset: 0,
        errors: None,
    })
}

/// Writes an answer of traces; those asked for and not here are errors beside them.
pub(crate) fn write_traces(
    out: impl io::Write,
    found: &[Arc<Trace>],
    missing: &[TraceId],
) -> io::Result<()> {
    let data: Vec<_> = found.iter().map(|trace| TraceJson(trace)).collect();
    let not_found = |id: &TraceId| ErrorJson {
        code: 404,
        msg: "trace not found",
        trace_id: Some(*id),
    };
    let errors = (!missing.is_empty()).then(|| missing.iter().map(not_found).collect());
    let answer = Envelope {
        data: Some(data),
        total: 0,
        limit: 0,
        offset: 0,
        errors,
    };
    Ok(serde_json::to_writer(out, &answer)?)
}

/// An answer of names and the like.
pub(crate) fn list<T: Serialize>(list: &[T]) -> Response {
    response(StatusCode::OK, &Envelope::list(list))
}

/// As [`list`], for long ones.
pub(crate) fn write_list<T: Serialize>(out: impl io::Write, list: &[T]) -> io::Result<()> {
    Ok(serde_json::to_writer(out, &Envelope::list(list))?)
}

/// An answer that is none.
pub(crate) fn error(status: StatusCode, message: &str) -> Response {
    let errors = Some(vec![ErrorJson {
        code: status.as_u16(),
        msg: message,
        trace_id: None,
    }]);
    response(
        status,
        &Envelope {
            data: None::<()>,
            total: 0,
            limit: 0,
            offset: 0,
            errors,
        },
    )
}

pub(crate) fn response(status: StatusCode, body: &impl Serialize) -> Response {
    (status, HEADERS, to_string(body)).into_response()
}

/// Nothing written here can fail: keys are texts, and numbers are finite.
fn to_string(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_else(|error| {
        log::error!("cannot write JSON: {error}");
        String::from("null")
    })
}

/// `total`, `limit` and `offset` are always there, as in Jaeger, which sets only `total`, and that not in searches.
#[derive(Serialize)]
struct Envelope<'e, T> {
    data: Option<T>,
    total: usize,
    limit: usize,
    offset: usize,
    errors: Option<Vec<ErrorJson<'e>>>,
}

impl<'l, T> Envelope<'_, &'l [T]> {
    fn list(list: &'l [T]) -> Self {
        Self {
            data: Some(list),
            total: list.len(),
            limit: 0,
            offset: 0,
            errors: None,
        }
    }
}

#[derive(Serialize)]
struct ErrorJson<'e> {
    code: u16,
    msg: &'e str,
    #[serde(rename = "traceID", skip_serializing_if = "Option::is_none")]
    trace_id: Option<TraceId>,
}

/// A trace, written span by span: only the text is held, not a second form of every span.
struct TraceJson<'t>(&'t Trace);

impl Serialize for TraceJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(trace) = self;
        let mut processes = Processes::default();
        trace.spans().for_each(|span| processes.add(&span.process));
        let refused = (trace.refused() > 0).then(|| {
            [format!(
                "{} further spans were not kept: the trace is too large",
                trace.refused()
            )]
        });
        let mut json = serializer.serialize_struct("Trace", 4)?;
        json.serialize_field("traceID", &trace.id())?;
        json.serialize_field("spans", &SpansJson(trace, &processes))?;
        json.serialize_field("processes", &processes)?;
        json.serialize_field("warnings", &refused)?;
        json.end()
    }
}

struct SpansJson<'t>(&'t Trace, &'t Processes<'t>);

impl Serialize for SpansJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(trace, processes) = self;
        serializer.collect_seq(
            trace
                .spans()
                .map(|span| SpanJson::of(span, processes.id(&span.process))),
        )
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'t> {
    #[serde(rename = "traceID")]
    trace_id: TraceId,
    #[serde(rename = "spanID")]
    span_id: crate::model::SpanId,
    /// Jaeger leaves zero out.
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<u32>,
    operation_name: &'t str,
    references: Vec<ReferenceJson>,
    start_time: u64,
    duration: u64,
    tags: Vec<TagJson<'t>>,
    logs: Vec<LogJson<'t>>,
    #[serde(rename = "processID")]
    process_id: String,
    warnings: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferenceJson {
    ref_type: &'static str,
    #[serde(rename = "traceID")]
    trace_id: TraceId,
    #[serde(rename = "spanID")]
    span_id: crate::model::SpanId,
}

#[derive(Serialize)]
struct TagJson<'t> {
    key: &'t str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: ValueJson<'t>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ValueJson<'t> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'t str),
    Text(String),
}

#[derive(Serialize)]
struct LogJson<'t> {
    timestamp: u64,
    fields: Vec<TagJson<'t>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessJson<'t> {
    service_name: &'t str,
    tags: Vec<TagJson<'t>>,
}

/// The different processes of a trace, numbered from 1 in the order in which they are met.
#[derive(Default)]
struct Processes<'t> {
    list: Vec<&'t Process>,
    /// The pointer answers for all but the first span of a batch.
    numbers: HashMap<*const Process, usize>,
    /// Equal processes have one number. Keyed at random, digests of different ones cannot be made to meet.
    digests: HashMap<u64, usize>,
    digest: RandomState,
}

impl<'t> Processes<'t> {
    fn add(&mut self, process: &'t Arc<Process>) {
        let Self {
            list,
            numbers,
            digests,
            digest,
        } = self;
        numbers.entry(Arc::as_ptr(process)).or_insert_with(|| {
            *digests.entry(digest.hash_one(process)).or_insert_with(|| {
                list.push(process);
                list.len() - 1
            })
        });
    }

    fn id(&self, process: &Arc<Process>) -> String {
        process_id(
            self.numbers
                .get(&Arc::as_ptr(process))
                .copied()
                .unwrap_or(0),
        )
    }
}

impl Serialize for Processes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let processes = self.list.iter().copied().enumerate();
        serializer
            .collect_map(processes.map(|(n, process)| (process_id(n), ProcessJson::of(process))))
    }
}

impl<'t> ProcessJson<'t> {
    fn of(process: &'t Process) -> Self {
        Self {
            service_name: &process.service,
            tags: tags(&process.tags),
        }
    }
}

fn process_id(index: usize) -> String {
    format!("p{}", index + 1)
}

impl<'t> SpanJson<'t> {
    fn of(span: &'t Span, process_id: String) -> Self {
        Self {
            trace_id: span.trace_id,
            span_id: span.span_id,
            flags: (span.flags != 0).then_some(span.flags),
            operation_name: &span.operation,
            references: references(span),
            start_time: span.start_micros,
            duration: span.duration_micros,
            tags: tags(&span.tags),
            logs: span
                .logs
                .iter()
                .map(|log| LogJson {
                    timestamp: log.micros,
                    fields: tags(&log.fields),
                })
                .collect(),
            process_id,
            warnings: None,
        }
    }
}

/// As Jaeger: `parentSpanId` is the first reference, unless one of the references says so already.
fn references(span: &Span) -> Vec<ReferenceJson> {
    let json = |reference: &Reference| ReferenceJson {
        ref_type: match reference.ref_type {
            RefType::ChildOf => "CHILD_OF",
            RefType::FollowsFrom => "FOLLOWS_FROM",
        },
        trace_id: reference.trace_id,
        span_id: reference.span_id,
    };
    let parent = span.parent_span_id.map(|id| Reference {
        ref_type: RefType::ChildOf,
        trace_id: span.trace_id,
        span_id: id,
    });
    let said = |parent: &Reference| {
        span.references
            .iter()
            .any(|r| (r.trace_id, r.span_id) == (parent.trace_id, parent.span_id))
    };
    parent
        .filter(|parent| !said(parent))
        .iter()
        .chain(&span.references)
        .map(json)
        .collect()
}

fn tags(tags: &[Tag]) -> Vec<TagJson<'_>> {
    fn json(tag: &Tag) -> TagJson<'_> {
        let Tag { key, value } = tag;
        let (kind, value) = match value {
            TagValue::String(text) => ("string", ValueJson::Str(text)),
            TagValue::Bool(value) => ("bool", ValueJson::Bool(*value)),
            // Jaeger writes numbers as text that JavaScript would round.
            TagValue::Int(value) if value.unsigned_abs() > MAX_SAFE => {
                ("int64", ValueJson::Text(value.to_string()))
            }
            TagValue::Int(value) => ("int64", ValueJson::Int(*value)),
            // JSON has no NaN and no infinity.
            TagValue::Float(value) if !value.is_finite() => {
                ("float64", ValueJson::Text(value.to_string()))
            }
            TagValue::Float(value) => ("float64", ValueJson::Float(*value)),
            TagValue::Binary(bytes) => ("binary", ValueJson::Text(BASE64.encode(bytes))),
        };
        TagJson { key, kind, value }
    }
    tags.iter().map(json).collect()
}
