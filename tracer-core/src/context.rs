//! The span context: what identifies a span to its children, in this process and others.

use std::fmt;
use std::sync::Arc;

use crate::baggage::Baggage;
use crate::clock::Anchor;
use crate::held::LocalTrace;
use crate::id::{SpanId, TraceId};

/// The sampling decision a context carries.
///
/// ```
/// # use tracer_core::{Decision, SpanContext};
/// let context = SpanContext::remote(0xabc.into(), 0xdef.into(), Decision::Debug);
/// assert!(context.is_sampled());
/// assert_eq!(context.with_decision(Decision::Refused).flags(), 0);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Decision {
    /// None was made: whoever starts the next span decides. Only B3 can say so on the wire.
    Deferred,
    /// The trace is not reported.
    Refused,
    /// The trace is reported.
    Sampled,
    /// The trace is reported, whatever samplers and backends think of it.
    Debug,
}

/// The identity of a span: ids, sampling decision and baggage. Immutable and cheap to clone; outlives its span.
///
/// It is what other threads, tasks, queues and services hold: a span ends when its work ends, whoever still remembers it.
/// A context taken from the wire may lack a trace and carry just baggage or a decision
/// ([`trace_id`](Self::trace_id) is then none); a span started under it begins a new trace with those.
///
/// ```
/// use tracer_core::{Decision, SpanContext, Tracer};
///
/// // As a message in a queue may carry it.
/// let producer = SpanContext::remote(0xabc.into(), 0xdef.into(), Decision::Sampled).with_baggage_item("tenant", "acme");
/// assert_eq!(producer.baggage_item("tenant"), Some("acme"));
/// let _span = Tracer::disabled().build_span("consume").follows_from(&producer).start();
/// ```
#[derive(Clone)]
pub struct SpanContext {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent_id: SpanId,
    pub(crate) anchor: Anchor,
    pub(crate) carried: Option<Arc<Carried>>,
    pub(crate) tracer: u32,
    pub(crate) flags: u8,
    pub(crate) state: u16,
}

/// What only some contexts carry, behind one pointer so that the others pay a null check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    pub(crate) baggage: Baggage,
    /// The W3C `tracestate` of the caller, members joined by commas.
    pub(crate) trace_state: Box<str>,
    /// The value of `jaeger-debug-id`: makes the next root a debug trace with this tag.
    pub(crate) debug_id: Box<str>,
    /// What the spans of this process share whose trace is decided about late.
    pub(crate) local_trace: Option<Arc<LocalTrace>>,
}

/// The flags byte of `uber-trace-id`, which Jaeger's backends read.
pub(crate) mod flag {
    pub(crate) const SAMPLED: u8 = 1;
    pub(crate) const DEBUG: u8 = 2;
}

/// What this process knows of a context beside the flags.
pub(crate) mod state {
    /// It came from the wire.
    pub(crate) const REMOTE: u16 = 1;
    /// No sampling decision was made.
    pub(crate) const DEFERRED: u16 = 2;
    /// The W3C flag that the trace id is random in its lower 56 bits.
    pub(crate) const RANDOM: u16 = 4;
    /// Of a record: times, tags and logs are kept, for the span is to be reported.
    pub(crate) const RECORDING: u16 = 8;
    /// Of a record: the thread was unwinding from a panic when the span began, so unwinding at its end means nothing.
    pub(crate) const UNWINDING: u16 = 16;
    /// Of a frame: its span was finished out of order and waits for those above it to go.
    pub(crate) const CLOSED: u16 = 32;

    /// Of a record: its start was counted, so its end is to be.
    pub(crate) const COUNTED: u16 = 64;
    /// Of a record: it stands for no span, but makes a context active.
    pub(crate) const BARE: u16 = 128;
    /// Of a record: its local trace began with it. Others may have its id.
    pub(crate) const LOCAL_ROOT: u16 = 256;
    /// The trace is decided about late; how far that is its local trace knows.
    pub(crate) const LATE: u16 = 512;
    /// Of a record: times, tags and logs are kept, and go to its local trace when it ends.
    pub(crate) const HELD: u16 = 1024;

    /// What a context passes to its copies and children.
    pub(crate) const INHERITED: u16 = DEFERRED | RANDOM | LATE;
}

impl SpanContext {
    /// A context of neither trace nor anything carried.
    pub(crate) const EMPTY: Self = Self {
        trace_id: TraceId::NONE,
        span_id: SpanId::NONE,
        parent_id: SpanId::NONE,
        anchor: Anchor::NONE,
        carried: None,
        tracer: 0,
        flags: 0,
        state: 0,
    };

