//! The headers of the Jaeger clients: `uber-trace-id`, `uberctx-{key}`, and for use by hand `jaeger-debug-id` and
//! `jaeger-baggage` ([client libraries](https://www.jaegertracing.io/docs/1.21/client-libraries/#propagation-format)).
//!
//! Where the clients differ from each other and their documentation, the reader takes what any of them writes: ids without
//! leading zeros (old ones), digits of either case (Java refuses upper case), colons percent-encoded by proxies and old
//! clients, names in any case (Go never matches a configured name with capitals). The flags are hexadecimal, both ways: Go
//! writes them so and reads them as decimal, and cannot read its own `a` for debug and firehose.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use super::Propagator;
use super::carrier::{ReadCarrier, TextFormat, WriteCarrier, is_token};
use super::item_headers::{self, ItemReader};
use super::percent::{self, Plus};
use super::w3c::trim;
use crate::context::{Decision, SpanContext};
use crate::error::ExtractError::{self, Corrupted};
use crate::error::InitError;
use crate::hex::{self, Case};
use crate::id::{SpanId, TraceId};

/// The bytes of a `jaeger-debug-id` that are kept: it becomes a tag.
const MAX_DEBUG_ID: usize = 1024;

/// The names of Jaeger's headers, for [`Propagation::jaeger`](super::Propagation::jaeger). All are compared without regard to
/// case and written in lower case.
///
/// # Examples
///
/// ```
/// use tracer_core::propagation::{JaegerHeaders, Propagation};
///
/// let headers = JaegerHeaders::new()
///     .trace_context("x-shop-trace")
///     .baggage_prefix("x-shop-ctx-")
///     .debug_id("x-shop-debug")
///     .baggage("x-shop-baggage");
/// let propagation = Propagation::jaeger(headers)?;
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JaegerHeaders {
    trace_context: Cow<'static, str>,
    baggage_prefix: Cow<'static, str>,
    debug_id: Cow<'static, str>,
    baggage: Cow<'static, str>,
}

impl JaegerHeaders {
    /// The names that all Jaeger clients have by default.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            trace_context: Cow::Borrowed("uber-trace-id"),
            baggage_prefix: Cow::Borrowed("uberctx-"),
            debug_id: Cow::Borrowed("jaeger-debug-id"),
            baggage: Cow::Borrowed("jaeger-baggage"),
        }
    }

    /// The header of ids and flags, in place of `uber-trace-id`.
    #[must_use]
    pub fn trace_context(mut self, name: &str) -> Self {
        self.trace_context = name.to_ascii_lowercase().into();
        self
    }

    /// What the headers of baggage items begin with, in place of `uberctx-`.
    #[must_use]
    pub fn baggage_prefix(mut self, prefix: &str) -> Self {
        self.baggage_prefix = prefix.to_ascii_lowercase().into();
        self
    }

    /// The header that asks for a debug trace, in place of `jaeger-debug-id`.
    #[must_use]
    pub fn debug_id(mut self, name: &str) -> Self {
        self.debug_id = name.to_ascii_lowercase().into();
        self
    }

    /// The header of a list of baggage items, in place of `jaeger-baggage`.
    #[must_use]
    pub fn baggage(mut self, name: &str) -> Self {
        self.baggage = name.to_ascii_lowercase().into();
        self
    }
}

impl Default for JaegerHeaders {
    fn default() -> Self {
        Self::new()
    }
}

/// Jaeger's format under given names.
#[derive(Debug)]
pub(super) struct Jaeger {
    headers: JaegerHeaders,
}

/// Jaeger's format under the usual names.
pub(super) static DEFAULT: Jaeger = Jaeger {
    headers: JaegerHeaders::new(),
};

impl Jaeger {
    pub(super) fn new(headers: JaegerHeaders) -> Result<Self, InitError> {
        for (what, name) in [
            (
                "the name of Jaeger's trace context header",
                &headers.trace_context,
            ),
            (
                "the prefix of Jaeger's baggage headers",
                &headers.baggage_prefix,
            ),
            ("the name of Jaeger's debug header", &headers.debug_id),
            ("the name of Jaeger's baggage header", &headers.baggage),
        ] {
            if !is_token(name) {
                return Err(InitError::value(
                    what,
                    name,
                    "letters, digits and any of !#$%&'*+-.^_`|~",
                ));
            }
        }
        Ok(Self { headers })
    }

    /// A reader of a carrier of that format.
    #[inline]
    pub(super) fn reader(&self, format: TextFormat) -> Reader<'_, '_> {
        let names = &self.headers;
        let first = |name: &str| letter(name.as_bytes().first());
        Reader {
            names,
            firsts: first(&names.trace_context)
                | first(&names.baggage_prefix)
                | first(&names.debug_id)
                | first(&names.baggage),
            trace: None,
            debug_id: None,
            items: ItemReader::new(format, Plus::Space),
            format,
        }
    }
}

