//! Zipkin's B3 ([specification](https://github.com/openzipkin/b3-propagation)), in the single header `b3` and in the several
//! headers `x-b3-*`.
//!
//! Alone among the formats it can leave the sampling decision open, and send a decision without ids: a proxy refuses a
//! trace that is yet to begin by `b3: 0`. Both forms are read whichever is written, the single one first. If that is
//! damaged, the other may still do. Baggage, of which B3 knows nothing, travels as the Jaeger clients' B3 has it, in
//! `baggage-{key}`; they write its values unencoded, we do not.

use super::Propagator;
use super::carrier::{ReadCarrier, WriteCarrier};
use super::item_headers::{self, ItemReader};
use super::percent::Plus;
use super::w3c::trim;
use crate::context::{Decision, SpanContext};
use crate::error::ExtractError::{self, Corrupted};
use crate::hex::{self, Case};
use crate::id::{SpanId, TraceId};

const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const PARENT_ID: &str = "x-b3-parentspanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";
const BAGGAGE_PREFIX: &str = "baggage-";

/// B3, and the form it is written in.
#[derive(Debug)]
pub(super) enum B3 {
    Single,
    Multi,
}

impl Propagator for B3 {
    fn inject(&self, context: &SpanContext, carrier: &mut dyn WriteCarrier) {
        // A decision without ids is passed on only where it came so. That of a context with neither is none.
        let has_decision = context.decision() != Decision::Deferred;
        if context.is_valid() || (context.is_remote() && has_decision) {
            match self {
                Self::Single => inject_single(context, carrier),
                Self::Multi => inject_multi(context, carrier),
            }
        }
        item_headers::inject(BAGGAGE_PREFIX, context.baggage(), carrier);
    }

    fn extract(&self, carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
        let context = match first(carrier, SINGLE).map(parse_single) {
            Some(Ok(context)) => Some(context),
            Some(Err(error)) => Some(parse_multi(carrier).ok().flatten().ok_or(error)?),
            None => parse_multi(carrier)?,
        };
        let mut items = ItemReader::new(carrier.format(), Plus::Plus);
        carrier.entries(&mut |name, value| items.read(BAGGAGE_PREFIX, name, value));
        Ok(match context {
            Some(context) => Some(context.with_baggage(items.baggage)),
            None if items.baggage.is_empty() => None,
            None => Some(decided(Decision::Deferred).with_baggage(items.baggage)),
        })
    }
}

/// A context of a decision alone.
fn decided(decision: Decision) -> SpanContext {
    SpanContext::remote(TraceId::NONE, SpanId::NONE, decision)
}

/// `{trace}-{span}[-{0|1|d}[-{parent}]]`, or the decision alone.
fn inject_single(context: &SpanContext, carrier: &mut dyn WriteCarrier) {
    let decision = match context.decision() {
        Decision::Deferred => "",
        Decision::Refused => "0",
        Decision::Sampled => "1",
        Decision::Debug => "d",
    };
    if !context.is_valid() {
        carrier.set(SINGLE, decision);
        return;
    }
    let mut text = String::with_capacity(MAX_SINGLE);
    push_trace_id(&mut text, context.trace_id());
    text.push('-');
    push_digits(&mut text, context.span_id().into());
    if !decision.is_empty() {
        text.push('-');
        text.push_str(decision);
        if !context.parent_id().is_none() {
            text.push('-');
            push_digits(&mut text, context.parent_id().into());
        }
    }
    carrier.set(SINGLE, &text);
}

fn inject_multi(context: &SpanContext, carrier: &mut dyn WriteCarrier) {
    let mut text = String::with_capacity(32);
    if context.is_valid() {
        push_trace_id(&mut text, context.trace_id());
        carrier.set(TRACE_ID, &text);
        text.clear();
        push_digits(&mut text, context.span_id().into());
        carrier.set(SPAN_ID, &text);
    } else {
        carrier.remove(TRACE_ID);
        carrier.remove(SPAN_ID);
    }
    if context.is_valid() && !context.parent_id().is_none() {
        text.clear();
        push_digits(&mut text, context.parent_id().into());
        carrier.set(PARENT_ID, &text);
    } else {
        carrier.remove(PARENT_ID);
    }
    // Debug implies sampled, and the specification asks not to send both.
    let (sampled, flags) = match context.decision() {
        Decision::Deferred => (None, None),
        Decision::Refused => (Some("0"), None),
        Decision::Sampled => (Some("1"), None),
        Decision::Debug => (None, Some("1")),
    };
    for (key, value) in [(SAMPLED, sampled), (FLAGS, flags)] {
        match value {
            Some(value) => carrier.set(key, value),
            None => carrier.remove(key),
        }
    }
}

fn push_trace_id(text: &mut String, id: TraceId) {
    if id.high() != 0 {
        push_digits(text, id.high());
    }
    push_digits(text, id.low());
}

fn push_digits(text: &mut String, id: u64) {
    text.push_str(std::str::from_utf8(&hex::format_u64(id)).unwrap_or_default());
}

