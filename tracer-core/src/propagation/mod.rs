//! Propagation: how a context crosses a process boundary.
//!
//! A [`Propagator`] is one header format: it writes a context's keys and values into a [`WriteCarrier`] and reads them back
//! from a [`ReadCarrier`]. A tracer has a list of them as [`Propagation`]s. It injects all of the list and extracts all of
//! it, so that services of different ages understand each other:
//!
//! * The first of the list that finds a **trace** gives it. What a later one says of *the same span* is added, for no format
//!   carries everything: the parent's id and the debug and firehose flags come from `uber-trace-id`, the random flag and
//!   the `tracestate` from W3C. What it says of another span is ignored, save for its baggage.
//! * **Baggage** of all of them is merged, wherever the trace came from: a Jaeger client in front of a W3C proxy still gets
//!   its `uberctx-` items through. Of two items with the same key, in any case since headers lose it, the first is kept.
//! * Without a trace the first sampling **decision** found counts (B3 may come with nothing else).
//! * A **damaged** format is as good as absent when another one finds something. When none does, the first damage is the
//!   error. It never reaches the application: the integrations count it and start a new trace.
//!
//! Readers are lenient where the specifications let them be, writers are strict: whatever a context holds, what is written
//! keeps to its format, and line breaks never reach a header. Nothing in here does I/O, panics, or takes more time or memory
//! than the bounds of [`Baggage`] and of `tracestate` allow.
//!
//! ```
//! use tracer_core::{HttpHeaders, NullReporter, Sampler, Tracer};
//!
//! let tracer = Tracer::builder("shop").sampler(Sampler::constant(true)).reporter(NullReporter).build()?;
//! let span = tracer.start_span("call");
//! let mut headers = http::HeaderMap::new();
//! tracer.inject(&span.context(), &mut HttpHeaders(&mut headers));
//! assert!(headers.contains_key("traceparent") && headers.contains_key("uber-trace-id"));
//! let arrived = tracer.extract(&HttpHeaders(&headers))?.expect("it was just written");
//! assert_eq!(arrived.span_id(), span.context().span_id());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt::Debug;
use std::sync::Arc;

use crate::baggage::Baggage;
use crate::context::{Decision, SpanContext};
use crate::error::{ExtractError, InitError};

mod b3;
mod carrier;
mod custom;
mod item_headers;
pub mod jaeger;
mod jaeger_binary;
mod percent;
mod trace_state;
pub mod w3c;
mod w3c_baggage;

pub use carrier::{Binary, HttpHeaders, ReadCarrier, TextFormat, TextMap, WriteCarrier};
pub use jaeger::JaegerHeaders;

/// A header format: writes contexts into text carriers and reads them back.
///
/// Implement it for a format of your own and hand it to [`Propagation::custom`]. It is called for each request, on the
/// thread that serves it: it should neither block nor panic nor allocate more than it writes.
///
/// # Examples
///
/// ```
/// use tracer_core::propagation::{Propagation, Propagator, ReadCarrier, WriteCarrier};
/// use tracer_core::{Decision, ExtractError, SpanContext, SpanId, TraceId};
///
/// /// The load balancer's request number, as a trace without a caller's span.
/// #[derive(Debug)]
/// struct RequestNumber;
///
/// impl Propagator for RequestNumber {
///     fn inject(&self, context: &SpanContext, carrier: &mut dyn WriteCarrier) {
///         carrier.set("x-request-number", &context.trace_id().to_string());
///     }
///
///     fn extract(&self, carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
///         let mut id = None;
///         carrier.values("x-request-number", &mut |value| id = id.or(Some(value)));
///         let Some(id) = id else { return Ok(None) };
///         let id: Option<TraceId> = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
///         let id = id.ok_or(ExtractError::Corrupted("x-request-number: not hexadecimal"))?;
///         Ok(Some(SpanContext::remote(id, SpanId::from(id.low()), Decision::Deferred)))
///     }
/// }
///
/// let propagations = [Propagation::W3c, Propagation::custom(RequestNumber)];
/// ```
pub trait Propagator: Send + Sync + Debug + 'static {
    /// Writes `context`.
    ///
    /// A context without valid ids ([`SpanContext::is_valid`]) is to write none, but may have baggage. Keys and values must
    /// suit [`WriteCarrier::format`]. What cannot be written is left out, and what the carrier held before of this format
    /// and would contradict the context is removed.
    fn inject(&self, context: &SpanContext, carrier: &mut dyn WriteCarrier);

    /// Reads a context: `Ok(None)` if there is none of this format, and one without ids if there is only baggage or a
    /// sampling decision.
    ///
    /// # Errors
    ///
    /// What is there is damaged or of an unknown version.
    fn extract(&self, carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError>;
}