impl Propagator for Jaeger {
    fn inject(&self, context: &SpanContext, carrier: &mut dyn WriteCarrier) {
        if context.is_valid() {
            carrier.set(&self.headers.trace_context, &format_uber_trace_id(context));
        } else if !context.debug_id().is_empty() {
            let debug_id = carrier.format().encode(context.debug_id());
            carrier.set(&self.headers.debug_id, &debug_id);
        }
        item_headers::inject(&self.headers.baggage_prefix, context.baggage(), carrier);
    }

    fn extract(&self, carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
        let mut reader = self.reader(carrier.format());
        carrier.entries(&mut |name, value| reader.read(name, value));
        reader.finish()
    }
}

/// Reads a context header by header.
#[derive(Debug)]
pub(super) struct Reader<'n, 'a> {
    names: &'n JaegerHeaders,
    /// The [letters](letter) that our names begin with.
    firsts: u32,
    trace: Option<&'a [u8]>,
    debug_id: Option<&'a [u8]>,
    items: ItemReader,
    format: TextFormat,
}

impl<'a> Reader<'_, 'a> {
    #[inline]
    pub(super) fn read(&mut self, name: &str, value: &'a [u8]) {
        // Few others begin with a letter that one of ours begins with.
        if self.firsts & letter(name.as_bytes().first()) != 0 {
            self.read_perhaps(name, value);
        }
    }

    fn read_perhaps(&mut self, name: &str, value: &'a [u8]) {
        let names = self.names;
        if name.eq_ignore_ascii_case(&names.trace_context) {
            self.trace = self.trace.or(Some(value));
        } else if name.eq_ignore_ascii_case(&names.debug_id) {
            self.debug_id = self.debug_id.or(Some(value));
        } else if name.eq_ignore_ascii_case(&names.baggage) {
            read_baggage_list(value, &mut self.items);
        } else {
            self.items.read(&names.baggage_prefix, name, value);
        }
    }

    #[inline]
    pub(super) fn finish(self) -> Result<Option<SpanContext>, ExtractError> {
        if self.trace.is_none() && self.debug_id.is_none() && self.items.baggage.is_empty() {
            return Ok(None);
        }
        self.finish_found()
    }

    #[inline(never)]
    fn finish_found(self) -> Result<Option<SpanContext>, ExtractError> {
        let format = self.format;
        let trace = match self.trace {
            Some(value) if format == TextFormat::HttpHeaders => parse_encoded(value),
            Some(value) => parse_uber_trace_id(value),
            None => Ok(None),
        };
        let debug_id = self
            .debug_id
            .map(|value| read_debug_id(value, format))
            .unwrap_or_default();
        let baggage = self.items.baggage;
        let context = match trace {
            Ok(Some(context)) => context,
            // The debug header asks for a new trace where no valid one arrives, and a damaged one is not valid.
            _ if !debug_id.is_empty() => no_trace().with_debug_id(&debug_id),
            Ok(None) if baggage.is_empty() => return Ok(None),
            Ok(None) => no_trace(),
            Err(error) => return Err(error),
        };
        Ok(Some(context.with_baggage(baggage)))
    }
}

/// A bit for a letter in either case, which some other bytes share.
#[inline]
fn letter(byte: Option<&u8>) -> u32 {
    byte.map_or(0, |byte| 1 << (byte & 31))
}

fn no_trace() -> SpanContext {
    SpanContext::remote(TraceId::NONE, SpanId::NONE, Decision::Deferred)
}

/// Reads an `uber-trace-id`, `{trace}:{span}:{parent}:{flags}`; `None` if the trace id is zero, which means no trace.
/// Allocates nothing.
///
/// Ids may lack leading zeros, digits may be of either case. Debug implies sampled.
///
/// ```
/// use tracer_core::propagation::jaeger::parse_uber_trace_id;
///
/// let context = parse_uber_trace_id(b"97695c30ba774a6d:78b468aa80bdb00c:0:1")?.expect("it has a trace");
/// assert!(context.is_sampled() && context.parent_id().is_none());
/// # Ok::<(), tracer_core::ExtractError>(())
/// ```
///
/// # Errors
///
/// There are not four parts, one is empty, too long or not hexadecimal, or a trace has a span of zero.
pub fn parse_uber_trace_id(value: &[u8]) -> Result<Option<SpanContext>, ExtractError> {
    if value.len() > UberTraceId::MAX {
        return Err(Corrupted("uber-trace-id: longer than 69 characters"));
    }
    let mut parts = value.split(|&byte| byte == b':');
    let (Some(trace), Some(span), Some(parent), Some(flags), None) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return Err(Corrupted("uber-trace-id: not of four parts"));
    };
    let (high, low) = trace.split_at(trace.len().saturating_sub(16));
    let high = if high.is_empty() {
        Some(0)
    } else {
        hex::parse_u64(high, Case::Either)
    };
    let digits = |part: &[u8]| hex::parse_u64(part, Case::Either);
    let (Some(high), Some(low)) = (high, digits(low)) else {
        return Err(Corrupted(
            "uber-trace-id: the trace id is not 1 to 32 hexadecimal digits",
        ));
    };
    let (Some(span), Some(parent)) = (digits(span), digits(parent)) else {
        return Err(Corrupted(
            "uber-trace-id: a span id is not 1 to 16 hexadecimal digits",
        ));
    };
    let Some(flags) = digits(flags).filter(|_| flags.len() <= 2) else {
        return Err(Corrupted(
            "uber-trace-id: the flags are not 1 or 2 hexadecimal digits",
        ));
    };
    let trace_id = TraceId { high, low };
    if trace_id.is_none() {
        return Ok(None);
    }
    if span == 0 {
        return Err(Corrupted("uber-trace-id: the span id is zero"));
    }
    let context = SpanContext::remote(trace_id, SpanId(span), Decision::Refused);
    Ok(Some(
        context
            .with_parent_id(SpanId(parent))
            .with_flags(flags as u8),
    ))
}

