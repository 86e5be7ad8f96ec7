//! What a search asks for.

use std::time::{Duration, SystemTime};

use super::index::OVERFLOW;
use crate::model::{Span, Trace};

/// What a search asks for. A trace is found when *one* of its spans meets every condition, as in Jaeger.
///
/// ```
/// use std::time::Duration;
/// use tracer_agent::Query;
///
/// let slow_failures = Query::new().service("shop").tag("error", "true").min_duration(Duration::from_millis(100));
/// ```
#[derive(Debug, Clone)]
pub struct Query {
    pub(super) service: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) limit: usize,
    tags: Vec<(String, String)>,
    start_min: Option<SystemTime>,
    start_max: Option<SystemTime>,
    min_duration: Option<Duration>,
    max_duration: Option<Duration>,
}

impl Default for Query {
    fn default() -> Self {
        Self::new()
    }
}

impl Query {
    /// The newest 20 traces of any service.
    #[must_use]
    pub fn new() -> Self {
        Self {
            service: None,
            operation: None,
            limit: 20,
            tags: Vec::new(),
            start_min: None,
            start_max: None,
            min_duration: None,
            max_duration: None,
        }
    }

    /// Spans of this service.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    /// Spans with this operation name.
    #[must_use]
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Spans with this tag, on the span, its process or one of its logs; the value is compared as text. Called again it
    /// adds a further tag; all must be there.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Spans that started at `time` or later.
    #[must_use]
    pub fn start_min(mut self, time: SystemTime) -> Self {
        self.start_min = Some(time);
        self
    }

    /// Spans that started at `time` or earlier.
    #[must_use]
    pub fn start_max(mut self, time: SystemTime) -> Self {
        self.start_max = Some(time);
        self
    }

    /// Spans that took at least `duration`.
    #[must_use]
    pub fn min_duration(mut self, duration: Duration) -> Self {
        self.min_duration = Some(duration);
        self
    }

    /// Spans that took at most `duration`.
    #[must_use]
    pub fn max_duration(mut self, duration: Duration) -> Self {
        self.max_duration = Some(duration);
        self
    }

    /// At most this many traces; 20 unless said.
    #[must_use]
    pub fn limit(mut self, traces: usize) -> Self {
        self.limit = traces;
        self
    }

    /// Whether a span of the trace meets every condition.
    pub(super) fn matches(&self, trace: &Trace) -> bool {
        trace.spans().any(|span| self.matches_span(span))
    }

    fn matches_span(&self, span: &Span) -> bool {
        // The overflow list, when it is asked for by its name, has told which traces they are.
        let is = |name: &str, own: &str| name == own || name == OVERFLOW;
        self.service
            .as_deref()
            .is_none_or(|name| is(name, span.service()))
            && self
                .operation
                .as_deref()
                .is_none_or(|name| is(name, &span.operation))
            && self.start_min.is_none_or(|time| span.start() >= time)
            && self.start_max.is_none_or(|time| span.start() <= time)
            && self
                .min_duration
                .is_none_or(|least| span.duration() >= least)
            && self.max_duration.is_none_or(|most| span.duration() <= most)
            && self
                .tags
                .iter()
                .all(|(key, value)| has_tag(span, key, value))
    }
}

fn has_tag(span: &Span, key: &str, value: &str) -> bool {
    let fields = span.logs.iter().flat_map(|log| log.fields.iter());
    span.tags
        .iter()
        .chain(&span.process.tags)
        .chain(fields)
        .any(|tag| *tag.key == *key && tag.value.is_text(value))
}
