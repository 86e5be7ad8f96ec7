//! W3C Trace Context, [Level 2](https://www.w3.org/TR/trace-context-2/): `traceparent` and `tracestate`; with
//! [W3C Baggage](https://www.w3.org/TR/baggage/).

use super::carrier::{ReadCarrier, WriteCarrier};
use super::trace_state::TraceState;
use super::w3c_baggage::{self, BAGGAGE, BaggageReader};
use super::{Propagation, Propagator};
use crate::context::{Decision, SpanContext};
use crate::error::ExtractError::{self, Corrupted, Unsupported};
use crate::hex::{self, Case, Read};
use crate::id::{SpanId, TraceId};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

/// `traceparent`, `tracestate` and `baggage`.
#[derive(Debug)]
pub(super) struct W3c;

impl Propagator for W3c {
    fn inject(&self, context: &SpanContext, carrier: &mut dyn WriteCarrier) {
        if context.is_valid() {
            let text = format_traceparent(context);
            carrier.set(TRACEPARENT, std::str::from_utf8(&text).unwrap_or_default());
            inject_trace_state(context, carrier);
        }
        w3c_baggage::inject(context.baggage(), carrier);
    }

    fn extract(&self, carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
        let mut reader = Reader::new();
        carrier.entries(&mut |name, value| reader.read(name, value));
        reader.finish()
    }
}

/// Reads a context header by header.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    parent: Option<&'a [u8]>,
    parents: usize,
    state: TraceState,
    baggage: BaggageReader,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            parent: None,
            parents: 0,
            state: TraceState::default(),
            baggage: BaggageReader::new(),
        }
    }

    #[inline]
    pub(super) fn read(&mut self, name: &str, value: &'a [u8]) {
        // Most headers are none of ours, which their length tells.
        match name.len() {
            11 if is(name, TRACEPARENT) => {
                self.parent = Some(value);
                self.parents += 1;
            }
            10 if is(name, TRACESTATE) => self.state.add(value),
            7 if is(name, BAGGAGE) => self.baggage.read(value),
            _ => {}
        }
    }

    #[inline]
    pub(super) fn finish(self) -> Result<Option<SpanContext>, ExtractError> {
        let baggage = self.baggage.baggage;
        let mut context = match self.parent {
            None if baggage.is_empty() => return Ok(None),
            None => SpanContext::remote(TraceId::NONE, SpanId::NONE, Decision::Deferred),
            Some(_) if self.parents > 1 => {
                return Err(Corrupted("traceparent: there is more than one"));
            }
            Some(value) => parse_traceparent(value)?,
        };
        // An invalid `tracestate` is dropped and leaves the trace alone, and one without a trace means nothing.
        let state = self.state.finish();
        if !state.is_empty() && self.parent.is_some() {
            context = context.with_trace_state(&state);
        }
        if !baggage.is_empty() {
            context = context.with_baggage(baggage);
        }
        Ok(Some(context))
    }
}

/// What arrived, if that is no more than one `traceparent`, or nothing, as is usual. `None` if it takes reading all formats side
/// by side, which costs more.
#[inline]
pub(super) fn lone_traceparent<'a>(
    carrier: &'a impl ReadCarrier,
    propagations: &[Propagation],
) -> Option<Option<&'a [u8]>> {
    let mut is_read = false;
    for propagation in propagations {
        match propagation {
            Propagation::W3c => is_read = true,
            Propagation::Jaeger => {}
            Propagation::B3Single | Propagation::B3Multi | Propagation::Custom(_) => return None,
        }
    }
    let (mut found, mut is_alone) = (None, is_read);
    carrier.entries(&mut |name, value| {
        if is_perhaps_read(name) {
            if found.is_none() && is(name, TRACEPARENT) {
                found = Some(value);
            } else {
                is_alone = false;
            }
        }
    });
    is_alone.then_some(found)
}

/// Whether a name begins as those do that W3C's format or Jaeger's reads.
#[inline]
fn is_perhaps_read(name: &str) -> bool {
    let Some(first) = name.as_bytes().first_chunk() else {
        return false;
    };
    // In lower case, all at once. Others begin so, too.
    let lower = u32::from_ne_bytes(*first) | 0x2020_2020;
    [b"trac", b"bagg", b"uber", b"jaeg"]
        .iter()
        .any(|ours| lower == u32::from_ne_bytes(**ours))
}

/// Whether a header is the one of ours, which is in lower case, as nearly all are.
#[inline]
fn is(name: &str, ours: &str) -> bool {
    name == ours || name.eq_ignore_ascii_case(ours)
}

