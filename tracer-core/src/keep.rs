//! Which traces are worth keeping though the sampler refused them.

use std::sync::atomic::{AtomicBool, Ordering};
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

/// Whether there is or was a tracer with a policy.
static IS_ANY: AtomicBool = AtomicBool::new(false);

/// Says that there is one.
pub(crate) fn announce() {
    IS_ANY.store(true, Ordering::Relaxed);
}

/// Whether traces that others refused may be of interest here.
pub(crate) fn is_any() -> bool {
    IS_ANY.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::callsite::Callsite;
    use crate::private;
    use crate::tree::Test;
    use crate::{Propagation, Sampler, TextMap, active_span, is_refused};

    static SITE: Callsite = Callsite::new("traced", "tests", "tests.rs", 1);

    #[test]
    fn what_starts_under_a_caller_that_refused_is_kept_however_it_starts() {
        let test = Test::new(|builder| {
            let builder = builder.sampler(Sampler::constant(true));
            builder
                .propagation([Propagation::Jaeger])
                .keep(KeepPolicy::errors())
        });
        let mut headers = HashMap::from([("uber-trace-id".to_owned(), "abc:def:0:0".to_owned())]);
        let caller = test
            .tracer
            .extract(&TextMap(&mut headers))
            .unwrap()
            .unwrap();
        let fail = || {
            active_span().set_tag("error", true);
        };
        caller.in_scope(|| {
            test.tracer.start_span("text").set_tag("error", true);
            test.tracer
                .start_span("owned".to_owned())
                .set_tag("error", true);
        });
        caller.in_scope(|| {
            let _scope = test.tracer.start_active_span("scope");
            test.tracer.start_active_span("child").finish();
            fail();
        });
        caller.in_scope(|| {
            let _scope = private::enter(&SITE, None);
            fail();
        });
        assert!(!caller.in_scope(is_refused), "it may be kept");
        assert_eq!(
            test.take(),
            "text {error=true}\nowned {error=true}\nscope {error=true}\n  child\ntraced {error=true}\n"
        );
    }
}
