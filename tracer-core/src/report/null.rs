//! The reporter that reports to nobody.

use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::{MakeReporter, ReportError, Reporter};

/// Takes spans and forgets them: tracing runs and propagates, and nothing is reported.
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
