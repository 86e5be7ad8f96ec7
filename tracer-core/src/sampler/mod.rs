//! Samplers: which traces are recorded.
//!
//! [`Sampler`] is what users configure with and what the tracer asks; behind it is a file for each kind. [`Sample`] is the
//! seam for the user's own. All but the custom and the remote sampler are pure: they know an id, a name and the clock.

mod custom;
mod guaranteed_throughput;
mod limiter;
mod per_operation;
mod probabilistic;
mod rate_limiting;
mod remote;
mod strategy;

pub use custom::{Sample, Sampling, SamplingRequest};
pub(crate) use limiter::Limiter;
pub use remote::RemoteSampler;
pub(crate) use remote::{INITIAL_PROBABILITY, agent_url, authority};

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::error::InitError;
use crate::held::RootTags;
use crate::id::TraceId;
pub use crate::inquiry::Change;
use crate::inquiry::{Inquiry, Reconsider};
use crate::poll::Polling;
use crate::record::{SamplerKind, SamplerTags};
use crate::tag::TagValue;
use custom::Custom;
use guaranteed_throughput::GuaranteedThroughput;
use per_operation::{MAX_OPERATIONS, PerOperation, Shares};
use probabilistic::Probabilistic;
use rate_limiting::RateLimiting;
use remote::Remote;

/// Decides which traces are recorded.
///
/// A tracer asks when it starts a root, once per trace, and the whole trace follows: spans under a parent, local or remote,
/// take over the parent's decision. So every sampler is "parent-based".
///
/// | sampler | samples | cost of a decision |
/// |---|---|---|
/// | [`constant`](Self::constant) | all traces or none | a branch |
/// | [`probabilistic`](Self::probabilistic) | a share of the traces, by their ids | a comparison |
/// | [`rate_limiting`](Self::rate_limiting) | so many traces per second | the time, and an atomic update for those taken |
/// | [`guaranteed_throughput`](Self::guaranteed_throughput) | a share, and at least so many per second | both of these |
/// | [`per_operation`](Self::per_operation) | the same with a share for each operation | a lookup more |
/// | [`remote`](Self::remote) | what the agent or collector says | some nanoseconds more |
/// | [`custom`](Self::custom) | what your [`Sample`] says, now or [later](Sampling::undecided) | yours |
///
/// What became of a trace can be looked at when it has ended: [`keep`](crate::TracerBuilder::keep) reports traces that were
/// refused and then failed or were slow.
///
/// A sampled root is tagged `sampler.type` and `sampler.param` as by Jaeger's clients: by these a Jaeger backend counts the
/// throughput of each operation for its adaptive sampling.
///
/// Services that decide *independently* do not choose the same traces, even with the same probability, for clients compare
/// ids in different ways. What keeps a trace whole is that the decision travels with its context.
///
/// Cheap to clone. Clones share what they count: the traces per second of a
/// [`rate_limiting`](Self::rate_limiting) sampler that two tracers use are those of both together.
///
/// ```
/// use tracer_core::{Sampler, Tracer};
///
/// let sampler = Sampler::guaranteed_throughput(0.001, 2.0)?; // one in a thousand, and two per second in any case
/// let builder = Tracer::builder("shop").sampler(sampler);
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Clone)]
pub struct Sampler {
    kind: Kind,
    /// Whether a name that is set later decides, where names do.
    binds_late: bool,
}

#[derive(Clone)]
enum Kind {
    Constant(bool),
    Probabilistic(Probabilistic),
    RateLimiting(RateLimiting),
    GuaranteedThroughput(GuaranteedThroughput),
    PerOperation(Arc<PerOperation>),
    Remote(Arc<Remote>),
    Custom(Arc<Custom>),
}

/// A sampler's answer for a root.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) sampled: bool,
    /// To be asked again. Only if not sampled.
    pub(crate) undecided: bool,
    /// Only if sampled.
    pub(crate) tags: Option<SamplerTags>,
    /// Tags of a custom sampler, else empty. Only if sampled.
    pub(crate) custom_tags: Vec<(Cow<'static, str>, TagValue<'static>)>,
}

impl Sampler {
    /// Samples all traces or none.
    ///
    /// ```
    /// # use tracer_core::Sampler;
    /// let all = Sampler::constant(true); // for development, and for services of few requests
    /// ```
    #[must_use]
    pub const fn constant(sampled: bool) -> Self {
        Self::of(Kind::Constant(sampled))
    }

    /// Samples a share of the traces, chosen by their ids.
    ///
    /// ```
    /// # use tracer_core::Sampler;
    /// let a_tenth = Sampler::probabilistic(0.1)?;
    /// assert!(Sampler::probabilistic(10.0).is_err());
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `probability` is not from 0 to 1.
    pub fn probabilistic(probability: f64) -> Result<Self, InitError> {
        let probability = probability_argument("probability", probability)?;
        Ok(Self::of(Kind::Probabilistic(Probabilistic::new(
            probability,
        ))))
    }