/// Reads a `traceparent`. Allocates nothing. Spaces and tabs around the value are ignored.
///
/// A version above `00` is read as far as it has the form of `00`. Of the flags, sampled and random are understood.
///
/// ```
/// use tracer_core::propagation::w3c::parse_traceparent;
///
/// let context = parse_traceparent(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
/// assert!(context.is_sampled() && context.is_remote());
/// assert!(parse_traceparent(b"00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01").is_err());
/// # Ok::<(), tracer_core::ExtractError>(())
/// ```
///
/// # Errors
///
/// The value is not exactly what the specification says: another length, an upper-case or no digit, an id of zeros,
/// version `ff`, anything after the flags; or a higher version that does not begin as `00` does.
pub fn parse_traceparent(value: &[u8]) -> Result<SpanContext, ExtractError> {
    let Some((fields, rest)) = trim(value).split_first_chunk::<55>() else {
        return Err(Corrupted("traceparent: shorter than 55 characters"));
    };
    if (fields[2], fields[35], fields[52]) != (b'-', b'-', b'-') {
        return Err(Corrupted("traceparent: fields of wrong length"));
    }
    let id = |from: usize| hex::read_16(&part(fields, from), Case::Lower);
    let [a, b] = part(fields, 0);
    let [c, d] = part(fields, 53);
    let version_and_flags = hex::read_4([a, b, c, d], Case::Lower);
    let Some([both, high, low, span]) = Read::values([version_and_flags, id(3), id(19), id(36)])
    else {
        return Err(Corrupted("traceparent: not hexadecimal in lower case"));
    };
    let (version, flags) = ((both >> 8) as u8, both as u8);
    match (version, rest.first()) {
        (0xff, _) => return Err(Corrupted("traceparent: version ff")),
        (_, None) => {}
        (0, Some(_)) => return Err(Corrupted("traceparent: longer than 55 characters")),
        (_, Some(b'-')) => {}
        (_, Some(_)) => return Err(Unsupported("traceparent: a later version of another form")),
    }
    let (trace_id, span_id) = (TraceId { high, low }, SpanId(span));
    if trace_id.is_none() || span_id.is_none() {
        return Err(Corrupted("traceparent: an id of zeros"));
    }
    let decision = if flags & SAMPLED != 0 {
        Decision::Sampled
    } else {
        Decision::Refused
    };
    Ok(SpanContext::remote(trace_id, span_id, decision).with_random_flag(flags & RANDOM != 0))
}

/// So many of the bytes, from there on.
#[inline]
fn part<const N: usize>(fields: &[u8; 55], from: usize) -> [u8; N] {
    std::array::from_fn(|at| fields[from + at])
}

/// Writes a `traceparent` of version `00`; 64-bit trace ids are padded. Allocates nothing.
///
/// Only a context with ids ([`SpanContext::is_valid`]) gives a valid header. An open sampling decision, which W3C has no
/// word for, is written as not sampled.
///
/// # Examples
///
/// ```
/// use tracer_core::propagation::w3c::{format_traceparent, parse_traceparent};
///
/// let value = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
/// let context = parse_traceparent(value)?;
/// assert!(context.is_sampled() && context.is_random());
/// assert_eq!(format_traceparent(&context), *value);
/// # Ok::<(), tracer_core::ExtractError>(())
/// ```
#[must_use]
pub fn format_traceparent(context: &SpanContext) -> [u8; 55] {
    let sampled = if context.is_sampled() { SAMPLED } else { 0 };
    let random = if context.is_random() { RANDOM } else { 0 };
    let mut text = *b"00-................................-................-..";
    text[3..19].copy_from_slice(&hex::format_u64(context.trace_id().high()));
    text[19..35].copy_from_slice(&hex::format_u64(context.trace_id().low()));
    text[36..52].copy_from_slice(&hex::format_u64(context.span_id().into()));
    text[53..].copy_from_slice(&hex::format_u8(sampled | random));
    text
}

fn inject_trace_state(context: &SpanContext, carrier: &mut dyn WriteCarrier) {
    let mut state = TraceState::default();
    state.add(context.trace_state().as_bytes());
    let state = state.finish();
    if state.is_empty() {
        carrier.remove(TRACESTATE);
    } else {
        carrier.set(TRACESTATE, &state);
    }
}

/// Without the optional whitespace (RFC 9110: spaces and tabs) around it.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = text.iter().position(is_text).unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(is_text)
        .map_or(start, |last| last + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests;