/// A header format a tracer speaks: what [`TracerBuilder::propagation`](crate::TracerBuilder::propagation) takes a list of.
///
/// ```
/// use tracer_core::{Propagation, Tracer};
///
/// // Writes and reads B3 in one header, and reads nothing else.
/// let builder = Tracer::builder("shop").propagation([Propagation::B3Single]);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Propagation {
    /// W3C Trace Context Level 2 (`traceparent`, `tracestate`) and W3C Baggage (`baggage`).
    W3c,
    /// `uber-trace-id`, `uberctx-` baggage, and for use by hand `jaeger-debug-id` and `jaeger-baggage`.
    Jaeger,
    /// Zipkin's B3 in one header, `b3`. Reads both forms.
    B3Single,
    /// Zipkin's B3 in several headers, `x-b3-traceid` and others. Reads both forms.
    B3Multi,
    /// A format of the user's.
    Custom(Arc<dyn Propagator>),
}

impl Propagation {
    /// A format of your own. Where it panics, nothing is written, or what is there cannot be read.
    ///
    /// ```
    /// # use tracer_core::{ExtractError, Propagation, Propagator, ReadCarrier, SpanContext, WriteCarrier};
    /// /// Lets no context out, and none in.
    /// #[derive(Debug)]
    /// struct Wall;
    ///
    /// impl Propagator for Wall {
    ///     fn inject(&self, _: &SpanContext, _: &mut dyn WriteCarrier) {}
    ///     fn extract(&self, _: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> { Ok(None) }
    /// }
    ///
    /// let builder = tracer_core::Tracer::builder("shop").propagation([Propagation::custom(Wall)]);
    /// ```
    pub fn custom(propagator: impl Propagator) -> Self {
        Self::Custom(Arc::new(custom::Custom(propagator)))
    }

    /// Jaeger's format with other names for its headers.
    ///
    /// ```
    /// # use tracer_core::{JaegerHeaders, Propagation};
    /// let shop = Propagation::jaeger(JaegerHeaders::new().trace_context("x-shop-trace"))?;
    /// assert!(Propagation::jaeger(JaegerHeaders::new().trace_context("not a name")).is_err());
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A name cannot be that of a header.
    pub fn jaeger(headers: JaegerHeaders) -> Result<Self, InitError> {
        Ok(Self::custom(jaeger::Jaeger::new(headers)?))
    }

    fn propagator(&self) -> &dyn Propagator {
        match self {
            Self::W3c => &w3c::W3c,
            Self::Jaeger => &jaeger::DEFAULT,
            Self::B3Single => &b3::B3::Single,
            Self::B3Multi => &b3::B3::Multi,
            Self::Custom(propagator) => &**propagator,
        }
    }
}

/// A carrier a tracer can inject into: every [`WriteCarrier`], and [`Binary`].
///
/// ```
/// use tracer_core::{Inject, Propagation, SpanContext, TextMap};
///
/// /// For a client that knows one format, whatever the tracer speaks.
/// fn write_b3(context: &SpanContext, message: &mut Vec<(String, String)>) {
///     TextMap(message).inject(context, &[Propagation::B3Single]);
/// }
/// ```
pub trait Inject {
    /// Writes `context` in all formats of `propagations`.
    fn inject(&mut self, context: &SpanContext, propagations: &[Propagation]);
}

/// A carrier a tracer can extract from: every [`ReadCarrier`], and [`Binary`].
///
/// ```
/// use tracer_core::{Extract, Propagation, TextMap};
///
/// let message = vec![("b3".to_owned(), "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1".to_owned())];
/// let caller = TextMap(&message).extract(&[Propagation::B3Multi])?.expect("it is there");
/// assert!(caller.is_sampled());
/// # Ok::<(), tracer_core::ExtractError>(())
/// ```
pub trait Extract {
    /// Reads a context in the formats of `propagations`, by the rules of the [module](self).
    ///
    /// # Errors
    ///
    /// At least one format is damaged, and none is found whole.
    fn extract(&self, propagations: &[Propagation]) -> Result<Option<SpanContext>, ExtractError>;
}

impl<C: WriteCarrier> Inject for C {
    fn inject(&mut self, context: &SpanContext, propagations: &[Propagation]) {
        for propagation in propagations {
            propagation.propagator().inject(context, self);
        }
    }
}

impl<C: ReadCarrier> Extract for C {
    fn extract(&self, propagations: &[Propagation]) -> Result<Option<SpanContext>, ExtractError> {
        if let Some(traceparent) = w3c::lone_traceparent(self, propagations) {
            return traceparent.map(w3c::parse_traceparent).transpose();
        }
        extract_all(self, propagations)
    }
}

