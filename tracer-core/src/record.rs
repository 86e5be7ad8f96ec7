//! The record of a span: the one representation it has from its start until its bytes are on the wire.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::callsite::Callsite;
use crate::clock::{self, Anchor, Instant};
use crate::context::{SpanContext, state};
use crate::details::{Details, LogTime, Reference};
use crate::id::{SpanId, TraceId};
use crate::name::Name;
use crate::tag::TagValue;
use crate::tags;

/// A finished span as a [`Reporter`](crate::Reporter) gets it.
///
/// While the span is open the same value lies behind its [`Span`](crate::Span) or the stack of active spans; it is never
/// shared and never copied into another model.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// tracer.start_span("charge").set_tag("cents", 1999);
/// let charge = &test.spans()[0];
/// assert_eq!(charge.operation_name(), "charge");
/// assert_eq!(charge.tag("cents"), Some(1999.into()));
/// assert!(charge.parent_id().is_none());
/// ```
// Fields are copied two at once, which takes longer where they lie on two lines: a root cost 50 ns in place of 45.
#[derive(Clone)]
#[repr(align(64))]
pub struct SpanRecord {
    pub(crate) context: SpanContext,
    /// The operation name; overruled by `details.name` if it is not known at compile time.
    pub(crate) name: Name,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) details: Option<Box<Details>>,
    pub(crate) sampler: Option<SamplerTags>,
}

/// The sampling decision of a root, kept apart from the other tags because every sampled root has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SamplerTags {
    pub(crate) kind: SamplerKind,
    pub(crate) param: f64,
}

impl SamplerTags {
    /// Of the sampler that takes all.
    pub(crate) const ALL: Self = Self {
        kind: SamplerKind::Const,
        param: 1.0,
    };
}

/// The values of `sampler.type` that Jaeger's backends know, and ours. A word: written by the byte and read by the word, it
/// would wait in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum SamplerKind {
    Const,
    Probabilistic,
    RateLimiting,
    LowerBound,
    /// Kept by the policy, for a span failed.
    TailError,
    /// Kept by the policy, for the local root was slow.
    TailSlow,
}

impl SamplerKind {
    /// Not 0.
    pub(crate) const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The inverse of [`number`](Self::number).
    pub(crate) const fn numbered(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Const,
            2 => Self::Probabilistic,
            3 => Self::RateLimiting,
            4 => Self::LowerBound,
            5 => Self::TailError,
            6 => Self::TailSlow,
            _ => return None,
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Const => "const",
            Self::Probabilistic => "probabilistic",
            Self::RateLimiting => "ratelimiting",
            Self::LowerBound => "lowerbound",
            Self::TailError | Self::TailSlow => "tail",
        }
    }
}

/// A log of a span: something that happened while it was open.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// tracer.start_span("charge").log((("event", "retry"), ("attempt", 2)));
/// let charge = &test.spans()[0];
/// let log = charge.logs().next().expect("it was logged");
/// assert_eq!(log.fields[1], ("attempt", 2.into()));
/// assert!(log.time >= charge.start());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord<'a> {
    /// When.
    pub time: SystemTime,
    /// What, in the order it was given.
    pub fields: Vec<(&'a str, TagValue<'a>)>,
}

impl SpanRecord {
    /// The span's context: ids, flags, baggage.
    #[must_use]
    pub fn context(&self) -> &SpanContext {
        &self.context
    }

