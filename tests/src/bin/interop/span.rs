//! A span as text: what was sent and what came back are compared in this form.

use std::fmt;

use tracer_core::{ReferenceKind, SpanId, TagValue, TraceId};

/// Tags or the fields of a log.
pub(crate) type Tags = Vec<(String, TagValue<'static>)>;

/// All that a backend keeps of a span.
#[derive(Clone)]
pub(crate) struct Span {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) operation: String,
    pub(crate) references: Vec<(ReferenceKind, TraceId, SpanId)>,
    pub(crate) flags: u64,
    /// In microseconds, as the wire has it.
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) tags: Tags,
    pub(crate) logs: Vec<(i64, Tags)>,
    pub(crate) service: String,
    pub(crate) process: Tags,
}

/// Tags have no order: they are written by key.
fn write_tags(f: &mut fmt::Formatter<'_>, indent: &str, tags: &Tags) -> fmt::Result {
    let mut tags: Vec<_> = tags.iter().collect();
    tags.sort_by(|(one, _), (other, _)| one.cmp(other));
    tags.iter()
        .try_for_each(|(key, value)| writeln!(f, "{indent}{key} = {value:?}"))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}:{} {:?}, flags {}, {} + {} us",
            self.trace_id, self.span_id, self.operation, self.flags, self.start, self.duration
        )?;
        for (kind, trace_id, span_id) in &self.references {
            writeln!(f, "  {kind:?} {trace_id}:{span_id}")?;
        }
        write_tags(f, "  ", &self.tags)?;
        for (time, fields) in &self.logs {
            writeln!(f, "  log {time} us")?;
            write_tags(f, "    ", fields)?;
        }
        writeln!(f, "  process {:?}", self.service)?;
        write_tags(f, "    ", &self.process)
    }
}

/// The spans of a trace as one text, in the order of their starts.
pub(crate) fn text(mut spans: Vec<Span>) -> String {
    spans.sort_by_key(|span| span.start);
    spans.iter().map(Span::to_string).collect()
}

/// Which Jaeger it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Backend {
    /// Keeps what it gets, and notes on each span how that came.
    V1,
    /// Keeps OpenTelemetry's model, and translates into it and back.
    V2,
}

impl Backend {
    /// Changes what was sent as the backend does by design.
    pub(crate) fn translate(self, span: &mut Span, format: &'static str) {
        match self {
            Self::V1 => {
                span.tags
                    .push(("internal.span.format".into(), format.into()));
            }
            Self::V2 => {
                // The model has no flags.
                span.flags = 0;
                let failed = |(key, value): &(String, TagValue<'_>)| {
                    key == "error" && *value == TagValue::Bool(true)
                };
                if span.tags.iter().any(failed) {
                    span.tags.push(("otel.status_code".into(), "ERROR".into()));
                }
                for (key, value) in &mut span.process {
                    if key == "hostname" {
                        *key = "host.name".into();
                    } else if key == "jaeger.version" {
                        *key = "opencensus.exporterversion".into();
                        *value = format!("Jaeger-{value}").into();
                    }
                }
            }
        }
    }
}
