//! The sampler that does what the backend says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::per_operation::{MAX_OPERATIONS, PerOperation};
use super::probabilistic::Probabilistic;
use super::rate_limiting::RateLimiting;
use super::strategy::Strategy;
use super::{Sampler, Verdict, probability_argument};
use crate::error::InitError;
use crate::id::TraceId;
use crate::poll::{Endpoint, LEAST_INTERVAL, Polling, Question};

/// Asks an agent or a collector over HTTP which traces to sample, at set-up and then once a minute: Jaeger's remote
/// sampling, served by `tracer-agent`, by Jaeger (port 5778) and by the OpenTelemetry Collector's `jaegerremotesampling`
/// extension.
///
/// Made with its defaults by [`Sampler::remote`]; by hand where they do not fit. A thread of the tracer polls, each reply of
/// at most 64 KB, for as long as the tracer lives. The first reply is waited for at set-up, but not longer than 200 ms.
/// Until it comes the initial probability counts, and after a failure the last strategy there was. The first failure and the
/// recovery from it are logged; an agent that could not be reached is asked again sooner, after a second, then two, and so
/// on up to the refresh interval.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tracer_core::{RemoteSampler, Sampler, Tracer};
///
/// # fn main() -> Result<(), tracer_core::InitError> {
/// let sampler = RemoteSampler::to("http://agent:5778/sampling")?
///     .initial_probability(0.1)?
///     .refresh_interval(Duration::from_secs(10));
/// let builder = Tracer::builder("shop").sampler(Sampler::from(sampler));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteSampler {
    endpoint: Endpoint,
    initial_probability: f64,
    refresh_interval: Duration,
    max_operations: usize,
}

/// The share of traces that are sampled until a strategy is known.
pub(crate) const INITIAL_PROBABILITY: f64 = 0.001;

impl RemoteSampler {
    /// A sampler that asks at `url`; the service's name is added to its query.
    ///
    /// # Errors
    ///
    /// `url` is not one of HTTP without TLS, or names a service itself.
    pub fn to(url: impl AsRef<str>) -> Result<Self, InitError> {
        Self::from_argument("the sampling URL", url.as_ref())
    }

    /// The sampler that asks the agent on a host, which has the usual port.
    pub(crate) fn of_agent(host: &str) -> Result<Self, InitError> {
        Self::to(agent_url(host, 5778, "sampling"))
    }

    /// A sampler that asks at the URL that the argument or variable `what` gives.
    pub(crate) fn from_argument(what: &str, url: &str) -> Result<Self, InitError> {
        Ok(Self {
            endpoint: Endpoint::parse(what, url, "http://localhost:5778/sampling")?,
            initial_probability: INITIAL_PROBABILITY,
            refresh_interval: Duration::from_secs(60),
            max_operations: MAX_OPERATIONS,
        })
    }

    /// Sets the share of the traces that are sampled until a strategy is known. Default: 0.001.
    ///
    /// # Errors
    ///
    /// `probability` is not from 0 to 1.
    pub fn initial_probability(self, probability: f64) -> Result<Self, InitError> {
        let initial_probability = probability_argument("the initial probability", probability)?;
        Ok(Self {
            initial_probability,
            ..self
        })
    }

    /// Sets how often the strategy is asked for, give or take a tenth lest all services ask at once. Default: 60 s; at least
    /// 100 ms.
    #[must_use]
    pub fn refresh_interval(self, interval: Duration) -> Self {
        Self {
            refresh_interval: interval.max(LEAST_INTERVAL),
            ..self
        }
    }

    /// Sets for how many operations a lower bound of traces per second is kept, when the strategy has one; others have only
    /// a probability. Default: 2000.
    #[must_use]
    pub fn max_operations(self, operations: usize) -> Self {
        Self {
            max_operations: operations,
            ..self
        }
    }
}

pub(crate) fn agent_url(host: &str, port: u16, path: &str) -> String {
    format!("http://{}/{path}", authority(host, port))
}

/// A host and a port; IPv6 addresses stand in brackets before it.
pub(crate) fn authority(host: &str, port: u16) -> String {
    let bare_v6 = host.contains(':') && !host.starts_with('[');
    let (open, close) = if bare_v6 { ("[", "]") } else { ("", "") };
    format!("{open}{host}{close}:{port}")
}