/// Reads all formats and merges what they say.
#[inline(never)]
fn extract_all(
    carrier: &impl ReadCarrier,
    propagations: &[Propagation],
) -> Result<Option<SpanContext>, ExtractError> {
    let mut usual = Usual::of(propagations, carrier.format());
    // In one pass: to ask a map for each name costs more than to look at the few headers that are usual.
    carrier.entries(&mut |name, value| usual.read(name, value));
    let mut found: Option<SpanContext> = None;
    let mut damage = None;
    for propagation in propagations {
        match usual.finish(propagation, carrier) {
            Ok(Some(context)) => {
                found = Some(match found {
                    Some(earlier) => merge(earlier, context),
                    None => context,
                });
            }
            Ok(None) => {}
            Err(error) => damage = damage.or(Some(error)),
        }
    }
    match (found, damage) {
        (None, Some(error)) => Err(error),
        (found, _) => Ok(found),
    }
}

/// The formats that most tracers have, read together.
struct Usual<'a> {
    w3c: Option<w3c::Reader<'a>>,
    jaeger: Option<jaeger::Reader<'static, 'a>>,
}

impl<'a> Usual<'a> {
    /// Those of a list.
    #[inline]
    fn of(propagations: &[Propagation], format: TextFormat) -> Self {
        let mut usual = Self {
            w3c: None,
            jaeger: None,
        };
        for propagation in propagations {
            match propagation {
                Propagation::W3c => usual.w3c = Some(w3c::Reader::new()),
                Propagation::Jaeger => usual.jaeger = Some(jaeger::DEFAULT.reader(format)),
                Propagation::B3Single | Propagation::B3Multi | Propagation::Custom(_) => {}
            }
        }
        usual
    }

    #[inline]
    fn read(&mut self, name: &str, value: &'a [u8]) {
        if let Some(w3c) = &mut self.w3c {
            w3c.read(name, value);
        }
        if let Some(jaeger) = &mut self.jaeger {
            jaeger.read(name, value);
        }
    }

    /// What one of the list has found; the others read by themselves.
    #[inline]
    fn finish(
        &mut self,
        propagation: &Propagation,
        carrier: &dyn ReadCarrier,
    ) -> Result<Option<SpanContext>, ExtractError> {
        match propagation {
            Propagation::W3c => self.w3c.take().map_or(Ok(None), w3c::Reader::finish),
            Propagation::Jaeger => self.jaeger.take().map_or(Ok(None), jaeger::Reader::finish),
            other => other.propagator().extract(carrier),
        }
    }
}

/// What two formats say together, the earlier of the list first.
fn merge(earlier: SpanContext, later: SpanContext) -> SpanContext {
    let baggage = merge_baggage(earlier.baggage(), later.baggage());
    let same_span = (earlier.trace_id(), earlier.span_id()) == (later.trace_id(), later.span_id());
    let merged = if !earlier.is_valid() && later.is_valid() {
        later
    } else if same_span {
        merge_span(earlier, &later)
    } else {
        earlier
    };
    match baggage {
        Some(baggage) => merged.with_baggage(baggage),
        None => merged,
    }
}

/// Adds to `earlier` what it does not know of its span, or of the trace to begin if there is none.
fn merge_span(mut earlier: SpanContext, later: &SpanContext) -> SpanContext {
    let undecided = earlier.decision() == Decision::Deferred;
    // One says sampled and the other not: neither flags of the other can be trusted.
    let agreed = undecided || earlier.is_sampled() == later.is_sampled();
    if agreed && later.decision() != Decision::Deferred {
        let flags = earlier.flags() | later.flags();
        earlier = earlier.with_flags(flags);
    }
    if earlier.parent_id().is_none() {
        earlier = earlier.with_parent_id(later.parent_id());
    }
    if later.is_random() {
        earlier = earlier.with_random_flag(true);
    }
    if earlier.trace_state().is_empty() {
        earlier = earlier.with_trace_state(later.trace_state());
    }
    if earlier.debug_id().is_empty() && !later.debug_id().is_empty() {
        earlier = earlier.with_debug_id(later.debug_id());
    }
    earlier
}

/// The items of both; `None` if there are none.
fn merge_baggage(earlier: &Baggage, later: &Baggage) -> Option<Baggage> {
    if earlier.is_empty() && later.is_empty() {
        return None;
    }
    let mut merged = earlier.clone();
    for (key, value, properties) in later.iter_with_properties() {
        if !merged
            .iter()
            .any(|(found, _)| found.eq_ignore_ascii_case(key))
        {
            merged.set_with_properties(key, value, properties);
        }
    }
    Some(merged)
}

#[cfg(test)]
mod tests;
