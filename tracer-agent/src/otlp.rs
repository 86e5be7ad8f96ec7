//! What OTLP's words are here, in whatever encoding they came: those of Jaeger, translated as it does it, and back from how
//! `forward/otlp.rs` writes them.
//!
//! Readers of an encoding fill these in, one span at a time, with parts that are ours already: they know fields and bytes, and
//! nothing of what is meant.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::model::{self, Log, Process, RefType, Reference, SpanId, Tag, TagValue, TraceId};

/// The kinds of spans, as the tag `span.kind` has them. OTLP counts them from 1.
pub(crate) const KINDS: [&str; 5] = ["internal", "server", "client", "producer", "consumer"];

/// Codes of a status.
pub(crate) const OK: u64 = 1;
pub(crate) const ERROR: u64 = 2;

/// The most tags that a span gets beside its attributes, and fields that an event does.
pub(crate) const ADDED_TAGS: usize = 10;
pub(crate) const ADDED_FIELDS: usize = 2;

/// How deep lists and maps may be within each other.
const MAX_DEPTH: usize = 16;

/// Who reports.
#[derive(Debug, Default)]
pub(crate) struct Resource {
    pub(crate) attributes: Vec<Tag>,
    pub(crate) dropped_attributes: u32,
}

/// The library that made a span.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    name: Box<str>,
    version: Box<str>,
}

/// A span of that library, with what of it may be ours already.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) trace_state: Box<str>,
    pub(crate) flags: u32,
    pub(crate) name: Box<str>,
    pub(crate) kind: u64,
    pub(crate) start_nanos: u64,
    pub(crate) end_nanos: u64,
    pub(crate) attributes: Vec<Tag>,
    pub(crate) dropped_attributes: u32,
    pub(crate) events: Vec<Log>,
    pub(crate) dropped_events: u32,
    pub(crate) links: Vec<Reference>,
    pub(crate) dropped_links: u32,
    pub(crate) status: Status,
}

#[derive(Debug, Default)]
pub(crate) struct Status {
    pub(crate) code: u64,
    pub(crate) message: Box<str>,
}

/// Something that happened during a span.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) nanos: u64,
    pub(crate) name: Box<str>,
    pub(crate) attributes: Vec<Tag>,
    pub(crate) dropped_attributes: u32,
}

impl Resource {
    pub(crate) fn into_process(self) -> Process {
        let mut tags = self.attributes;
        let named = tags.iter().position(|tag| &*tag.key == "service.name");
        let service = named.map(|named| tags.remove(named).value.to_string());
        push_count(
            &mut tags,
            "otel.dropped_attributes_count",
            self.dropped_attributes,
        );
        Process {
            service: service
                .unwrap_or_else(|| String::from("unknown_service"))
                .into(),
            tags: tags.into(),
        }
    }
}

impl Scope {
    /// Cut where they are longer than any name: each span of the library gets them.
    pub(crate) fn new(name: &str, version: &str) -> Self {
        const MOST: usize = 256;
        let cut = |text: &str| text[..text.floor_char_boundary(MOST)].into();
        Self {
            name: cut(name),
            version: cut(version),
        }
    }
}

/// Of no ids, which have to be set.
impl Default for Span {
    fn default() -> Self {
        Self {
            trace_id: TraceId::new(0),
            span_id: SpanId::new(0),
            parent: None,
            trace_state: Box::default(),
            flags: 0,
            name: Box::default(),
            kind: 0,
            start_nanos: 0,
            end_nanos: 0,
            attributes: Vec::new(),
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Status::default(),
        }
    }
}

