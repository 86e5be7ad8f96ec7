//! Samplers: which traces are recorded.
//!
//! [`Sampler`] is what users configure with and what the tracer asks; behind it is a file for each kind. [`Sample`] is the
//! seam for the user's own. All but the custom and the remote sampler are pure: they know an id, a name and the clock.

mod custom;
mod probabilistic;

pub use custom::{Sample, Sampling, SamplingRequest};

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::InitError;
use crate::id::TraceId;
use crate::record::{SamplerKind, SamplerTags};
use crate::tag::TagValue;
use custom::Custom;
use probabilistic::Probabilistic;

/// Decides which traces are recorded.
///
/// A tracer asks once per trace, when it starts a root, and the whole trace follows: spans under a parent, local or remote,
/// take over the parent's decision. So every sampler is "parent-based".
///
/// | sampler | samples | cost of a decision |
/// |---|---|---|
/// | [`constant`](Self::constant) | all traces or none | a branch |
/// | [`probabilistic`](Self::probabilistic) | a share of the traces, by their ids | a comparison |
/// | [`custom`](Self::custom) | what your [`Sample`] says | yours |
///
/// A sampled root is tagged `sampler.type` and `sampler.param` as by Jaeger's clients: by these a Jaeger backend counts the
/// throughput of each operation for its adaptive sampling.
///
/// Services that decide *independently* do not choose the same traces, even with the same probability, for clients compare
/// ids in different ways. What keeps a trace whole is that the decision travels with its context.
///
/// Cheap to clone. Clones share what they count: the traces per second of a
/// [`rate_limiting`](Self::rate_limiting) sampler that two tracers use are those of both together.
#[derive(Clone)]
pub struct Sampler(Kind);

#[derive(Clone)]
enum Kind {
    Constant(bool),
    Probabilistic(Probabilistic),
    Custom(Arc<Custom>),
}

/// A sampler's answer for a root.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) sampled: bool,
    /// Only if sampled.
    pub(crate) tags: Option<SamplerTags>,
    /// Tags of a custom sampler, else empty. Only if sampled.
    pub(crate) custom_tags: Vec<(Cow<'static, str>, TagValue<'static>)>,
}

impl Sampler {
    /// Samples all traces or none.
    #[must_use]
    pub const fn constant(sampled: bool) -> Self {
        Self(Kind::Constant(sampled))
    }

    /// Samples a share of the traces, chosen by their ids.
    ///
    /// # Errors
    ///
    /// `probability` is not from 0 to 1.
    pub fn probabilistic(probability: f64) -> Result<Self, InitError> {
        let probability = probability_argument("probability", probability)?;
        Ok(Self(Kind::Probabilistic(Probabilistic::new(probability))))
    }

    /// Lets `sampler` decide.
    #[must_use]
    pub fn custom(sampler: impl Sample) -> Self {
        Self(Kind::Custom(Arc::new(Custom::new(sampler))))
    }

    /// Whether deciding runs code of the user's.
    #[inline]
    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.0, Kind::Custom(_))
    }

    /// Decides on a root. Never panics and never blocks, as far as a custom sampler does not.
    #[inline]
    pub(crate) fn decide(&self, trace_id: TraceId, operation_name: &str) -> Verdict {
        match &self.0 {
            Kind::Constant(sampled) => {
                Verdict::of(*sampled, SamplerKind::Const, f64::from(u8::from(*sampled)))
            }
            Kind::Probabilistic(sampler) => sampler.decide(trace_id),
            Kind::Custom(sampler) => sampler.decide(trace_id, operation_name),
        }
    }

    pub(crate) fn start(&self, _service: &str) -> Polling {
        Polling
    }

    pub fn remote(_: String) -> Result<Self, InitError> {
        Self::probabilistic(0.001)
    }
}

pub(crate) struct Polling;

impl Polling {
    pub(crate) fn wait_first(&self, _: Duration) {}
}

impl Verdict {
    pub(crate) const REFUSED: Self = Self {
        sampled: false,
        tags: None,
        custom_tags: Vec::new(),
    };

    #[inline]
    fn of(sampled: bool, kind: SamplerKind, param: f64) -> Self {
        let tags = if sampled {
            Some(SamplerTags { kind, param })
        } else {
            None
        };
        Self {
            sampled,
            tags,
            custom_tags: Vec::new(),
        }
    }
}

/// Reads as the sampler was configured: part of what a tracer logs of itself.
impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Constant(sampled) => write!(f, "constant({sampled})"),
            Kind::Probabilistic(sampler) => fmt::Debug::fmt(sampler, f),
            Kind::Custom(sampler) => fmt::Debug::fmt(sampler, f),
        }
    }
}

/// Accepts what is a probability.
fn probability_argument(what: &str, probability: f64) -> Result<f64, InitError> {
    if (0.0..=1.0).contains(&probability) {
        return Ok(probability);
    }
    Err(InitError::value(
        what,
        probability,
        "a probability from 0 to 1",
    ))
}

/// Accepts what is a number of traces per second.
fn rate_argument(what: &str, rate: f64) -> Result<f64, InitError> {
    if rate >= 0.0 && rate.is_finite() {
        return Ok(rate);
    }
    Err(InitError::value(
        what,
        rate,
        "a number of traces per second, 0 or more",
    ))
}
