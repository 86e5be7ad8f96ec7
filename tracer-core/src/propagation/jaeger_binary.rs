//! OpenTracing's BINARY format as the Jaeger clients lay it out.
//!
//! Big-endian and without a version: trace id (16 bytes), span id (8), parent id (8), flags (1), the number of baggage items
//! (4), and for each item the length of its key (4), the key, the length of its value (4), the value.

use super::{Binary, Extract, Inject, Propagation};
use crate::baggage::Baggage;
use crate::context::{Decision, SpanContext};
use crate::error::ExtractError::{self, Corrupted};
use crate::id::{SpanId, TraceId};

/// The items that the Go client reads.
const MAX_ITEMS: usize = 180;
/// The bytes of key and value together that the Go client reads. One item beyond, and it refuses the context.
const MAX_ITEM_BYTES: usize = 4096;

impl Inject for Binary<&mut Vec<u8>> {
    /// A context without ids is written with zeros, which readers take for no trace.
    fn inject(&mut self, context: &SpanContext, _: &[Propagation]) {
        let (mut trace_id, mut span_id, mut parent_id) =
            (TraceId::NONE, SpanId::NONE, SpanId::NONE);
        if context.is_valid() {
            (trace_id, span_id, parent_id) =
                (context.trace_id(), context.span_id(), context.parent_id());
        }
        let items = || {
            let fits = |(key, value): &(&str, &str)| key.len() + value.len() <= MAX_ITEM_BYTES;
            context.baggage().iter().filter(fits)
        };
        self.0
            .extend_from_slice(&u128::from(trace_id).to_be_bytes());
        self.0.extend_from_slice(&u64::from(span_id).to_be_bytes());
        self.0
            .extend_from_slice(&u64::from(parent_id).to_be_bytes());
        self.0.push(context.flags());
        const { assert!(Baggage::MAX_ITEMS <= MAX_ITEMS) };
        self.0
            .extend_from_slice(&(items().count() as u32).to_be_bytes());
        for (key, value) in items() {
            for text in [key, value] {
                self.0.extend_from_slice(&(text.len() as u32).to_be_bytes());
                self.0.extend_from_slice(text.as_bytes());
            }
        }
    }
}

impl<B: AsRef<[u8]>> Extract for Binary<B> {
    fn extract(&self, _: &[Propagation]) -> Result<Option<SpanContext>, ExtractError> {
        let mut rest = self.0.as_ref();
        let trace_id = TraceId::from(u128::from_be_bytes(take(&mut rest)?));
        let span_id = SpanId(u64::from_be_bytes(take(&mut rest)?));
        let parent_id = SpanId(u64::from_be_bytes(take(&mut rest)?));
        let [flags] = take(&mut rest)?;
        let baggage = read_baggage(&mut rest)?;
        if trace_id.is_none() {
            let context = SpanContext::remote(TraceId::NONE, SpanId::NONE, Decision::Deferred);
            return Ok((!baggage.is_empty()).then(|| context.with_baggage(baggage)));
        }
        if span_id.is_none() {
            return Err(Corrupted("binary: the span id is zero"));
        }
        let context = SpanContext::remote(trace_id, span_id, Decision::Refused);
        Ok(Some(
            context
                .with_parent_id(parent_id)
                .with_flags(flags)
                .with_baggage(baggage),
        ))
    }
}

/// The lengths are signed on the wire; negative ones, which the Go client does not check, are too large as unsigned.
fn read_baggage(rest: &mut &[u8]) -> Result<Baggage, ExtractError> {
    let items = u32::from_be_bytes(take(rest)?) as usize;
    if items > MAX_ITEMS {
        return Err(Corrupted("binary: more than 180 baggage items"));
    }
    let mut baggage = Baggage::new();
    for _ in 0..items {
        let key = take_text(rest, MAX_ITEM_BYTES)?;
        let value = take_text(rest, MAX_ITEM_BYTES - key.len())?;
        // The Java client cuts values that are not ASCII, perhaps within a character.
        baggage.set(
            &String::from_utf8_lossy(key),
            &String::from_utf8_lossy(value),
        );
    }
    Ok(baggage)
}

fn take_text<'a>(rest: &mut &'a [u8], max: usize) -> Result<&'a [u8], ExtractError> {
    let length = u32::from_be_bytes(take(rest)?) as usize;
    if length > max {
        return Err(Corrupted("binary: a baggage item of more than 4096 bytes"));
    }
    let (text, after) = rest.split_at_checked(length).ok_or(CUT)?;
    *rest = after;
    Ok(text)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], ExtractError> {
    let (bytes, after) = rest.split_first_chunk().ok_or(CUT)?;
    *rest = after;
    Ok(*bytes)
}

const CUT: ExtractError = Corrupted("binary: it ends too early");

#[cfg(test)]
mod tests;
