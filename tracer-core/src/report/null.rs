//! The reporter that reports to nobody.

use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::{MakeReporter, ReportError, Reporter};

/// Takes spans and forgets them: tracing runs and propagates, and nothing is reported.
///
/// ```
/// # use tracer_core::{NullReporter, Sampler, Tracer};
/// let tracer = Tracer::builder("shop").sampler(Sampler::constant(true)).reporter(NullReporter).build()?;
/// assert!(tracer.start_span("order").context().is_sampled());
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Clone, Copy, Default, Debug)]
pub struct NullReporter;

impl Reporter for NullReporter {
    fn report(&mut self, _: &Process, _: &[SpanRecord]) -> Result<(), ReportError> {
        Ok(())
    }

    fn for_child(&self) -> Option<MakeReporter> {
        Some(Box::new(|| Box::new(Self)))
    }
}