    /// The trace the span belongs to.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.context.trace_id
    }

    /// The span.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.context.span_id
    }

    /// The span's parent in the same trace; none for a root.
    #[must_use]
    pub fn parent_id(&self) -> SpanId {
        self.context.parent_id
    }

    /// The operation name.
    #[must_use]
    pub fn operation_name(&self) -> &str {
        self.given_name().unwrap_or(self.name.text())
    }

    /// The operation name, if it was not known at compile time.
    pub(crate) fn given_name(&self) -> Option<&str> {
        self.details.as_deref().and_then(Details::name)
    }

    /// When the span started, by the wall clock the trace is anchored to.
    #[must_use]
    pub fn start(&self) -> SystemTime {
        clock::system_time(self.start_nanos())
    }

    /// Orders spans of one process by their starts, exactly: a number that grows with the time of the start. The wall-clock
    /// times of [`start`](Self::start) do not, as traces may see the wall clock set between them. A start that was given is
    /// taken for one by the wall clock as its trace knows it.
    #[must_use]
    pub fn start_order(&self) -> i64 {
        match self.details.as_ref().and_then(|details| details.started_at) {
            Some(given) => self.context.anchor.counter_nanos_of(given),
            None => clock::counter_nanos(self.start),
        }
    }

    /// How long the span was open: never negative, whatever the wall clock did.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.duration_nanos().unsigned_abs())
    }

    /// The tags in the order they were first set, each key once. Those that every span or root of a kind has
    /// (`sampler.*`, `code.*`, `truncated`) come last.
    pub fn tags(&self) -> impl Iterator<Item = (&str, TagValue<'_>)> {
        let implied = self
            .implied_tags()
            .map(|(key, value)| -> (&str, TagValue<'_>) { (key, value) });
        self.details
            .iter()
            .flat_map(|details| details.tags())
            .chain(implied)
    }

    /// The value of one tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<TagValue<'_>> {
        self.tags()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The logs in the order they were made.
    pub fn logs(&self) -> impl Iterator<Item = LogRecord<'_>> {
        self.details
            .iter()
            .flat_map(|details| details.logs())
            .map(|(time, fields)| LogRecord {
                time: clock::system_time(self.log_nanos(time)),
                fields: fields.collect(),
            })
    }

    /// The references given beside the parent, in order. A span with a parent and nothing else has none.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        self.details
            .as_ref()
            .map_or(&[], |details| &details.references)
    }

    /// Whether the span is tagged as failed. As [`tag`](Self::tag) would tell, but of most spans at a glance.
    pub(crate) fn is_failed(&self) -> bool {
        let failed = (tags::ERROR, TagValue::Bool(true));
        self.details
            .as_ref()
            .is_some_and(|details| details.tags().any(|tag| tag == failed))
    }

    /// Nanoseconds from the Unix epoch to the start.
    pub(crate) fn start_nanos(&self) -> i64 {
        match self.details.as_ref().and_then(|details| details.started_at) {
            Some(given) => given,
            None => self.context.anchor.wall_nanos(self.start),
        }
    }

    /// Nanoseconds from start to end, never negative.
    pub(crate) fn duration_nanos(&self) -> i64 {
        let given = self.details.as_ref().map_or((None, None), |details| {
            (details.started_at, details.finished_at)
        });
        if let (None, None) = given {
            let counted = self.end.saturating_duration_since(self.start).as_nanos();
            return i64::try_from(counted).unwrap_or(i64::MAX);
        }
        let end = given
            .1
            .unwrap_or_else(|| self.context.anchor.wall_nanos(self.end));
        end.saturating_sub(self.start_nanos()).max(0)
    }

    /// Nanoseconds from the Unix epoch to a log.
    pub(crate) fn log_nanos(&self, time: LogTime) -> i64 {
        match time {
            LogTime::Counter(ticks) => {
                let anchor = self.context.anchor;
                anchor.wall_nanos_of(clock::nanos_of_ticks(ticks))
            }
            LogTime::Wall(nanos) => nanos,
        }
    }

    /// Tags that are not in the details because they are the same for all spans of a kind or kept elsewhere.
    pub(crate) fn implied_tags(&self) -> impl Iterator<Item = (&'static str, TagValue<'static>)> {
        let truncated = self
            .details
            .as_ref()
            .is_some_and(|details| details.truncated);
        let truncated = truncated.then_some((tags::TRUNCATED, TagValue::Bool(true)));
        self.sampler_tags()
            .into_iter()
            .flatten()
            .chain(
                self.name
                    .callsite()
                    .map(Callsite::tags)
                    .into_iter()
                    .flatten(),
            )
            .chain(truncated)
    }

    /// The tags that say how it came that a trace is sampled.
    pub(crate) fn sampler_tags(&self) -> Option<[(&'static str, TagValue<'static>); 2]> {
        let sampler = self.sampler?;
        let param = match sampler.kind {
            SamplerKind::Const => TagValue::Bool(sampler.param != 0.0),
            SamplerKind::TailError => "error".into(),
            SamplerKind::TailSlow => "slow".into(),
            SamplerKind::Probabilistic | SamplerKind::RateLimiting | SamplerKind::LowerBound => {
                TagValue::F64(sampler.param)
            }
        };
        Some([
            (tags::SAMPLER_TYPE, sampler.kind.as_str().into()),
            (tags::SAMPLER_PARAM, param),
        ])
    }

    /// A record that only holds a context, to be active in place of a span.
    pub(crate) fn of_context(mut context: SpanContext) -> Self {
        context.state |= state::BARE;
        let never = Instant::ZERO;
        Self {
            context,
            name: Name::NONE,
            start: never,
            end: never,
            details: None,
            sampler: None,
        }
    }

    /// Becomes that of a root that has not started yet, with the tags of the sampler if it said yes. It must own nothing.
    #[inline(always)]
    pub(crate) fn begin_root(
        &mut self,
        name: Name,
        trace_id: TraceId,
        anchor: Anchor,
        tracer: u32,
        tags: Option<SamplerTags>,
    ) {
        debug_assert!(self.is_empty(), "nothing drops what it owns");
        self.context
            .begin_root(trace_id, anchor, tracer, tags.is_some());
        self.name = name;
        self.start = Instant::ZERO;
        self.sampler = tags;
    }

    /// A record of nothing.
    pub(crate) fn empty() -> Self {
        Self::of_context(SpanContext::EMPTY)
    }

    /// Moves the record out; what is left owns nothing.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        self.take_ended(self.end)
    }

    /// Moves the record out with its end set: on the way, for a value stored here would be read back at once.
    #[inline]
    pub(crate) fn take_ended(&mut self, end: Instant) -> Self {
        Self {
            context: self.context.take(),
            name: self.name,
            start: self.start,
            end,
            details: self.details.take(),
            sampler: self.sampler,
        }
    }

    /// Drops what the record owns.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if !self.is_empty() {
            self.drop_owned();
        }
    }

    /// Whether the record owns nothing.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.context.carried.is_none() && self.details.is_none()
    }

    /// Apart: dropping is much code, and few records own anything.
    #[cold]
    fn drop_owned(&mut self) {
        self.context.carried = None;
        self.details = None;
    }

    /// Whether times, tags and logs are kept.
    #[inline]
    pub(crate) fn is_recording(&self) -> bool {
        self.context.is_recording()
    }

    /// Whether the span goes to the reporters when it ends.
    #[inline]
    pub(crate) fn is_reported(&self) -> bool {
        self.context.state & state::RECORDING != 0
    }

    /// Whether its end is counted, and it goes to the reporters.
    #[inline]
    pub(crate) fn is_ordinary(&self) -> bool {
        let both = state::RECORDING | state::COUNTED;
        self.context.state & both == both
    }

    /// Whether it is the span that its local trace began with.
    pub(crate) fn is_local_root(&self) -> bool {
        self.context.state & state::LOCAL_ROOT != 0
    }

    /// Whether the span goes to its local trace when it ends.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.context.state & state::HELD != 0
    }
}

impl fmt::Debug for SpanRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanRecord")
            .field("context", &self.context)
            .field("operation_name", &self.operation_name())
            .field("duration", &self.duration())
            .field("tags", &self.tags().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
