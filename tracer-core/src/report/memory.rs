//! The reporter that keeps spans in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::{LossCause, ReportError, Reporter};

/// Keeps finished spans for whoever has a clone of it: for tests, and for showing a program its own traces.
///
/// Spans arrive when the tracer flushes. It keeps as many as its [capacity](Self::with_capacity); further spans are lost
/// and counted until some are [taken](Self::take).
///
/// ```
/// use std::time::Duration;
/// use tracer_core::{MemoryReporter, Sampler, Tracer};
///
/// let memory = MemoryReporter::new();
/// let tracer = Tracer::builder("shop").sampler(Sampler::constant(true)).reporter(memory.clone()).build()?;
/// tracer.start_span("order").finish();
/// tracer.flush(Duration::from_secs(1))?;
/// assert_eq!(memory.take()[0].operation_name(), "order");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryReporter {
    kept: Arc<Mutex<VecDeque<(Arc<Process>, SpanRecord)>>>,
    capacity: usize,
}

const DEFAULT_CAPACITY: usize = 100_000;

impl MemoryReporter {
    /// A reporter that keeps up to 100 000 spans.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// A reporter that keeps up to `capacity` spans.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            kept: Arc::default(),
            capacity,
        }
    }

    /// A copy of the spans kept, in the order they came.
    #[must_use]
    pub fn spans(&self) -> Vec<SpanRecord> {
        self.lock().iter().map(|(_, span)| span.clone()).collect()
    }

    /// Takes the spans kept, in the order they came.
    #[must_use = "the spans are gone from the reporter"]
    pub fn take(&self) -> Vec<SpanRecord> {
        self.take_with_process()
            .into_iter()
            .map(|(_, span)| span)
            .collect()
    }

    /// As [`take`](Self::take), each span with the process it is of: for several tracers that share a reporter.
    #[must_use = "the spans are gone from the reporter"]
    pub fn take_with_process(&self) -> Vec<(Arc<Process>, SpanRecord)> {
        std::mem::take(&mut *self.lock()).into()
    }

    /// How many spans are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no span is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Arc<Process>, SpanRecord)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryReporter {
    fn default() -> Self {
        Self::new()
    }
}

impl Reporter for MemoryReporter {
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        let mut kept = self.lock();
        let process = match kept.back() {
            Some((last, _)) if **last == *process => Arc::clone(last),
            _ => Arc::new(process.clone()),
        };
        let (fit, rest) = batch.split_at(batch.len().min(self.capacity.saturating_sub(kept.len())));
        kept.extend(fit.iter().map(|span| (Arc::clone(&process), span.clone())));
        if rest.is_empty() {
            return Ok(());
        }
        Err(ReportError::new(
            rest.len(),
            LossCause::Refused,
            "the memory reporter is full",
        ))
    }
}
