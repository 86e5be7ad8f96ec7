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
    kept: Arc<Mutex<Kept>>,
    capacity: usize,
}

/// Spans that came one after another from the same process share it.
type Kept = VecDeque<(Arc<Process>, SpanRecord)>;

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
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # let memory = tracer_core::MemoryReporter::new();
    /// let bank = test.service_with("bank", |builder| builder.reporter(memory.clone()));
    /// bank.start_span("transfer").finish();
    /// # bank.flush(std::time::Duration::from_secs(9))?;
    /// # test.forget();
    /// let (process, span) = &memory.take_with_process()[0];
    /// assert_eq!((process.service_name(), span.operation_name()), ("bank", "transfer"));
    /// # Ok::<(), tracer_core::FlushError>(())
    /// ```
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

    fn lock(&self) -> MutexGuard<'_, Kept> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sample::{process, span};

    #[test]
    fn keeps_spans_of_all_tracers_in_order_until_they_are_taken() {
        let memory = MemoryReporter::new();
        let (mut first, mut second) = (memory.clone(), memory.clone());
        first
            .report(&process("a"), &[span(1, 0), span(2, 1)])
            .unwrap();
        second.report(&process("b"), &[span(3, 2)]).unwrap();
        assert_eq!(memory.spans().len(), 3);
        let taken = memory.take_with_process();
        let seen: Vec<_> = taken
            .iter()
            .map(|(process, span)| (process.service_name(), u64::from(span.span_id())))
            .collect();
        assert_eq!(seen, [("a", 1), ("a", 2), ("b", 3)]);
        assert!(Arc::ptr_eq(&taken[0].0, &taken[1].0));
        assert!(memory.is_empty());
    }

    #[test]
    fn a_full_memory_counts_what_it_does_not_take() {
        let mut memory = MemoryReporter::with_capacity(2);
        let error = memory
            .report(&process("a"), &[span(1, 0), span(2, 1), span(3, 1)])
            .unwrap_err();
        assert_eq!((error.lost(), error.cause()), (1, LossCause::Refused));
        assert_eq!(memory.take().len(), 2);
        memory.report(&process("a"), &[span(4, 1)]).unwrap();
        assert_eq!(u64::from(memory.spans()[0].span_id()), 4);
    }
}
