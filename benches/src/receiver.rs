//! The reporter at the end of the rows without a socket: counts what it is handed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts delivered spans. Each contender wraps it in its own reporter or exporter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receiver {
    received: Arc<AtomicU64>,
    per_span: Duration,
}

impl Receiver {
    /// A receiver that keeps its thread busy for `per_span` with each span, as encoding and a network would.
    pub(crate) fn slow(per_span: Duration) -> Self {
        Self {
            received: Arc::default(),
            per_span,
        }
    }

    /// Takes `spans` spans.
    pub(crate) fn receive(&self, spans: usize) {
        if !self.per_span.is_zero() {
            let until = Instant::now() + self.per_span * u32::try_from(spans).unwrap_or(u32::MAX);
            while Instant::now() < until {
                std::hint::spin_loop();
            }
        }
        self.received.fetch_add(spans as u64, Ordering::Relaxed);
    }

    /// Spans taken so far.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}
