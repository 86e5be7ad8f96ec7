//! The sampler that takes a share of the traces, and a few when the share is too small for any.

use std::fmt;
use std::sync::Arc;

use super::Verdict;
use super::limiter::Limiter;
use super::probabilistic::Probabilistic;
use crate::id::TraceId;
use crate::record::SamplerKind;

/// Samples a share of the traces, and of the others as many as a lower bound per second is short of.
#[derive(Clone)]
pub(super) struct GuaranteedThroughput {
    share: Probabilistic,
    lower_bound: f64,
    limiter: Arc<Limiter>,
}

impl GuaranteedThroughput {
    pub(super) fn new(share: Probabilistic, lower_bound: f64) -> Self {
        Self {
            share,
            lower_bound,
            limiter: Arc::new(Limiter::new(lower_bound)),
        }
    }

    /// The same with another share and bound. What is left of the credits goes over.
    pub(super) fn with(&self, share: Probabilistic, lower_bound: f64) -> Self {
        self.limiter.set_rate(lower_bound);
        Self {
            share,
            lower_bound,
            limiter: Arc::clone(&self.limiter),
        }
    }

    pub(super) fn decide(&self, trace_id: TraceId) -> Verdict {
        // A trace of the share pays as well, or the bound would come on top of it.
        let within_bound = self.limiter.take();
        if self.share.samples(trace_id) {
            return self.share.decide(trace_id);
        }
        // The parameter is the probability, by which a backend extrapolates, not the bound.
        Verdict::of(
            within_bound,
            SamplerKind::LowerBound,
            self.share.probability(),
        )
    }
}

impl fmt::Debug for GuaranteedThroughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "guaranteed_throughput({}, at least {}/s)",
            self.share.probability(),
            self.lower_bound
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::tests::{IN, OUT};

    fn tags(sampler: &GuaranteedThroughput, id: TraceId) -> Option<(SamplerKind, f64)> {
        sampler.decide(id).told()
    }

    #[test]
    fn both_are_asked_and_the_share_names_the_decision() {
        // So slow that no credit comes back during the test.
        let sampler = GuaranteedThroughput::new(Probabilistic::new(0.5), 1e-6);
        assert_eq!(tags(&sampler, IN), Some((SamplerKind::Probabilistic, 0.5)));
        assert_eq!(
            tags(&sampler, OUT),
            None,
            "the credit went to the trace of the share"
        );
        let sampler = GuaranteedThroughput::new(Probabilistic::new(0.5), 1e-6);
        assert_eq!(tags(&sampler, OUT), Some((SamplerKind::LowerBound, 0.5)));
        assert_eq!(tags(&sampler, OUT), None);
        assert_eq!(tags(&sampler, IN), Some((SamplerKind::Probabilistic, 0.5)));
    }

    #[test]
    fn bound_of_zero_leaves_the_share_alone() {
        let sampler = GuaranteedThroughput::new(Probabilistic::new(0.0), 0.0);
        assert_eq!(tags(&sampler, IN), None);
    }

    #[test]
    fn credits_go_over_to_the_next_share() {
        let sampler = GuaranteedThroughput::new(Probabilistic::new(0.5), 1e-6);
        assert!(sampler.decide(OUT).sampled);
        let next = sampler.with(Probabilistic::new(0.25), 1e-6);
        assert_eq!(tags(&next, OUT), None);
        assert_eq!(tags(&next, IN), Some((SamplerKind::Probabilistic, 0.25)));
    }
}