    /// Of a record: whether times, tags and logs are kept.
    #[inline]
    pub(crate) fn is_recording(&self) -> bool {
        self.state & (state::RECORDING | state::HELD) != 0
    }

    /// A context as a [`Propagator`](crate::Propagator) reads it from the wire.
    ///
    /// With [`TraceId::NONE`] the context has no trace and only carries its decision, and what is added to it.
    #[must_use]
    pub fn remote(trace_id: TraceId, span_id: SpanId, decision: Decision) -> Self {
        Self {
            trace_id,
            span_id,
            state: state::REMOTE,
            ..Self::EMPTY
        }
        .with_decision(decision)
    }

    /// The same context with another decision.
    #[must_use]
    pub fn with_decision(mut self, decision: Decision) -> Self {
        self.flags &= !(flag::SAMPLED | flag::DEBUG);
        self.state &= !(state::DEFERRED | state::LATE);
        match decision {
            Decision::Deferred => self.state |= state::DEFERRED,
            Decision::Refused => {}
            Decision::Sampled => self.flags |= flag::SAMPLED,
            Decision::Debug => self.flags |= flag::SAMPLED | flag::DEBUG,
        }
        self
    }

    /// The same context with all eight flags of `uber-trace-id`. Debug implies sampled.
    #[must_use]
    pub fn with_flags(mut self, flags: u8) -> Self {
        let implied = if flags & flag::DEBUG != 0 {
            flag::SAMPLED
        } else {
            0
        };
        self.flags = flags | implied;
        self.state &= !(state::DEFERRED | state::LATE);
        self
    }

    /// The same context with the id of its span's parent, which Jaeger and B3 propagate.
    #[must_use]
    pub fn with_parent_id(mut self, parent_id: SpanId) -> Self {
        self.parent_id = parent_id;
        self
    }

    /// The same context with the W3C flag that says whether the trace id is random.
    #[must_use]
    pub fn with_random_flag(mut self, random: bool) -> Self {
        self.state = if random {
            self.state | state::RANDOM
        } else {
            self.state & !state::RANDOM
        };
        self
    }

    /// The same context with this baggage in place of its own.
    #[must_use]
    pub fn with_baggage(mut self, baggage: Baggage) -> Self {
        if !baggage.is_empty() || self.carried.is_some() {
            self.carried_mut().baggage = baggage;
        }
        self
    }

    /// The same context with one more baggage item. Beyond the limits of [`Baggage`] the item is left out.
    #[must_use]
    pub fn with_baggage_item(mut self, key: &str, value: &str) -> Self {
        self.set_baggage_item(key, value);
        self
    }

    /// The same context with this W3C `tracestate`.
    #[must_use]
    pub fn with_trace_state(mut self, trace_state: &str) -> Self {
        if !trace_state.is_empty() || self.carried.is_some() {
            self.carried_mut().trace_state = trace_state.into();
        }
        self
    }

