//! What Jaeger's query API says of a trace.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tracer_core::{ReferenceKind, TagValue, TraceId};

use crate::span::{Span, Tags};

/// The spans of a trace, once there are as many as expected.
pub(crate) fn trace(query: &str, id: TraceId, spans: usize) -> Result<Vec<Span>, String> {
    crate::wait_for("the query API", || {
        // Unchanged: else it moves clocks and sorts.
        let answer = crate::get(&format!("{query}/api/traces/{id}?raw=true"))?;
        let found = read(&answer)?;
        if found.len() == spans {
            Ok(found)
        } else {
            Err(format!("{} of {spans} spans of {id}", found.len()))
        }
    })
}

fn read(answer: &str) -> Result<Vec<Span>, String> {
    let answer: Value = serde_json::from_str(answer).map_err(|error| error.to_string())?;
    let trace = &answer["data"][0];
    list(&trace["spans"])
        .iter()
        .map(|span| {
            let process = &trace["processes"][text(&span["processID"])?];
            read_span(span, process).ok_or_else(|| format!("not a span: {span}"))?
        })
        .collect()
}

/// None for what no span has, an error for a tag that is none.
fn read_span(span: &Value, process: &Value) -> Option<Result<Span, String>> {
    let references = list(&span["references"])
        .iter()
        .map(|reference| {
            let kind = match reference["refType"].as_str()? {
                "CHILD_OF" => ReferenceKind::ChildOf,
                "FOLLOWS_FROM" => ReferenceKind::FollowsFrom,
                _ => return None,
            };
            let trace_id = reference["traceID"].as_str()?.parse().ok()?;
            Some((kind, trace_id, reference["spanID"].as_str()?.parse().ok()?))
        })
        .collect::<Option<_>>()?;
    let logs = list(&span["logs"])
        .iter()
        .map(|log| Some((log["timestamp"].as_i64()?, &log["fields"])))
        .collect::<Option<Vec<_>>>()?;
    let trace_id = span["traceID"].as_str()?.parse().ok()?;
    let span_id = span["spanID"].as_str()?.parse().ok()?;
    let (start, duration) = (span["startTime"].as_i64()?, span["duration"].as_i64()?);
    let operation = span["operationName"].as_str()?.to_owned();
    let service = process["serviceName"].as_str()?.to_owned();
    let read = || {
        Ok(Span {
            trace_id,
            span_id,
            operation,
            references,
            flags: span["flags"].as_u64().unwrap_or(0),
            start,
            duration,
            tags: tags(&span["tags"])?,
            logs: logs
                .into_iter()
                .map(|(time, fields)| Ok((time, tags(fields)?)))
                .collect::<Result<_, String>>()?,
            service,
            process: tags(&process["tags"])?,
        })
    };
    Some(read())
}

fn tags(list_of_tags: &Value) -> Result<Tags, String> {
    let tag = |tag: &Value| {
        value(text(&tag["type"]).ok()?, &tag["value"])
            .and_then(|value| Some((tag["key"].as_str()?.to_owned(), value)))
    };
    list(list_of_tags)
        .iter()
        .map(|json| tag(json).ok_or_else(|| format!("not a tag: {json}")))
        .collect()
}

fn value(kind: &str, json: &Value) -> Option<TagValue<'static>> {
    Some(match kind {
        "string" => json.as_str()?.to_owned().into(),
        "bool" => json.as_bool()?.into(),
        // As text, if JavaScript would round it.
        "int64" => match json {
            Value::String(digits) => digits.parse::<i64>().ok()?.into(),
            number => number.as_i64()?.into(),
        },
        "float64" => json.as_f64()?.into(),
        // No bytes are none to Go.
        "binary" if json.is_null() => Vec::<u8>::new().into(),
        "binary" => BASE64_STANDARD.decode(json.as_str()?).ok()?.into(),
        _ => return None,
    })
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Value) -> Result<&str, String> {
    json.as_str()
        .ok_or_else(|| format!("{json} where text was expected"))
}
