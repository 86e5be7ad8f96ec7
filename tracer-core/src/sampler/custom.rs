//! Samplers of the user's.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Verdict;
use crate::id::TraceId;
use crate::inquiry::{Change, Inquiry};
use crate::tag::TagValue;

/// Decides which traces are recorded: implement it and hand it to [`Sampler::custom`](super::Sampler::custom).
///
/// It is called for each root a tracer starts, on the thread that starts it, possibly on many at once: it should neither
/// block nor allocate without need. Traces that it begins itself are refused. If it panics the trace is refused, and the
/// first time an error is logged. What it cannot decide yet it may leave [undecided](Sampling::undecided).
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

    /// Decides on a trace that was left [undecided](Sampling::undecided), when something became known of one of its spans in
    /// this process: an operation name or tag that was set, also one given to a builder, and at last the end of the local
    /// root. What is still undecided then is refused. By itself it does not decide.
    ///
    /// Called on the thread where it happened, with the same duties as [`sample`](Self::sample); it may be called from
    /// several threads at once for one trace, and the first answer that decides counts.
    ///
    /// ```
    /// # use tracer_core::{Change, Sample, Sampling, SamplingRequest};
    /// /// Traces of premium customers, as soon as one is known to be.
    /// #[derive(Debug)]
    /// struct Premium;
    ///
    /// impl Sample for Premium {
    ///     fn sample(&self, _: &SamplingRequest<'_>) -> Sampling {
    ///         Sampling::undecided()
    ///     }
    ///
    ///     fn sample_again(&self, _: &SamplingRequest<'_>, change: &Change<'_>) -> Sampling {
    ///         match change {
    ///             Change::Tag { key: "customer.premium", value } if value.as_bool() == Some(true) => Sampling::sampled(),
    ///             _ => Sampling::undecided(),
    ///         }
    ///     }
    /// }
    /// ```
    fn sample_again(&self, request: &SamplingRequest<'_>, change: &Change<'_>) -> Sampling {
        let _ = (request, change);
        Sampling::undecided()
    }
}

/// What a [`Sample`] may base its decision on: the root that is about to start, or the span that something became known of.
///
/// ```
/// # use tracer_core::{Sampling, SamplingRequest};
/// /// For `Sample::sample`: a sixteenth of all traces, and every checkout.
/// fn decide(request: &SamplingRequest<'_>) -> Sampling {
///     if request.operation_name == "checkout" || request.trace_id.low() % 16 == 0 {
///         return Sampling::sampled();
///     }
///     Sampling::refused()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SamplingRequest<'a> {
    /// The id of the trace. All bits of its lower half are random.
    pub trace_id: TraceId,
    /// The operation name of the span.
    pub operation_name: &'a str,
    /// Whether the span is the first of the trace in this process. Always so at the start of a trace.
    pub is_local_root: bool,
}

/// The decision of a [`Sample`].
///
/// ```
/// # use tracer_core::{Sampling, tags};
/// let by_hand = Sampling::sampled().tag(tags::SAMPLER_TYPE, "by-hand").tag(tags::SAMPLER_PARAM, true);
/// assert_ne!(by_hand, Sampling::sampled());
/// assert_eq!(Sampling::refused().tag("lost", "on it"), Sampling::refused());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a decision is to be returned"]
pub struct Sampling {
    sampled: bool,
    undecided: bool,
    tags: Vec<(Cow<'static, str>, TagValue<'static>)>,
}

impl Sampling {
    /// The trace is recorded.
    pub const fn sampled() -> Self {
        Self {
            sampled: true,
            undecided: false,
            tags: Vec::new(),
        }
    }

    /// The trace is not recorded. Its context travels all the same.
    pub const fn refused() -> Self {
        Self {
            sampled: false,
            undecided: false,
            tags: Vec::new(),
        }
    }

    /// Not decided yet: the sampler is [asked again](Sample::sample_again) when more is known.
    ///
    /// Until then the spans of the trace record tags and logs, and those that end are held in memory, within the bounds of
    /// [`held_spans`](crate::TracerBuilder::held_spans) and [`held_bytes`](crate::TracerBuilder::held_bytes). When the trace
    /// is sampled all of them are reported; when it is refused they are dropped and counted in
    /// [`Stats::not_kept`](crate::Stats::not_kept). Services called meanwhile are told that the trace is not sampled, which
    /// is final for them.
    pub const fn undecided() -> Self {
        Self {
            sampled: false,
            undecided: true,
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
        let request = SamplingRequest {
            trace_id,
            operation_name,
            is_local_root: true,
        };
        // A sampler that starts a root would be asked for it, without end.
        self.call(|sampler| sampler.sample(&request))
            .unwrap_or(Verdict::REFUSED)
    }

    /// Decides on a trace that was left undecided.
    pub(super) fn decide_again(&self, inquiry: &Inquiry, change: &Change<'_>) -> Verdict {
        let request = SamplingRequest {
            trace_id: inquiry.trace_id,
            operation_name: &inquiry.operation_name,
            is_local_root: inquiry.is_local_root,
        };
        // What a sampler tags in a trace that is not decided is no news to it.
        self.call(|sampler| sampler.sample_again(&request, change))
            .unwrap_or(Verdict {
                undecided: true,
                ..Verdict::REFUSED
            })
    }

    /// Calls the sampler; `None` from inside of a call.
    fn call(&self, decide: impl FnOnce(&dyn Sample) -> Sampling) -> Option<Verdict> {
        if DECIDING.replace(true) {
            return None;
        }
        let decided = panic::catch_unwind(AssertUnwindSafe(|| decide(&*self.sampler)));
        DECIDING.set(false);
        Some(match decided {
            Ok(Sampling {
                sampled,
                undecided,
                tags,
            }) => Verdict {
                sampled,
                undecided,
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
        })
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
