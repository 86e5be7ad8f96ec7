//! The sampler that takes up to so many traces per second.

use std::fmt;
use std::sync::Arc;

use super::Verdict;
use super::limiter::Limiter;
use crate::record::SamplerKind;

/// Samples up to a number of traces per second.
#[derive(Clone)]
pub(super) struct RateLimiting {
    rate: f64,
    limiter: Arc<Limiter>,
}

impl RateLimiting {
    /// `rate` is per second, finite and not negative.
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            limiter: Arc::new(Limiter::new(rate)),
        }
    }

    /// The same with another rate. What is left of the credits goes over.
    pub(super) fn with_rate(&self, rate: f64) -> Self {
        self.limiter.set_rate(rate);
        Self {
            rate,
            limiter: Arc::clone(&self.limiter),
        }
    }

    pub(super) fn decide(&self) -> Verdict {
        Verdict::of(self.limiter.take(), SamplerKind::RateLimiting, self.rate)
    }
}

impl fmt::Debug for RateLimiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate_limiting({}/s)", self.rate)
    }
}