    /// The same context with the value of a `jaeger-debug-id` header: a root started under it is a debug trace that has
    /// the value as its `jaeger-debug-id` tag.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use tracer_core::{HttpHeaders, SpanContext};
    /// let mut headers = http::HeaderMap::new();
    /// headers.insert("jaeger-debug-id", "ticket-17".parse()?);
    /// let asked = tracer.extract(&HttpHeaders(&headers))?.expect("it asks for something");
    /// assert_eq!(asked.debug_id(), "ticket-17");
    /// tracer.build_span("GET").child_of(&asked).start().finish();
    /// # tracer_testing::assert_trace!(test, "GET {jaeger-debug-id=ticket-17}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_debug_id(mut self, debug_id: &str) -> Self {
        self.carried_mut().debug_id = debug_id.into();
        self
    }

    /// The trace; none if the context came without one.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span; none if the context came without a trace.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The span's parent; none for a root and where the wire did not tell.
    #[must_use]
    pub fn parent_id(&self) -> SpanId {
        self.parent_id
    }

    /// Whether this identifies a span: both ids are there.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.trace_id.is_none() && !self.span_id.is_none()
    }

    /// Whether it is that of a span without a tracer: the same as none.
    pub(crate) fn is_nothing(&self) -> bool {
        !self.is_valid() && self.carried.is_none() && !self.is_remote()
    }

    /// The flags byte as `uber-trace-id` has it: 1 sampled, 2 debug, 8 firehose.
    #[must_use]
    pub fn flags(&self) -> u8 {
        match self.local_trace() {
            Some(trace) => self.flags | trace.phase().flags(),
            None => self.flags,
        }
    }

    /// The sampling decision. Of a trace whose decision is made late it is what others are told at the moment: refused,
    /// until the sampler wants it.
    #[must_use]
    pub fn decision(&self) -> Decision {
        if self.state & state::DEFERRED != 0 {
            Decision::Deferred
        } else if self.flags() & flag::DEBUG != 0 {
            Decision::Debug
        } else if self.is_sampled() {
            Decision::Sampled
        } else {
            Decision::Refused
        }
    }

    /// Whether a context without a trace says what becomes of the next one.
    pub(crate) fn decides(&self) -> bool {
        self.state & state::DEFERRED == 0
    }

    /// Whether the trace is reported.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags() & flag::SAMPLED != 0
    }

    /// Whether spans started under this context are recorded: the trace is sampled, or it is decided about late
    /// ([`Sampling::undecided`](crate::Sampling::undecided), [`KeepPolicy`](crate::KeepPolicy)) and is still in question.
    ///
    /// ```
    /// # use tracer_core::{KeepPolicy, Sampler};
    /// let test = tracer_testing::TestTracer::with("shop", |builder| {
    ///     builder.sampler(Sampler::constant(false)).keep(KeepPolicy::errors())
    /// });
    /// let order = test.tracer().start_span("order");
    /// assert!(order.context().is_recorded() && !order.context().is_sampled()); // it may yet fail
    /// ```
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.is_sampled()
            || self
                .local_trace()
                .is_some_and(|trace| trace.phase().is_recorded())
    }

    /// Whether the context came from the wire.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.state & state::REMOTE != 0
    }

    /// Whether the trace id is known to be random in its lower 56 bits (W3C Trace Context Level 2).
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.state & state::RANDOM != 0
    }

    /// The value of a baggage item.
    #[must_use]
    pub fn baggage_item(&self, key: &str) -> Option<&str> {
        self.baggage().get(key)
    }

    /// All baggage items.
    #[must_use]
    pub fn baggage(&self) -> &Baggage {
        static NONE: Baggage = Baggage::new();
        self.carried
            .as_ref()
            .map_or(&NONE, |carried| &carried.baggage)
    }

    /// The W3C `tracestate` that came with the trace; empty for most.
    #[must_use]
    pub fn trace_state(&self) -> &str {
        self.carried
            .as_ref()
            .map_or("", |carried| &carried.trace_state)
    }

    /// The value of the `jaeger-debug-id` header this context was made from; empty for most.
    #[must_use]
    pub fn debug_id(&self) -> &str {
        self.carried
            .as_ref()
            .map_or("", |carried| &carried.debug_id)
    }

    /// Sets a baggage item in this context alone; `false` if a limit forbids it.
    pub(crate) fn set_baggage_item(&mut self, key: &str, value: &str) -> bool {
        self.carried_mut().baggage.set(key, value)
    }

    /// Removes a baggage item from this context alone.
    pub(crate) fn remove_baggage_item(&mut self, key: &str) {
        if self.baggage_item(key).is_some() {
            self.carried_mut().baggage.remove(key);
        }
    }

    pub(crate) fn carried_mut(&mut self) -> &mut Carried {
        Arc::make_mut(self.carried.get_or_insert_default())
    }
}

impl Carried {
    /// Whether there is nothing but the local trace.
    pub(crate) fn is_all_local_trace(&self) -> bool {
        self.baggage.is_empty() && self.trace_state.is_empty() && self.debug_id.is_empty()
    }

    /// Memory held, in bytes.
    pub(crate) fn footprint(&self) -> usize {
        size_of::<Self>() + self.baggage.footprint() + self.trace_state.len() + self.debug_id.len()
    }
}

/// Contexts are equal when they identify the same span and say the same of it; times and origins do not count.
impl PartialEq for SpanContext {
    fn eq(&self, other: &Self) -> bool {
        (self.trace_id, self.span_id, self.parent_id, self.flags())
            == (
                other.trace_id,
                other.span_id,
                other.parent_id,
                other.flags(),
            )
            && self.decision() == other.decision()
            && self.is_random() == other.is_random()
            && self.baggage() == other.baggage()
            && self.trace_state() == other.trace_state()
            && self.debug_id() == other.debug_id()
    }
}

impl Eq for SpanContext {}

/// The form of `uber-trace-id`: `{trace}:{span}:{parent}:{flags}`, a root's parent as 0.
impl fmt::Display for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.trace_id, self.span_id)?;
        if self.parent_id.is_none() {
            f.write_str("0")?;
        } else {
            write!(f, "{}", self.parent_id)?;
        }
        write!(f, ":{:x}", self.flags())
    }
}

impl fmt::Debug for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanContext")
            .field("id", &format_args!("{self}"))
            .field("decision", &self.decision())
            .field("remote", &self.is_remote())
            .field("carried", &self.carried)
            .finish()
    }
}