impl From<RemoteSampler> for Sampler {
    fn from(settings: RemoteSampler) -> Self {
        Self::of_remote(Arc::new(Remote::new(settings)))
    }
}

/// A remote sampler at work for one service.
pub(super) struct Remote {
    settings: RemoteSampler,
    current: ArcSwap<Current>,
}

/// The sampler the last strategy asked for.
enum Current {
    Probabilistic(Probabilistic),
    RateLimiting(RateLimiting),
    PerOperation(PerOperation),
}

impl Remote {
    fn new(settings: RemoteSampler) -> Self {
        let initial = Current::Probabilistic(Probabilistic::new(settings.initial_probability));
        Self {
            settings,
            current: ArcSwap::from_pointee(initial),
        }
    }

    /// Begins to ask for the strategy of `service`. What comes is for that service, so it goes to a sampler of its own even
    /// if the settings are shared.
    pub(super) fn start(&self, service: &str) -> (Arc<Self>, Polling) {
        let remote = Arc::new(Self::new(self.settings.clone()));
        let polling = remote.poll(service);
        (remote, polling)
    }

    /// Asks for the strategy of `service` as long as what is returned lives.
    pub(super) fn poll(self: &Arc<Self>, service: &str) -> Polling {
        let following = Following {
            remote: Arc::clone(self),
            last: None,
        };
        let settings = &self.settings;
        Polling::start(
            following,
            &settings.endpoint,
            service,
            settings.refresh_interval,
        )
    }

    pub(super) fn decide(&self, trace_id: TraceId, operation_name: &str) -> Verdict {
        match &**self.current.load() {
            Current::Probabilistic(sampler) => sampler.decide(trace_id),
            Current::RateLimiting(sampler) => sampler.decide(),
            Current::PerOperation(sampler) => sampler.decide(trace_id, operation_name),
        }
    }

    /// Whether the strategy has a share for each operation.
    pub(super) fn looks_at_names(&self) -> bool {
        matches!(&**self.current.load(), Current::PerOperation(_))
    }

    /// Follows another strategy from now on. Called by one thread only.
    pub(super) fn follow(&self, strategy: &Strategy) {
        let current = self.current.load();
        let next = match (strategy, &**current) {
            (Strategy::Probabilistic(probability), _) => {
                Current::Probabilistic(Probabilistic::new(*probability))
            }
            (Strategy::RateLimiting(rate), Current::RateLimiting(before)) => {
                Current::RateLimiting(before.with_rate(*rate))
            }
            (Strategy::RateLimiting(rate), _) => Current::RateLimiting(RateLimiting::new(*rate)),
            (Strategy::PerOperation(shares), Current::PerOperation(before)) => {
                Current::PerOperation(before.with(shares))
            }
            (Strategy::PerOperation(shares), _) => {
                Current::PerOperation(PerOperation::new(shares, self.settings.max_operations))
            }
        };
        self.current.store(Arc::new(next));
    }
}

/// What the thread that asks keeps.
struct Following {
    remote: Arc<Remote>,
    last: Option<Strategy>,
}

impl Question for Following {
    const SUBJECT: &'static str = "sampling strategies";

    fn take_over(&mut self, reply: &[u8]) -> Result<bool, String> {
        let strategy = Strategy::parse(reply)?;
        // One that did not change is not followed anew: operations met since would lose what they are short of.
        if self.last.as_ref() == Some(&strategy) {
            return Ok(false);
        }
        self.remote.follow(&strategy);
        self.last = Some(strategy);
        log::info!("tracer: sampling is now {:?}", self.remote);
        Ok(true)
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.remote, f)
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probabilistic(sampler) => fmt::Debug::fmt(sampler, f),
            Self::RateLimiting(sampler) => fmt::Debug::fmt(sampler, f),
            Self::PerOperation(sampler) => fmt::Debug::fmt(sampler, f),
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "remote({}, now {:?})",
            self.settings.endpoint.shown,
            self.current.load()
        )
    }
}

#[cfg(test)]
mod tests;
