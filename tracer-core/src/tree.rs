//! Reported spans as indented text, for tests in here: those of `tracer-testing` are of a tracer-core without tests.

use std::fmt::Write;
use std::time::Duration;

use crate::{MemoryReporter, SpanRecord, Tracer, TracerBuilder};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A tracer and what it reports.
pub(crate) struct Test {
    pub(crate) tracer: Tracer,
    memory: MemoryReporter,
}

impl Test {
    pub(crate) fn new(set_up: impl FnOnce(TracerBuilder) -> TracerBuilder) -> Self {
        let memory = MemoryReporter::new();
        let builder = Tracer::builder("test").reporter(memory.clone());
        let tracer = set_up(builder).build().unwrap();
        Self { tracer, memory }
    }

    /// The spans that were reported since the last time.
    pub(crate) fn take(&self) -> String {
        self.tracer.flush(PATIENCE).unwrap();
        tree(&self.memory.take())
    }
}

/// A line for each span: below its parent, if that is there, and in the order of the starts.
pub(crate) fn tree(spans: &[SpanRecord]) -> String {
    let mut spans: Vec<_> = spans.iter().collect();
    spans.sort_by_key(|span| span.start_order());
    let is_there = |id| spans.iter().any(|span| span.span_id() == id);
    let mut text = String::new();
    for root in spans.iter().filter(|span| !is_there(span.parent_id())) {
        write_below(&mut text, &spans, root, 0);
    }
    text
}

fn write_below(text: &mut String, spans: &[&SpanRecord], span: &SpanRecord, depth: usize) {
    let _ = write!(text, "{:1$}{2}", "", 2 * depth, span.operation_name());
    let tags = span.tags().filter(|(key, _)| {
        let (group, _) = key.split_once('.').unwrap_or_default();
        group != "code" && group != "sampler"
    });
    let tags: Vec<_> = tags.map(|(key, value)| format!("{key}={value}")).collect();
    if !tags.is_empty() {
        let _ = write!(text, " {{{}}}", tags.join(", "));
    }
    text.push('\n');
    for child in spans.iter().filter(|it| it.parent_id() == span.span_id()) {
        write_below(text, spans, child, depth + 1);
    }
}
