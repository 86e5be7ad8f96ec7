//! Traces from JSON: what Jaeger's query service answers and its UI saves, and OTLP, as the OpenTelemetry Collector writes it to
//! files.
//!
//! Strict about what makes a span (ids, times), lenient about the rest: readers of a trace are better served by a text than
//! by a refusal. Lists stay text until it is their turn, and are gone through one span at a time, so that what is read takes
//! little memory beside itself, however hostile.

mod jaeger;
pub(crate) mod otlp;

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::model::{Span, SpanId, TagValue, Trace, TraceId};
use crate::text;

/// The longest text of a span, or of the processes of a trace, in a file that anyone may send: read, it can be many times as
/// long.
pub(crate) const MAX_SPAN: usize = 1 << 20;

/// Reads traces: an answer of Jaeger's query service, as [`trace_json`](crate::trace_json) writes it, or OTLP, be it one
/// value or one on each line.
///
/// # Errors
///
/// [`ReadError`] says what is not as it should be, or passes on the errors in the answer.
pub fn read_json(json: &str) -> Result<Vec<Trace>, ReadError> {
    let mut traces = Vec::new();
    let mut places = HashMap::new();
    each_span(json, usize::MAX, |span| {
        let place = *places.entry(span.trace_id).or_insert(traces.len());
        if place == traces.len() {
            traces.push((span.trace_id, Vec::new()));
        }
        traces[place].1.push(span);
    })?;
    let trace = |(id, spans)| {
        let mut trace = Trace::new(id);
        trace.push(spans);
        trace
    };
    Ok(traces.into_iter().map(trace).collect())
}

/// As [`read_json`], one span after the other, each of which is a text of `most` bytes at the most. Those before an error have
/// been given by then.
pub(crate) fn each_span(
    json: &str,
    most: usize,
    mut take: impl FnMut(Span),
) -> Result<(), ReadError> {
    if json.trim().is_empty() {
        return Err(ReadError(String::from("it is empty")));
    }
    for value in serde_json::Deserializer::from_str(json).into_iter() {
        let Json {
            data,
            errors,
            resource_spans,
            result,
        } = value?;
        let resource_spans = resource_spans.or(result.and_then(|result| result.resource_spans));
        match (data, resource_spans, errors.unwrap_or_default().first()) {
            (Some(data), ..) => jaeger::each_span(data, most, &mut take)?,
            (None, Some(resource_spans), _) => {
                otlp::each_span(resource_spans, most, &mut |span| {
                    take(span?);
                    Ok(())
                })?;
            }
            (None, None, Some(error)) => return Err(ReadError(text::printable(&error.msg))),
            (None, None, None) => {
                let what = "neither Jaeger's \"data\" nor OTLP's \"resourceSpans\"";
                return Err(ReadError(what.into()));
            }
        }
    }
    Ok(())
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

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Either form, and the envelopes it may have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json<'j> {
    #[serde(borrow)]
    data: Option<&'j RawValue>,
    errors: Option<Vec<ErrorJson>>,
    resource_spans: Option<&'j RawValue>,
    /// Of Jaeger's query API, version 3.
    result: Option<Wrapped<'j>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wrapped<'j> {
    #[serde(borrow)]
    resource_spans: Option<&'j RawValue>,
}

#[derive(Deserialize)]
struct ErrorJson {
    msg: String,
}

/// Goes through a list, if there is one, without holding it.
fn each<'j, T: Deserialize<'j>>(
    list: impl Into<Option<&'j RawValue>>,
    take: impl FnMut(T) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let Some(list) = list.into() else {
        return Ok(());
    };
    let mut refused = None;
    let visitor = Each {
        take,
        refused: &mut refused,
        item: PhantomData,
    };
    let read = serde_json::Deserializer::from_str(list.get()).deserialize_seq(visitor);
    match refused {
        Some(error) => Err(error),
        None => Ok(read?),
    }
}

struct Each<'r, F, T> {
    take: F,
    /// Why an item was, beside the error of the parser, which would add a place that means nothing in the file.
    refused: &'r mut Option<ReadError>,
    item: PhantomData<T>,
}

impl<'j, F, T> Visitor<'j> for Each<'_, F, T>
where
    F: FnMut(T) -> Result<(), ReadError>,
    T: Deserialize<'j>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'j>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element()? {
            if let Err(error) = (self.take)(item) {
                let stop = A::Error::custom(&error);
                *self.refused = Some(error);
                return Err(stop);
            }
        }
        Ok(())
    }
}

/// Reads one thing, whose text has `most` bytes at the most.
fn one<'j, T: Deserialize<'j>>(json: &'j RawValue, most: usize) -> Result<T, ReadError> {
    if json.get().len() > most {
        return Err(ReadError(format!(
            "a span or a list of processes is longer than {most} bytes"
        )));
    }
    Ok(serde_json::from_str(json.get())?)
}

/// A value by the type it has in JSON; a list or an object as its text.
fn value(json: &RawValue) -> TagValue {
    let text = json.get();
    if let Ok(text) = serde_json::from_str::<String>(text) {
        return TagValue::String(text.into());
    }
    match text {
        "true" => TagValue::Bool(true),
        "false" => TagValue::Bool(false),
        _ => number(text).unwrap_or_else(|| TagValue::String(text.into())),
    }
}

fn number(text: &str) -> Option<TagValue> {
    let int = text.parse().map(TagValue::Int);
    int.or_else(|_| text.parse().map(TagValue::Float)).ok()
}

/// Whether it is the id of nothing.
fn is_zero(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|digit| digit == b'0')
}

/// What is not said, be it by `null`, as Protobuf's JSON may.
fn or_default<'j, D: Deserializer<'j>, T: Deserialize<'j> + Default>(
    json: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(json)?.unwrap_or_default())
}

fn trace_id(text: &str) -> Result<TraceId, ReadError> {
    text.parse()
        .map_err(|error| ReadError(format!("traceID {text:?}: {error}")))
}

fn span_id(text: &str) -> Result<SpanId, ReadError> {
    text.parse()
        .map_err(|error| ReadError(format!("spanID {text:?}: {error}")))
}
