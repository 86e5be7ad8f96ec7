//! A finished span as its client reported it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::tag::{self, Tag, TagValue};
use super::{Process, SpanId, TraceId, cost};

/// A finished span as its client reported it, and the process that did.
///
/// Times are kept in whole microseconds, the unit of the wire; a negative start or duration became zero.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The parent as the wire's `parentSpanId` says it; see [`parent`](Self::parent) for the one that counts.
    pub parent_span_id: Option<SpanId>,
    /// The operation name.
    pub operation: Box<str>,
    /// References to other spans, in the order they were sent.
    pub references: Box<[Reference]>,
    /// Jaeger's trace flags: bit 0 sampled, bit 1 debug, bit 3 firehose.
    pub flags: u32,
    /// The tags, in the order they were set; keys may repeat.
    pub tags: Box<[Tag]>,
    /// The logs, in the order they were written.
    pub logs: Box<[Log]>,
    /// The process that reported it.
    pub process: Arc<Process>,
    pub(crate) start_micros: u64,
    pub(crate) duration_micros: u64,
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq, Hash)]
#[non_exhaustive]
pub struct Log {
    /// What happened, as key and value pairs; `event` is the customary first.
    pub fields: Box<[Tag]>,
    pub(crate) micros: u64,
}

/// A reference from a span to another, perhaps of another trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reference {
    /// How the two are related.
    pub ref_type: RefType,
    /// The trace of the other.
    pub trace_id: TraceId,
    /// The other.
    pub span_id: SpanId,
}

/// How a span depends on the one it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefType {
    /// The other waits for this one.
    ChildOf,
    /// The other caused this one and does not wait.
    FollowsFrom,
}

impl Span {
    /// The service name of the reporting process.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.process.service
    }

    /// When it started.
    #[must_use]
    pub fn start(&self) -> SystemTime {
        after_epoch(self.start_micros)
    }

    /// How long it took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.duration_micros)
    }

    /// The parent: `parentSpanId`, else the first ChildOf reference to the same trace, else the first FollowsFrom
    /// reference to it. Go and Python clients write `parentSpanId`, Java only references when there are several.
    #[must_use]
    pub fn parent(&self) -> Option<SpanId> {
        let first = |ref_type| {
            self.references
                .iter()
                .find(|r| r.ref_type == ref_type && r.trace_id == self.trace_id)
                .map(|r| r.span_id)
        };
        self.parent_span_id
            .or_else(|| first(RefType::ChildOf))
            .or_else(|| first(RefType::FollowsFrom))
    }

    /// The value of the first tag named `key`.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&TagValue> {
        tag::find(&self.tags, key)
    }

    /// Whether the span is marked as failed: one of its tags `error` is neither false, zero nor empty. There are several where
    /// a client adds a tag that is set again.
    #[must_use]
    pub fn is_error(&self) -> bool {
        let mut marks = self.tags.iter().filter(|tag| &*tag.key == "error");
        marks.any(|mark| match &mark.value {
            TagValue::Bool(is) => *is,
            TagValue::String(text) => !text.is_empty() && &**text != "false",
            TagValue::Int(number) => *number != 0,
            TagValue::Float(number) => *number != 0.0,
            TagValue::Binary(bytes) => !bytes.is_empty(),
        })
    }

    pub(crate) fn end_micros(&self) -> u64 {
        self.start_micros.saturating_add(self.duration_micros)
    }

    /// Bytes this span takes in memory without its process, allocator's overhead included.
    pub(crate) fn cost(&self) -> usize {
        let logs = self
            .logs
            .iter()
            .map(|log| tag::cost(&log.fields))
            .sum::<usize>();
        size_of::<Self>()
            + cost::block(self.operation.len())
            + cost::block(size_of_val(&*self.references))
            + tag::cost(&self.tags)
            + cost::block(size_of_val(&*self.logs))
            + logs
    }
}

/// Without the process, and the same however the parent is said: it serves to find repeated spans, and the JSON of a trace has
/// the parent among the references.
impl Hash for Span {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            trace_id,
            span_id,
            parent_span_id: _,
            operation,
            references,
            flags,
            tags,
            logs,
            process: _,
            start_micros,
            duration_micros,
        } = self;
        let parent = self.parent();
        (trace_id, span_id, parent, operation, flags).hash(state);
        for reference in references {
            let is_parent = reference.ref_type == RefType::ChildOf
                && reference.trace_id == *trace_id
                && Some(reference.span_id) == parent;
            if !is_parent {
                reference.hash(state);
            }
        }
        (tags, logs, start_micros, duration_micros).hash(state);
    }
}

impl Log {
    /// When it happened.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        after_epoch(self.micros)
    }

    /// The value of the first field named `key`.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&TagValue> {
        tag::find(&self.fields, key)
    }
}

/// A time no clock of this platform can hold reads as the epoch rather than panicking.
fn after_epoch(micros: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_micros(micros))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