/// As [`parse_uber_trace_id`], of a value that a proxy or an old client may have percent-encoded.
fn parse_encoded(value: &[u8]) -> Result<Option<SpanContext>, ExtractError> {
    let value = trim(value);
    if value.contains(&b'%') && value.len() <= 3 * UberTraceId::MAX {
        return parse_uber_trace_id(percent::decode(value, Plus::Plus).as_bytes());
    }
    parse_uber_trace_id(value)
}

/// Writes an `uber-trace-id`: 16 or 32 digits, 16 digits, `0` or 16 digits of the parent, the flags without leading zero.
/// Allocates nothing.
///
/// An open sampling decision, which Jaeger has no word for, is written as not sampled.
///
/// # Examples
///
/// ```
/// use tracer_core::propagation::jaeger::{format_uber_trace_id, parse_uber_trace_id};
///
/// let context = parse_uber_trace_id(b"abc:def:0:01")?.expect("its trace id is not zero");
/// assert_eq!(&*format_uber_trace_id(&context), "0000000000000abc:0000000000000def:0:1");
/// # Ok::<(), tracer_core::ExtractError>(())
/// ```
#[must_use]
pub fn format_uber_trace_id(context: &SpanContext) -> UberTraceId {
    let mut text = UberTraceId {
        bytes: [b':'; UberTraceId::MAX],
        len: 0,
    };
    if context.trace_id().high() != 0 {
        text.push(&hex::format_u64(context.trace_id().high()));
    }
    text.push(&hex::format_u64(context.trace_id().low()));
    text.len += 1;
    text.push(&hex::format_u64(context.span_id().into()));
    text.len += 1;
    if context.parent_id().is_none() {
        text.push(b"0");
    } else {
        text.push(&hex::format_u64(context.parent_id().into()));
    }
    text.len += 1;
    let flags = hex::format_u8(context.flags());
    text.push(if flags[0] == b'0' {
        &flags[1..]
    } else {
        &flags
    });
    text
}

/// The text of an `uber-trace-id` in place; dereferences to `str`.
///
/// ```
/// use tracer_core::propagation::jaeger::{UberTraceId, format_uber_trace_id};
/// use tracer_core::{Decision, SpanContext};
///
/// let context = SpanContext::remote(0xabc.into(), 0xdef.into(), Decision::Sampled);
/// let text: UberTraceId = format_uber_trace_id(&context);
/// assert_eq!(&*text, "0000000000000abc:0000000000000def:0:1");
/// ```
#[derive(Clone, Copy)]
pub struct UberTraceId {
    bytes: [u8; Self::MAX],
    len: usize,
}

impl UberTraceId {
    /// Ids of 32, 16 and 16 digits, two of flags, three colons.
    const MAX: usize = 69;

    fn push(&mut self, digits: &[u8]) {
        self.bytes[self.len..self.len + digits.len()].copy_from_slice(digits);
        self.len += digits.len();
    }
}

impl Deref for UberTraceId {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl fmt::Display for UberTraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for UberTraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl AsRef<str> for UberTraceId {
    fn as_ref(&self) -> &str {
        self
    }
}

/// Reads `jaeger-baggage: k1=v1, k2=v2`, typed by hand. It is decoded once, in every carrier, and before it is split; a value
/// may have an equals sign (Java drops the item). Items of `uberctx-` headers win.
fn read_baggage_list(value: &[u8], items: &mut ItemReader) {
    if !items.take(value.len()) {
        return;
    }
    for item in percent::decode(value, Plus::Space).split(',') {
        if let Some((key, value)) = item.split_once('=')
            && !key.trim().is_empty()
            && items.baggage.get(key.trim()).is_none()
        {
            items.baggage.set(key.trim(), value.trim());
        }
    }
}

fn read_debug_id(value: &[u8], format: TextFormat) -> String {
    let value = &value[..value.len().min(3 * MAX_DEBUG_ID)];
    let mut text = format.decode(value, Plus::Space).into_owned();
    while text.len() > MAX_DEBUG_ID {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests;