    /// Samples up to a number of traces per second, the first of them in a burst: after a pause those of one second, but at
    /// least one, are taken at once. A rate below 1 is a trace every few seconds, 0 is none.
    ///
    /// ```
    /// # use tracer_core::Sampler;
    /// let one_in_ten_seconds = Sampler::rate_limiting(0.1)?;
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `traces_per_second` is negative or not finite.
    pub fn rate_limiting(traces_per_second: f64) -> Result<Self, InitError> {
        let rate = rate_argument("traces per second", traces_per_second)?;
        Ok(Self::of(Kind::RateLimiting(RateLimiting::new(rate))))
    }

    /// Samples a share of the traces, but a number per second also if the share has fewer.
    ///
    /// ```
    /// # use tracer_core::Sampler;
    /// let sampler = Sampler::guaranteed_throughput(0.01, 1.0)?; // a hundredth, and one per second at night, too
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `probability` is not from 0 to 1; `traces_per_second` is negative or not finite.
    pub fn guaranteed_throughput(
        probability: f64,
        traces_per_second: f64,
    ) -> Result<Self, InitError> {
        let share = Probabilistic::new(probability_argument("probability", probability)?);
        let rate = rate_argument("traces per second", traces_per_second)?;
        let sampler = GuaranteedThroughput::new(share, rate);
        Ok(Self::of(Kind::GuaranteedThroughput(sampler)))
    }

    /// Samples a share of the traces by the operation name of their roots: each of the `operations` has a probability of
    /// its own, others the default. Each operation gets its number of traces per second whatever its probability, the first
    /// 2000 that is; beyond them only the default probability counts.
    ///
    /// ```
    /// # use tracer_core::{InitError, Sampler};
    /// // All checkouts, no health checks, a tenth of the rest. A lower bound would let some health checks through.
    /// let sampler = Sampler::per_operation(0.1, 0.0, [("checkout", 1.0), ("health", 0.0)])?;
    /// # Ok::<(), InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A probability is not from 0 to 1; `traces_per_second` is negative or not finite.
    pub fn per_operation(
        default_probability: f64,
        traces_per_second: f64,
        operations: impl IntoIterator<Item = (impl Into<String>, f64)>,
    ) -> Result<Self, InitError> {
        let operation = |(name, probability): (_, f64)| {
            let name: String = Into::into(name);
            let probability = probability_argument(
                &format!("the probability of operation {name:?}"),
                probability,
            )?;
            Ok((name.into(), probability))
        };
        let shares = Shares {
            default: probability_argument("the default probability", default_probability)?,
            lower_bound: rate_argument("traces per second", traces_per_second)?,
            operations: operations
                .into_iter()
                .map(operation)
                .collect::<Result<_, _>>()?,
        };
        let sampler = PerOperation::new(&shares, MAX_OPERATIONS);
        Ok(Self::of(Kind::PerOperation(Arc::new(sampler))))
    }