/// The longest `b3`: ids of 32, 16 and 16 digits, a decision, three dashes.
const MAX_SINGLE: usize = 68;

fn parse_single(value: &[u8]) -> Result<SpanContext, ExtractError> {
    if value.len() > MAX_SINGLE {
        return Err(Corrupted("b3: longer than 68 characters"));
    }
    if let Some(decision) = parse_decision(value) {
        return Ok(decided(decision));
    }
    let mut parts = value.split(|&byte| byte == b'-');
    let (Some(trace), Some(span)) = (parts.next(), parts.next()) else {
        return Err(Corrupted("b3: neither a decision nor ids"));
    };
    let (trace_id, span_id) = (parse_trace_id(trace)?, parse_span_id(span)?);
    let (decision, parent) = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => (Decision::Deferred, None),
        // Brave writes a parent without a decision, though the specification does not foresee it.
        (Some(parent), None, _) if parent.len() == 16 => (Decision::Deferred, Some(parent)),
        (Some(decision), parent, None) => match parse_decision(decision) {
            Some(decision) => (decision, parent),
            None => return Err(Corrupted("b3: the decision is not 0, 1 or d")),
        },
        _ => return Err(Corrupted("b3: more than four parts")),
    };
    let context = SpanContext::remote(trace_id, span_id, decision);
    Ok(match parent {
        Some(parent) => context.with_parent_id(parse_parent_id(parent)?),
        None => context,
    })
}

fn parse_decision(text: &[u8]) -> Option<Decision> {
    match text {
        b"0" => Some(Decision::Refused),
        b"1" => Some(Decision::Sampled),
        b"d" => Some(Decision::Debug),
        _ => None,
    }
}

fn parse_multi(carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
    let sampled = match first(carrier, SAMPLED) {
        None => None,
        Some(b"1") => Some(Decision::Sampled),
        Some(b"0") => Some(Decision::Refused),
        // The words are of an early version of the specification, and still sent.
        Some(word) if word.eq_ignore_ascii_case(b"true") => Some(Decision::Sampled),
        Some(word) if word.eq_ignore_ascii_case(b"false") => Some(Decision::Refused),
        Some(_) => return Err(Corrupted("x-b3-sampled: neither 0 nor 1")),
    };
    let flags = match first(carrier, FLAGS) {
        None => None,
        Some(b"1") => Some(Decision::Debug),
        Some(flags) if hex::parse_u64(flags, Case::Lower).is_some() => None,
        Some(_) => return Err(Corrupted("x-b3-flags: not a number")),
    };
    let decision = flags.or(sampled);
    let context = match (first(carrier, TRACE_ID), first(carrier, SPAN_ID)) {
        (None, None) => return Ok(decision.map(decided)),
        (Some(trace), Some(span)) => SpanContext::remote(
            parse_trace_id(trace)?,
            parse_span_id(span)?,
            decision.unwrap_or(Decision::Deferred),
        ),
        (Some(_), None) => return Err(Corrupted("x-b3-spanid: missing beside a trace id")),
        (None, Some(_)) => return Err(Corrupted("x-b3-traceid: missing beside a span id")),
    };
    Ok(Some(match first(carrier, PARENT_ID) {
        Some(parent) => context.with_parent_id(parse_parent_id(parent)?),
        None => context,
    }))
}

/// The first value of a key: of duplicates it wins.
fn first<'a>(carrier: &'a dyn ReadCarrier, key: &str) -> Option<&'a [u8]> {
    let mut first = None;
    carrier.values(key, &mut |value| first = first.or(Some(trim(value))));
    first
}

fn parse_trace_id(text: &[u8]) -> Result<TraceId, ExtractError> {
    let (high, low) = match text.len() {
        16 => (Some(0), hex::parse_u64(text, Case::Lower)),
        32 => (
            hex::parse_u64(&text[..16], Case::Lower),
            hex::parse_u64(&text[16..], Case::Lower),
        ),
        _ => (None, None),
    };
    match (high, low) {
        (Some(0), Some(0)) => Err(Corrupted("b3: the trace id is zero")),
        (Some(high), Some(low)) => Ok(TraceId { high, low }),
        _ => Err(Corrupted(
            "b3: the trace id is not 16 or 32 hexadecimal digits in lower case",
        )),
    }
}

fn parse_span_id(text: &[u8]) -> Result<SpanId, ExtractError> {
    match parse_parent_id(text)? {
        SpanId::NONE => Err(Corrupted("b3: the span id is zero")),
        id => Ok(id),
    }
}

/// As a span id, but zero is none.
fn parse_parent_id(text: &[u8]) -> Result<SpanId, ExtractError> {
    match hex::parse_u64(text, Case::Lower) {
        Some(id) if text.len() == 16 => Ok(SpanId(id)),
        _ => Err(Corrupted(
            "b3: a span id is not 16 hexadecimal digits in lower case",
        )),
    }
}

#[cfg(test)]
mod tests;
