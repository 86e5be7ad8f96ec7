//! A span as text: what was sent and what came back are compared in this form.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
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

/// How spans come to Jaeger's store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Format {
    /// Thrift by POST.
    Thrift,
    /// What Jaeger's own agent makes of Thrift.
    Proto,
    Otlp,
}

impl Backend {
    /// Changes what was sent as the backend does by design.
    pub(crate) fn translate(self, span: &mut Span, format: Format) {
        match (self, format) {
            (Self::V1, Format::Thrift) => noted(span, "jaeger"),
            (Self::V1, Format::Proto) => noted(span, "proto"),
            (Self::V1, Format::Otlp) => {
                through_opentelemetry(span);
                bytes_as_text(&mut span.tags);
                span.logs
                    .iter_mut()
                    .for_each(|(_, fields)| bytes_as_text(fields));
                parent_that_waits(span);
                noted(span, "proto");
            }
            (Self::V2, Format::Otlp) => through_opentelemetry(span),
            (Self::V2, Format::Thrift | Format::Proto) => {
                through_opentelemetry(span);
                for (key, value) in &mut span.process {
                    if key == "jaeger.version" {
                        *key = "opencensus.exporterversion".into();
                        *value = format!("Jaeger-{value}").into();
                    }
                }
            }
        }
    }
}

fn noted(span: &mut Span, format: &'static str) {
    span.tags
        .push(("internal.span.format".into(), format.into()));
}

fn through_opentelemetry(span: &mut Span) {
    // The model has no flags.
    span.flags = 0;
    let failed =
        |(key, value): &(String, TagValue<'_>)| key == "error" && *value == TagValue::Bool(true);
    if span.tags.iter().any(failed) {
        span.tags.push(("otel.status_code".into(), "ERROR".into()));
    }
    for (key, _) in &mut span.process {
        if key == "hostname" {
            *key = "host.name".into();
        }
    }
}

fn bytes_as_text(tags: &mut Tags) {
    for (_, value) in tags {
        if let TagValue::Bytes(bytes) = value {
            *value = BASE64_STANDARD.encode(bytes).into();
        }
    }
}

/// OpenTelemetry's parent is there twice, as ChildOf and as the link it is, where it was FollowsFrom.
fn parent_that_waits(span: &mut Span) {
    let child = |(kind, ..): &(ReferenceKind, TraceId, SpanId)| *kind == ReferenceKind::ChildOf;
    if !span.references.iter().any(child)
        && let Some(&(_, trace_id, span_id)) = span.references.first()
    {
        let parent = (ReferenceKind::ChildOf, trace_id, span_id);
        span.references.insert(0, parent);
    }
}