    /// Samples what the agent or collector at `url` says; see [`RemoteSampler`], which has more settings.
    ///
    /// ```
    /// # use tracer_core::Sampler;
    /// let sampler = Sampler::remote("http://agent:5778/sampling")?;
    /// assert!(Sampler::remote("agent:5778").is_err());
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`RemoteSampler::to`].
    pub fn remote(url: impl AsRef<str>) -> Result<Self, InitError> {
        RemoteSampler::to(url).map(Self::from)
    }

    fn of_remote(remote: Arc<Remote>) -> Self {
        Self::of(Kind::Remote(remote))
    }

    /// Lets `sampler` decide.
    #[must_use]
    pub fn custom(sampler: impl Sample) -> Self {
        Self::of(Kind::Custom(Arc::new(Custom::new(sampler))))
    }

    /// Lets the name decide that a root gets by [`set_operation_name`](crate::Span::set_operation_name), if the one it
    /// started with did not get it sampled: Jaeger's `operationNameLateBinding`, for frameworks that know the route of a
    /// request only when they have read it.
    ///
    /// For samplers that look at names, [`per_operation`](Self::per_operation) and a [`remote`](Self::remote) one with such
    /// a strategy; others stay as they are. Until a name is set, or the root ends, the trace is
    /// [undecided](Sampling::undecided), and its spans are held in memory.
    ///
    /// ```
    /// # use tracer_core::{InitError, Sampler};
    /// let sampler = Sampler::per_operation(0.0, 0.0, [("GET /orders/{id}", 1.0)])?.operation_name_late_binding();
    /// # Ok::<(), InitError>(())
    /// ```
    #[must_use]
    pub fn operation_name_late_binding(mut self) -> Self {
        self.binds_late = matches!(self.kind, Kind::PerOperation(_) | Kind::Remote(_));
        self
    }

    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            binds_late: false,
        }
    }

    /// Whether deciding runs no code of the user's and is done at the start of a trace.
    pub(crate) fn is_plain(&self) -> bool {
        !self.binds_late && !matches!(self.kind, Kind::Custom(_))
    }

    /// The sampler for those it leaves undecided, if it may leave any.
    pub(crate) fn reconsiders(&self) -> Option<Arc<dyn Reconsider>> {
        if self.is_plain() {
            None
        } else {
            Some(Arc::new(self.clone()))
        }
    }

    /// Whether names decide at the moment.
    fn looks_at_names(&self) -> bool {
        match &self.kind {
            Kind::PerOperation(_) => true,
            Kind::Remote(sampler) => sampler.looks_at_names(),
            _ => false,
        }
    }

    /// Decides on a root, if it can. Never panics and never blocks, as far as a custom sampler does not.
    pub(crate) fn decide(&self, trace_id: TraceId, operation_name: &str) -> Verdict {
        let mut verdict = self.decide_at_once(trace_id, operation_name);
        if self.binds_late && !verdict.sampled {
            verdict.undecided = self.looks_at_names();
        }
        verdict
    }

    /// The tags of a root if it is sampled, of a sampler that is none of the user's. Apart from
    /// [`decide_at_once`](Self::decide_at_once), for most that are asked have an answer of two words.
    #[inline]
    pub(crate) fn decide_plain(
        &self,
        trace_id: TraceId,
        operation_name: &str,
    ) -> Option<SamplerTags> {
        match &self.kind {
            Kind::Constant(sampled) => sampled.then_some(SamplerTags::ALL),
            Kind::Probabilistic(sampler) => sampler.tags(trace_id),
            _ => self.decide_at_once(trace_id, operation_name).tags,
        }
    }

    /// The same, where a root is taken by its trace alone. `None` leaves the decision open.
    #[inline]
    pub(crate) fn take_at_once(&self, trace_id: TraceId) -> Option<SamplerTags> {
        match &self.kind {
            Kind::Constant(true) => Some(SamplerTags::ALL),
            Kind::Probabilistic(sampler) => sampler.tags(trace_id),
            _ => None,
        }
    }

    /// Whether a root is refused by its trace alone. `false` leaves the decision open.
    #[inline]
    pub(crate) fn refuses_at_once(&self, trace_id: TraceId) -> bool {
        match &self.kind {
            Kind::Constant(sampled) => !sampled,
            Kind::Probabilistic(sampler) => !sampler.samples(trace_id),
            _ => false,
        }
    }

    /// Decides on a root by the name it has.
    #[inline]
    pub(crate) fn decide_at_once(&self, trace_id: TraceId, operation_name: &str) -> Verdict {
        match &self.kind {
            Kind::Constant(sampled) => {
                Verdict::of(*sampled, SamplerKind::Const, f64::from(u8::from(*sampled)))
            }
            Kind::Probabilistic(sampler) => sampler.decide(trace_id),
            Kind::RateLimiting(sampler) => sampler.decide(),
            Kind::GuaranteedThroughput(sampler) => sampler.decide(trace_id),
            Kind::PerOperation(sampler) => sampler.decide(trace_id, operation_name),
            Kind::Remote(sampler) => sampler.decide(trace_id, operation_name),
            Kind::Custom(sampler) => sampler.decide(trace_id, operation_name),
        }
    }

    /// Sets to work for a service what needs it: a remote sampler becomes one of its own, which follows the strategy for
    /// that service as long as what is returned lives.
    pub(crate) fn start(&mut self, service: &str) -> Polling {
        let Kind::Remote(settings) = &self.kind else {
            return Polling::default();
        };
        let (remote, polling) = settings.start(service);
        self.kind = Kind::Remote(remote);
        polling
    }

    /// Goes on with that in the child of a fork.
    pub(crate) fn start_in_child(&self, service: &str) -> Polling {
        match &self.kind {
            Kind::Remote(remote) => remote.poll(service),
            _ => Polling::default(),
        }
    }
}

impl Verdict {
    pub(crate) const REFUSED: Self = Self {
        sampled: false,
        undecided: false,
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
            undecided: false,
            tags,
            custom_tags: Vec::new(),
        }
    }
}