impl Span {
    pub(crate) fn into_model(self, scope: &Scope, process: &Arc<Process>) -> model::Span {
        let kind = usize::try_from(self.kind).ok();
        let kind = kind.and_then(|kind| KINDS.get(kind.checked_sub(1)?));
        let is_error = self.status.code == ERROR;
        let is_told = self.attributes.iter().any(|tag| &*tag.key == "error");

        let mut tags = self.attributes;
        push_text(&mut tags, "span.kind", kind.copied().unwrap_or_default());
        push_text(&mut tags, "w3c.tracestate", &self.trace_state);
        push_text(&mut tags, "otel.scope.name", &scope.name);
        push_text(&mut tags, "otel.scope.version", &scope.version);
        push_text(&mut tags, "otel.status_description", &self.status.message);
        if self.status.code == OK {
            push_text(&mut tags, "otel.status_code", "OK");
        }
        push_count(
            &mut tags,
            "otel.dropped_attributes_count",
            self.dropped_attributes,
        );
        push_count(&mut tags, "otel.dropped_events_count", self.dropped_events);
        push_count(&mut tags, "otel.dropped_links_count", self.dropped_links);
        if is_error && !is_told {
            tags.push(Tag::new("error", TagValue::Bool(true)));
        }
        model::Span {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.parent,
            operation: self.name,
            references: self.links.into(),
            flags: self.flags,
            tags: tags.into(),
            logs: self.events.into(),
            process: Arc::clone(process),
            start_micros: self.start_nanos / 1_000,
            duration_micros: self.end_nanos.saturating_sub(self.start_nanos) / 1_000,
        }
    }
}

impl Event {
    pub(crate) fn into_log(self) -> Log {
        let mut fields = self.attributes;
        if !self.name.is_empty() {
            fields.insert(0, Tag::new("event", TagValue::String(self.name)));
        }
        push_count(
            &mut fields,
            "otel.dropped_attributes_count",
            self.dropped_attributes,
        );
        Log {
            fields: fields.into(),
            micros: self.nanos / 1_000,
        }
    }
}

/// What a link with these attributes is.
pub(crate) fn reference(trace_id: TraceId, span_id: SpanId, attributes: &[Tag]) -> Reference {
    let is_child = attributes
        .iter()
        .any(|tag| &*tag.key == "opentracing.ref_type" && tag.value.as_str() == Some("child_of"));
    Reference {
        ref_type: if is_child {
            RefType::ChildOf
        } else {
            RefType::FollowsFrom
        },
        trace_id,
        span_id,
    }
}

fn push_text(tags: &mut Vec<Tag>, key: &str, text: &str) {
    if !text.is_empty() {
        tags.push(Tag::new(key, TagValue::String(text.into())));
    }
}

/// As OpenTelemetry asks of whoever has no field for them.
fn push_count(tags: &mut Vec<Tag>, key: &str, count: u32) {
    if count > 0 {
        tags.push(Tag::new(key, TagValue::Int(count.into())));
    }
}

/// A list or a map in the JSON anybody would write for it, as Jaeger has it, while it is written.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    json: Vec<u8>,
    depth: usize,
}

impl Plain {
    pub(crate) fn into_value(self) -> TagValue {
        TagValue::String(String::from_utf8_lossy(&self.json).into())
    }

    /// Writes a list, whose values `write` writes.
    pub(crate) fn list<E>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.nested(*b"[]", write)
    }

    /// Writes a map, of which `write` writes each key and then its value.
    pub(crate) fn map<E>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.nested(*b"{}", write)
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.separate();
        self.push(key);
        self.json.push(b':');
    }

    /// Writes what is no list and no map, or that there is nothing.
    pub(crate) fn value(&mut self, value: Option<&TagValue>) {
        self.separate();
        match value {
            None => self.json.extend(b"null"),
            Some(TagValue::Bool(is)) => self.push(is),
            Some(TagValue::Int(number)) => self.push(number),
            Some(TagValue::Float(number)) if number.is_finite() => self.push(number),
            Some(number @ TagValue::Float(_)) => self.push(&number.to_string()),
            Some(TagValue::String(text)) => self.push(text),
            Some(TagValue::Binary(bytes)) => self.push(&BASE64.encode(bytes)),
        }
    }

    /// What is deeper than any writer goes is left out: who reads it takes a piece of the stack for each level.
    fn nested<E>(
        &mut self,
        [open, close]: [u8; 2],
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.separate();
        if self.depth == MAX_DEPTH {
            self.push("nested too deep");
            return Ok(());
        }
        self.json.push(open);
        self.depth += 1;
        write(self)?;
        self.depth -= 1;
        self.json.push(close);
        Ok(())
    }

    /// A text ends in a quote, so these are none's.
    fn separate(&mut self) {
        if !matches!(self.json.last(), None | Some(b'[' | b'{' | b':')) {
            self.json.push(b',');
        }
    }

    fn push(&mut self, value: &(impl serde::Serialize + ?Sized)) {
        // Neither these values nor a vector of bytes fails.
        let _ = serde_json::to_writer(&mut self.json, value);
    }
}
