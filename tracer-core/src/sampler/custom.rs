//! Samplers of the user's.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Verdict;
use crate::id::TraceId;
use crate::tag::TagValue;

/// Decides which traces are recorded: implement it and hand it to [`Sampler::custom`](super::Sampler::custom).
///
/// It is called for each root a tracer starts, on the thread that starts it, possibly on many at once: it should neither
/// block nor allocate without need. Spans that it starts itself are refused. If it panics the trace is refused, and the
/// first time an error is logged.
///
/// # Examples
///
/// ```
/// use tracer_core::{Sample, Sampler, Sampling, SamplingRequest};
///
/// /// Health checks say nothing; all else is worth a trace.
/// #[derive(Debug)]
/// struct NoHealthChecks;
///
/// impl Sample for NoHealthChecks {
///     fn sample(&self, request: &SamplingRequest<'_>) -> Sampling {
///         if request.operation_name.ends_with("/health") {
///             return Sampling::refused();
///         }
///         Sampling::sampled().tag("sampler.type", "no-health-checks")
///     }
/// }
///
/// let sampler = Sampler::custom(NoHealthChecks);
/// ```
pub trait Sample: Send + Sync + fmt::Debug + 'static {
    /// Decides on a trace that is about to begin.
    fn sample(&self, request: &SamplingRequest<'_>) -> Sampling;
}

/// What a [`Sample`] may base its decision on: the root that is about to start.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SamplingRequest<'a> {
    /// The id of the trace. All bits of its lower half are random.
    pub trace_id: TraceId,
    /// The operation name of the root.
    pub operation_name: &'a str,
}

/// The decision of a [`Sample`].
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a decision is to be returned"]
pub struct Sampling {
    sampled: bool,
    tags: Vec<(Cow<'static, str>, TagValue<'static>)>,
}

impl Sampling {
    /// The trace is recorded.
    pub const fn sampled() -> Self {
        Self {
            sampled: true,
            tags: Vec::new(),
        }
    }

    /// The trace is not recorded. Its context travels all the same.
    pub const fn refused() -> Self {
        Self {
            sampled: false,
            tags: Vec::new(),
        }
    }

    /// Adds a tag for the root, if it is recorded. To say who decided, by convention:
    /// [`sampler.type`](crate::tags::SAMPLER_TYPE) and [`sampler.param`](crate::tags::SAMPLER_PARAM).
    pub fn tag(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<TagValue<'static>>,
    ) -> Self {
        if self.sampled {
            self.tags.push((key.into(), value.into()));
        }
        self
    }
}

/// Calls a user's sampler so that it can do no harm.
pub(super) struct Custom {
    sampler: Box<dyn Sample>,
    panicked: AtomicBool,
}

thread_local! {
    /// Whether a custom sampler is at work on this thread.
    static DECIDING: Cell<bool> = const { Cell::new(false) };
}

impl Custom {
    pub(super) fn new(sampler: impl Sample) -> Self {
        Self {
            sampler: Box::new(sampler),
            panicked: AtomicBool::new(false),
        }
    }

    pub(super) fn decide(&self, trace_id: TraceId, operation_name: &str) -> Verdict {
        // A sampler that starts a root would be asked for it, without end.
        if DECIDING.replace(true) {
            return Verdict::REFUSED;
        }
        let request = SamplingRequest {
            trace_id,
            operation_name,
        };
        let decided = panic::catch_unwind(AssertUnwindSafe(|| self.sampler.sample(&request)));
        DECIDING.set(false);
        match decided {
            Ok(Sampling { sampled, tags }) => Verdict {
                sampled,
                tags: None,
                custom_tags: tags,
            },
            Err(payload) => {
                if !self.panicked.swap(true, Ordering::Relaxed) {
                    log::error!(
                        "tracer: the custom sampler panicked; traces it panics on are not sampled"
                    );
                }
                // Dropping what a panic was thrown with may panic in turn.
                let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)));
                Verdict::REFUSED
            }
        }
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom({:?})", self.sampler)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Sampler;

    #[derive(Debug)]
    struct ByName;

    impl Sample for ByName {
        fn sample(&self, request: &SamplingRequest<'_>) -> Sampling {
            match request.operation_name {
                "all" => Sampling::sampled()
                    .tag("sampler.type", "mine")
                    .tag("sampler.param", 7),
                "none" => Sampling::refused().tag("sampler.type", "mine"),
                "nested" => {
                    let inner = Sampler::custom(Self).decide(request.trace_id, "all");
                    assert_eq!(inner, Verdict::REFUSED);
                    Sampling::sampled()
                }
                other => panic!("no decision for {other}"),
            }
        }
    }

    #[test]
    fn decision_and_tags_are_passed_on() {
        let sampler = Sampler::custom(ByName);
        let verdict = sampler.decide(TraceId::from(1), "all");
        assert!(verdict.sampled && verdict.tags.is_none());
        let tags = [
            ("sampler.type".into(), "mine".into()),
            ("sampler.param".into(), TagValue::I64(7)),
        ];
        assert_eq!(verdict.custom_tags, tags);
        assert_eq!(sampler.decide(TraceId::from(1), "none"), Verdict::REFUSED);
        assert_eq!(format!("{sampler:?}"), "custom(ByName)");
    }

    #[test]
    fn panic_refuses_the_trace_and_only_that() {
        let sampler = Sampler::custom(ByName);
        assert_eq!(
            sampler.decide(TraceId::from(1), "unknown"),
            Verdict::REFUSED
        );
        assert!(sampler.decide(TraceId::from(1), "all").sampled);
    }

    #[test]
    fn sampler_that_starts_a_trace_is_not_asked_about_it() {
        assert!(
            Sampler::custom(ByName)
                .decide(TraceId::from(1), "nested")
                .sampled
        );
        assert!(
            Sampler::custom(ByName)
                .decide(TraceId::from(1), "all")
                .sampled
        );
    }
}