/// Asks again about a trace that was left undecided.
impl Reconsider for Sampler {
    fn reconsider(&self, inquiry: &Inquiry, change: &Change<'_>) {
        let Inquiry {
            trace,
            trace_id,
            operation_name,
            is_local_root,
        } = inquiry;
        let verdict = match (&self.kind, change) {
            (Kind::Custom(sampler), _) => sampler.decide_again(inquiry, change),
            (_, Change::OperationName) if *is_local_root => {
                self.decide_at_once(*trace_id, operation_name)
            }
            _ => return,
        };
        if verdict.sampled {
            trace.sample(RootTags {
                sampler: verdict.tags,
                custom: verdict.custom_tags,
            });
        } else if !verdict.undecided {
            trace.refuse();
        }
    }
}

/// Reads as the sampler was configured: part of what a tracer logs of itself.
impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Constant(sampled) => write!(f, "constant({sampled})"),
            Kind::Probabilistic(sampler) => fmt::Debug::fmt(sampler, f),
            Kind::RateLimiting(sampler) => fmt::Debug::fmt(sampler, f),
            Kind::GuaranteedThroughput(sampler) => fmt::Debug::fmt(sampler, f),
            Kind::PerOperation(sampler) => fmt::Debug::fmt(sampler, f),
            Kind::Remote(sampler) => fmt::Debug::fmt(sampler, f),
            Kind::Custom(sampler) => fmt::Debug::fmt(sampler, f),
        }?;
        f.write_str(if self.binds_late {
            " with late binding of names"
        } else {
            ""
        })
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
pub(crate) fn rate_argument(what: &str, rate: f64) -> Result<f64, InitError> {
    if rate >= 0.0 && rate.is_finite() {
        return Ok(rate);
    }
    Err(InitError::value(
        what,
        rate,
        "a number of traces per second, 0 or more",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In every share but that of nothing.
    pub(super) const IN: TraceId = TraceId { high: 0, low: 1 };
    /// In no share but that of all.
    pub(super) const OUT: TraceId = TraceId {
        high: 0,
        low: u64::MAX,
    };

    impl Verdict {
        /// The type and parameter of the sampler that chose the trace; `None` if none did.
        pub(super) fn told(&self) -> Option<(SamplerKind, f64)> {
            assert_eq!(self.sampled, self.tags.is_some());
            self.tags.map(|tags| (tags.kind, tags.param))
        }
    }

    #[test]
    fn arguments_out_of_range_are_refused_and_the_range_named() {
        let none = [("op", 0.5); 0];
        for wrong in [-0.001, 1.001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for refused in [
                Sampler::probabilistic(wrong),
                Sampler::guaranteed_throughput(wrong, 1.0),
                Sampler::per_operation(wrong, 1.0, none),
                Sampler::per_operation(1.0, 1.0, [("op", wrong)]),
            ] {
                let error = refused.expect_err("out of range").to_string();
                assert!(
                    error.ends_with("but must be a probability from 0 to 1"),
                    "{error}"
                );
            }
        }
        for wrong in [-0.001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for refused in [
                Sampler::rate_limiting(wrong),
                Sampler::guaranteed_throughput(1.0, wrong),
                Sampler::per_operation(1.0, wrong, none),
            ] {
                let error = refused.expect_err("out of range").to_string();
                assert!(
                    error.ends_with("but must be a number of traces per second, 0 or more"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn decisions_are_tagged_as_by_jaegers_clients_and_refusals_not_at_all() {
        use SamplerKind::{Const, LowerBound, Probabilistic, RateLimiting};
        for (sampler, expected) in [
            (Sampler::constant(true), Some((Const, 1.0))),
            (Sampler::constant(false), None),
            (
                Sampler::probabilistic(0.25).unwrap(),
                Some((Probabilistic, 0.25)),
            ),
            (Sampler::probabilistic(0.0).unwrap(), None),
            (
                Sampler::rate_limiting(2.5).unwrap(),
                Some((RateLimiting, 2.5)),
            ),
            (Sampler::rate_limiting(0.0).unwrap(), None),
            (
                Sampler::guaranteed_throughput(0.5, 0.0).unwrap(),
                Some((Probabilistic, 0.5)),
            ),
            (
                Sampler::guaranteed_throughput(0.0, 2.0).unwrap(),
                Some((LowerBound, 0.0)),
            ),
            (
                Sampler::per_operation(0.0, 0.0, [("op", 0.5)]).unwrap(),
                Some((Probabilistic, 0.5)),
            ),
            (
                Sampler::per_operation(0.0, 0.0, [("other", 0.5)]).unwrap(),
                None,
            ),
            (
                Sampler::per_operation(0.5, 0.0, [("op", 0.0)]).unwrap(),
                None,
            ),
        ] {
            let verdict = sampler.decide(IN, "op");
            let tags = verdict.tags.map(|tags| (tags.kind, tags.param));
            assert_eq!(
                (verdict.sampled, tags),
                (expected.is_some(), expected),
                "{sampler:?}"
            );
            assert!(verdict.custom_tags.is_empty());
        }
    }
}
