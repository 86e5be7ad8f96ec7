//! What the drivers log, by the span that is active then.

use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record};
use tracer_core::{SpanId, active_span};

struct Listener;

static HEARD: Mutex<Vec<SpanId>> = Mutex::new(Vec::new());

impl Log for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata())
            && let Some(context) = active_span().context()
        {
            HEARD.lock().unwrap().push(context.span_id());
        }
    }

    fn flush(&self) {}
}

/// Hears what is logged from now on.
pub(crate) fn listen() {
    // Another test may have been first.
    let _ = log::set_logger(&Listener);
    log::set_max_level(LevelFilter::Debug);
}

/// Whether a query was logged within that span.
pub(crate) fn has_heard_in(span: SpanId) -> bool {
    HEARD.lock().unwrap().contains(&span)
}
