//! Runs something with a peer and gives back the spans.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::prelude::SpanContext;
use opentelemetry::Context;
use opentelemetry::trace::{Status, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing_subscriber::layer::SubscriberExt;

use crate::tree::{Record, tree};

/// The spans of `tracing` below an entered root, as they are handed to OpenTelemetry's processor.
pub(crate) fn instrument(run: impl FnOnce()) -> String {
    let memory = Memory::default();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(memory.clone())
        .build();
    let bridge = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("peer"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    let subscriber = tracing_subscriber::registry().with(bridge);
    tracing::subscriber::with_default(subscriber, || tracing::info_span!("root").in_scope(run));
    let spans = memory.0.lock().unwrap();
    let records: Vec<_> = spans.iter().map(exported).collect();
    below_root(&records)
}

/// The spans of fastrace below a root that is the thread's local parent, as its reporter is handed them.
pub(crate) fn trace(run: impl FnOnce()) -> String {
    LazyLock::force(&REPORTER);
    let context = SpanContext::random();
    {
        let root = fastrace::Span::root("root", context);
        let _local = root.set_local_parent();
        run();
    }
    fastrace::flush();
    let spans = REPORTED.lock().unwrap();
    let records: Vec<_> = spans
        .iter()
        .filter(|span| span.trace_id == context.trace_id)
        .map(reported)
        .collect();
    below_root(&records)
}

/// What its reporter was handed. It is the process's; tests are told apart by their traces.
static REPORTED: Mutex<Vec<SpanRecord>> = Mutex::new(Vec::new());

static REPORTER: LazyLock<()> =
    LazyLock::new(|| fastrace::set_reporter(Keeping, Config::default()));

struct Keeping;

impl Reporter for Keeping {
    fn report(&mut self, mut spans: Vec<SpanRecord>) {
        REPORTED.lock().unwrap().append(&mut spans);
    }
}

/// Nothing is left out silently: a span without a known parent fails the test.
fn below_root(records: &[Record]) -> String {
    let ids: HashSet<_> = records.iter().map(|record| record.id).collect();
    let root = records
        .iter()
        .find(|record| record.name == "root")
        .expect("the root is there");
    for record in records {
        assert!(
            record.id == root.id || ids.contains(&record.parent),
            "{} is an orphan",
            record.name
        );
    }
    tree(records, root.id)
}

fn exported(span: &SpanData) -> Record {
    let mut marks: Vec<_> = span
        .attributes
        .iter()
        .map(|attribute| format!("{}={}", attribute.key, attribute.value))
        .collect();
    marks.extend(
        span.events
            .iter()
            .map(|event| format!("event {}", event.name)),
    );
    if span.status != Status::Unset {
        marks.push(format!("status {:?}", span.status));
    }
    Record {
        id: u64::from_be_bytes(span.span_context.span_id().to_bytes()),
        parent: u64::from_be_bytes(span.parent_span_id.to_bytes()),
        name: span.name.to_string(),
        marks,
    }
}

fn reported(span: &SpanRecord) -> Record {
    let mut marks: Vec<_> = span
        .properties
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    marks.extend(
        span.events
            .iter()
            .map(|event| format!("event {}", event.name)),
    );
    // By default the path of the function, for an async one that of the closure in it.
    let name = span
        .name
        .strip_suffix("::{{closure}}")
        .unwrap_or(&span.name);
    Record {
        id: span.span_id.0,
        parent: span.parent_id.0,
        name: name.rsplit("::").next().unwrap_or(name).to_owned(),
        marks,
    }
}

#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<SpanData>>>);

/// A processor: the simple one blocks on its exporter, which futures-executor refuses within another `block_on`.
impl SpanProcessor for Memory {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
