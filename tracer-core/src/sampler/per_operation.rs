//! The sampler with a share for each operation.

use std::collections::HashMap;
use std::fmt;
use std::sync::RwLock;

use super::Verdict;
use super::guaranteed_throughput::GuaranteedThroughput;
use super::probabilistic::Probabilistic;
use crate::id::TraceId;

/// Which share of each operation is to be sampled.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Shares {
    /// The probability for operations that are not listed.
    pub(super) default: f64,
    /// Traces per second of each operation, listed or not, that are sampled whatever its probability.
    pub(super) lower_bound: f64,
    /// The probabilities of operations by name. Of two with the same name the later counts.
    pub(super) operations: Vec<(Box<str>, f64)>,
}

/// Samples by operation name: each operation has its share and its lower bound.
///
/// Operations that are not listed get their lower bound when they are met, as long as there is room: names may come from
/// outside, and what is kept of them must end somewhere.
pub(super) struct PerOperation {
    default: Probabilistic,
    lower_bound: f64,
    max_operations: usize,
    listed: HashMap<Box<str>, GuaranteedThroughput>,
    /// Those met that are not listed.
    met: RwLock<HashMap<Box<str>, GuaranteedThroughput>>,
}

/// How many operations have a lower bound of their own.
pub(super) const MAX_OPERATIONS: usize = 2000;
/// Names longer than this are not kept: they are hardly names of operations.
const MAX_NAME: usize = 1024;

impl PerOperation {
    pub(super) fn new(shares: &Shares, max_operations: usize) -> Self {
        Self::build(shares, max_operations, |_| None)
    }

    /// The sampler that follows `self`. Operations of both keep their credits; those met but not listed start anew.
    pub(super) fn with(&self, shares: &Shares) -> Self {
        let met = self.met.try_read().ok();
        Self::build(shares, self.max_operations, |name| {
            let met = || met.as_ref().and_then(|met| met.get(name));
            self.listed.get(name).or_else(met)
        })
    }

    fn build<'a>(
        shares: &Shares,
        max_operations: usize,
        before: impl Fn(&str) -> Option<&'a GuaranteedThroughput>,
    ) -> Self {
        let listed = shares.operations.iter().map(|(name, probability)| {
            let share = Probabilistic::new(*probability);
            let sampler = match before(name) {
                Some(sampler) => sampler.with(share, shares.lower_bound),
                None => GuaranteedThroughput::new(share, shares.lower_bound),
            };
            (name.clone(), sampler)
        });
        Self {
            default: Probabilistic::new(shares.default),
            lower_bound: shares.lower_bound,
            max_operations,
            listed: listed.collect(),
            met: RwLock::default(),
        }
    }

    pub(super) fn decide(&self, trace_id: TraceId, operation_name: &str) -> Verdict {
        if let Some(sampler) = self.listed.get(operation_name) {
            return sampler.decide(trace_id);
        }
        if let Some(verdict) = self.decide_as_met(trace_id, operation_name) {
            return verdict;
        }
        let Ok(mut met) = self.met.try_write() else {
            return self.default.decide(trace_id);
        };
        let sampler = met
            .entry(operation_name.into())
            .or_insert_with(|| GuaranteedThroughput::new(self.default, self.lower_bound));
        sampler.decide(trace_id)
    }

    /// `None` if the operation is new and there is room for it. While another thread adds one, the default share alone
    /// counts: nobody waits, and not for ever in the child of a fork where that thread is gone.
    fn decide_as_met(&self, trace_id: TraceId, operation_name: &str) -> Option<Verdict> {
        let Ok(met) = self.met.try_read() else {
            return Some(self.default.decide(trace_id));
        };
        if let Some(sampler) = met.get(operation_name) {
            return Some(sampler.decide(trace_id));
        }
        let room =
            self.listed.len() + met.len() < self.max_operations && operation_name.len() <= MAX_NAME;
        if room {
            None
        } else {
            Some(self.default.decide(trace_id))
        }
    }
}

impl fmt::Debug for PerOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (listed, default, bound) = (
            self.listed.len(),
            self.default.probability(),
            self.lower_bound,
        );
        write!(
            f,
            "per_operation({listed} listed, others {default}, each at least {bound}/s)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SamplerKind::{self, LowerBound, Probabilistic as Share};
    use crate::sampler::tests::{IN, OUT};

    /// So slow that no credit comes back during a test.
    const SLOW: f64 = 1e-6;

    fn shares(default: f64, lower_bound: f64, operations: &[(&str, f64)]) -> Shares {
        let operations = operations
            .iter()
            .map(|&(name, share)| (name.into(), share))
            .collect();
        Shares {
            default,
            lower_bound,
            operations,
        }
    }

    fn tags(sampler: &PerOperation, id: TraceId, name: &str) -> Option<(SamplerKind, f64)> {
        sampler.decide(id, name).told()
    }

    #[test]
    fn each_operation_has_its_share_and_its_bound() {
        let sampler = PerOperation::new(&shares(0.25, SLOW, &[("all", 1.0), ("none", 0.0)]), 10);
        for (id, name, expected) in [
            (OUT, "all", Some((Share, 1.0))),
            (OUT, "none", Some((LowerBound, 0.0))),
            (OUT, "none", None),
            (IN, "none", None),
            (OUT, "other", Some((LowerBound, 0.25))),
            (OUT, "other", None),
            (IN, "other", Some((Share, 0.25))),
            (OUT, "another", Some((LowerBound, 0.25))),
        ] {
            assert_eq!(tags(&sampler, id, name), expected, "{name}");
        }
    }

    #[test]
    fn operations_beyond_the_maximum_have_the_default_share_only() {
        let sampler = PerOperation::new(&shares(0.5, SLOW, &[("listed", 0.5)]), 2);
        assert_eq!(tags(&sampler, OUT, &"long".repeat(1000)), None);
        assert_eq!(tags(&sampler, OUT, "first"), Some((LowerBound, 0.5)));
        assert_eq!(tags(&sampler, OUT, "second"), None);
        assert_eq!(tags(&sampler, IN, "second"), Some((Share, 0.5)));
        assert_eq!(tags(&sampler, OUT, "listed"), Some((LowerBound, 0.5)));
        assert_eq!(sampler.met.read().unwrap().len(), 1);
    }

    #[test]
    fn operation_of_share_and_bound_zero_is_never_sampled() {
        let sampler = PerOperation::new(&shares(1.0, 0.0, &[("health", 0.0)]), 10);
        assert_eq!(tags(&sampler, IN, "health"), None);
        assert_eq!(tags(&sampler, OUT, "other"), Some((Share, 1.0)));
    }

    #[test]
    fn update_keeps_the_credits_of_operations_it_lists() {
        let first = PerOperation::new(&shares(0.5, SLOW, &[("kept", 0.5), ("gone", 0.5)]), 10);
        for name in ["kept", "gone", "met", "met and gone"] {
            assert_eq!(tags(&first, OUT, name), Some((LowerBound, 0.5)));
        }
        let next = first.with(&shares(
            0.25,
            SLOW,
            &[("kept", 0.125), ("met", 0.125), ("new", 0.125)],
        ));
        for (name, expected) in [
            ("kept", None),
            ("met", None),
            ("new", Some((LowerBound, 0.125))),
            ("gone", Some((LowerBound, 0.25))),
            ("met and gone", Some((LowerBound, 0.25))),
        ] {
            assert_eq!(tags(&next, OUT, name), expected, "{name}");
        }
    }
}
