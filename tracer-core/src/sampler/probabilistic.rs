//! The sampler that chooses a share of the traces by their ids.

use std::fmt;

use super::Verdict;
use crate::id::TraceId;
use crate::record::{SamplerKind, SamplerTags};

/// The low 63 bits of the low half are compared, as in Jaeger's client for Go, which draws no more.
const COMPARED: u64 = u64::MAX >> 1;

/// Samples a share of the traces. A comparison per decision.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Probabilistic {
    probability: f64,
    /// The least id that is not sampled, or one above the greatest there is.
    end: u64,
}

impl Probabilistic {
    /// `probability` is from 0 to 1.
    pub(super) fn new(probability: f64) -> Self {
        // As a float this is 2^63: all ids are below it. Go samples up to and with the boundary, so a probability of 0
        // keeps one id; here it is none.
        let boundary = (COMPARED as f64 * probability) as u64;
        let end = if probability > 0.0 { boundary + 1 } else { 0 };
        Self { probability, end }
    }

    pub(super) fn probability(self) -> f64 {
        self.probability
    }

    #[inline]
    pub(super) fn samples(self, trace_id: TraceId) -> bool {
        trace_id.low() & COMPARED < self.end
    }

    /// The tags of the root, if it is sampled.
    #[inline]
    pub(super) fn tags(self, trace_id: TraceId) -> Option<SamplerTags> {
        self.samples(trace_id).then_some(SamplerTags {
            kind: SamplerKind::Probabilistic,
            param: self.probability,
        })
    }

    #[inline]
    pub(super) fn decide(self, trace_id: TraceId) -> Verdict {
        Verdict::of(
            self.samples(trace_id),
            SamplerKind::Probabilistic,
            self.probability,
        )
    }
}

impl fmt::Debug for Probabilistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "probabilistic({})", self.probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id;

    #[test]
    fn ids_up_to_the_boundary_are_sampled() {
        const TOP: u64 = 1 << 63;
        for (probability, low, sampled) in [
            (0.0, 0, false),
            (0.0, 1, false),
            (0.0, TOP, false),
            (1.0, COMPARED, true),
            (1.0, u64::MAX, true),
            (0.5, 0, true),
            (0.5, TOP / 2, true),
            (0.5, TOP / 2 + 1, false),
            (0.5, TOP, true),
            (0.5, TOP + TOP / 2 + 1, false),
            (0.001, 9_223_372_036_854_775, true),
            (0.001, 9_223_372_036_854_777, false),
            (f64::MIN_POSITIVE, 1, false),
        ] {
            let id = TraceId {
                high: u64::MAX,
                low,
            };
            assert_eq!(
                Probabilistic::new(probability).samples(id),
                sampled,
                "{probability} {low:x}"
            );
        }
    }

    #[test]
    fn the_share_is_kept_over_the_ids_that_are_drawn() {
        for probability in [0.001, 0.25, 0.9] {
            let sampler = Probabilistic::new(probability);
            let count = (0..100_000)
                .filter(|_| {
                    sampler.samples(TraceId {
                        high: 0,
                        low: id::draw(),
                    })
                })
                .count();
            let (mean, deviation) = (
                1e5 * probability,
                (1e5 * probability * (1.0 - probability)).sqrt(),
            );
            assert!(
                (count as f64 - mean).abs() < 7.0 * deviation,
                "{count} of {mean}"
            );
        }
    }
}
