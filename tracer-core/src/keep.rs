//! Which traces are worth keeping though the sampler refused them.

use std::time::Duration;

use crate::record::{SamplerKind, SpanRecord};

/// What makes a trace worth reporting that the sampler refused; see [`TracerBuilder::keep`](crate::TracerBuilder::keep).
///
/// It is judged by what the spans of this process came to: an error counts wherever it is tagged
/// ([`error = true`](crate::tags::ERROR)), slow is what the local root, the first span of the trace in this process, says.
///
/// ```
/// use std::time::Duration;
/// use tracer_core::{KeepPolicy, MemoryReporter, Sampler, Tracer};
///
/// # fn main() -> Result<(), tracer_core::InitError> {
/// # let memory = MemoryReporter::new();
/// let tracer = Tracer::builder("shop")
///     .sampler(Sampler::probabilistic(0.001)?)
///     .keep(KeepPolicy::errors().or_slower_than(Duration::from_millis(500)))
/// #   .reporter(memory)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a policy does nothing until a tracer is built with it"]
pub struct KeepPolicy {
    errors: bool,
    slower_than: Option<Duration>,
}

impl KeepPolicy {
    /// Keeps traces with a span that failed.
    pub const fn errors() -> Self {
        Self {
            errors: true,
            slower_than: None,
        }
    }

    /// Keeps traces whose local root took longer than this.
    pub const fn slower_than(duration: Duration) -> Self {
        Self {
            errors: false,
            slower_than: Some(duration),
        }
    }

    /// Keeps traces also when their local root took longer than this.
    pub const fn or_slower_than(mut self, duration: Duration) -> Self {
        self.slower_than = Some(duration);
        self
    }

    /// Why the trace of a span that ended is to be kept, if it is for this span's sake.
    pub(crate) fn reason(&self, record: &SpanRecord, is_root: bool) -> Option<SamplerKind> {
        let slow = |most| record.duration() > most;
        if self.errors && record.is_failed() {
            Some(SamplerKind::TailError)
        } else if is_root && self.slower_than.is_some_and(slow) {
            Some(SamplerKind::TailSlow)
        } else {
            None
        }
    }
}
