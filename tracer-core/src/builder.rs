//! Set-up of a tracer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::baggage_policy::BaggagePolicy;
use crate::debug_throttle::DebugThrottle;
use crate::details::Limits;
use crate::env::{Collector, Credentials, EnvConfig};
use crate::error::InitError;
use crate::fork::Estate;
use crate::global;
use crate::guard::TracerGuard;
use crate::keep::{self, KeepPolicy};
use crate::policies::Policies;
use crate::process::{self, Process};
use crate::propagation::Propagation;
use crate::registry;
use crate::report::queue::Hub;
use crate::report::worker::Worker;
use crate::report::{ConsoleReporter, HttpReporter, NullReporter, Reporter, UdpReporter};
use crate::room::Room;
use crate::sampler::{INITIAL_PROBABILITY, RemoteSampler, Sampler, authority};
use crate::tag::TagValue;
use crate::tracer::{self, Core, Tracer};

/// How long set-up waits for the first answers of the agent: the strategy of a remote sampler and the like.
const FIRST_ANSWERS: Duration = Duration::from_millis(200);

/// Memory of a span that waits, where a bound is given as a number of spans.
const SPAN_BYTES: usize = 1024;

/// A tracer to be built. Later calls win over earlier ones; [`from_env`](Self::from_env) is a call like the others.
///
/// Without further calls: the remote sampler of the agent on this machine, the UDP reporter to it, W3C and Jaeger
/// propagation, 128-bit trace ids.
///
/// ```no_run
/// use tracer_core::{Sampler, Tracer};
///
/// # fn main() -> Result<(), tracer_core::InitError> {
/// let _guard = Tracer::builder("shop").from_env().sampler(Sampler::probabilistic(0.1)?).install()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is set up until `install` or `build` is called"]
pub struct TracerBuilder {
    service_name: String,
    enabled: bool,
    sampler: Option<Sampler>,
    agent_host: Option<String>,
    agent_port: Option<u16>,
    reporters: Vec<Box<dyn Reporter>>,
    /// The reporter that the environment asks for. A later call of `reporter` wins over it.
    from_env: Option<Box<dyn Reporter>>,
    log_spans: bool,
    propagations: Vec<Propagation>,
    tags: Vec<(Cow<'static, str>, TagValue<'static>)>,
    bits128: bool,
    flush_interval: Duration,
    limits: Limits,
    queue_bytes: usize,
    baggage_policy: Option<BaggagePolicy>,
    debug_throttle: Option<DebugThrottle>,
    keep: Option<KeepPolicy>,
    held_spans: usize,
    held_bytes: usize,
    error: Option<InitError>,
}

impl Tracer {
    /// Begins the set-up of a tracer for the service of that name.
    pub fn builder(service_name: impl Into<String>) -> TracerBuilder {
        TracerBuilder::new(service_name.into())
    }
}

impl TracerBuilder {
    pub(crate) fn new(service_name: String) -> Self {
        Self {
            service_name,
            enabled: true,
            sampler: None,
            agent_host: None,
            agent_port: None,
            reporters: Vec::new(),
            from_env: None,
            log_spans: false,
            propagations: vec![Propagation::W3c, Propagation::Jaeger],
            tags: Vec::new(),
            bits128: true,
            flush_interval: Duration::from_secs(1),
            limits: Limits::default(),
            queue_bytes: 64 << 20,
            baggage_policy: None,
            debug_throttle: None,
            keep: None,
            held_spans: 65_536,
            held_bytes: 32 << 20,
            error: None,
        }
    }

    /// Decides which traces are reported. Asked for roots only: other spans follow their parent.
    ///
    /// ```
    /// # use tracer_core::{Sampler, Tracer};
    /// let builder = Tracer::builder("shop").sampler(Sampler::rate_limiting(10.0)?);
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = Some(sampler);
        self
    }

    /// Keeps traces that the sampler refused, or whoever called this service, if the policy finds a reason.
    ///
    /// Until its local root ends the spans of such a trace are recorded and held in memory, within
    /// [`held_spans`](Self::held_spans) and [`held_bytes`](Self::held_bytes). So with a policy a span of a refused trace
    /// costs a few times what a sampled one does, where without one it costs next to nothing. Of a trace that is kept all spans
    /// of this process are reported, also those that end after its local root, which is tagged `sampler.type = tail` and
    /// `sampler.param = error` or `slow`. Others are told what the sampler decided: other services have dropped their part,
    /// unless they keep it by themselves.
    /// A trace with `sampling.priority = 0` is never kept.
    pub fn keep(mut self, policy: KeepPolicy) -> Self {
        self.keep = Some(policy);
        self
    }

    /// Adds a reporter. The first call replaces the default; with several, each gets every span.
    ///
    /// ```
    /// # use tracer_core::{ConsoleReporter, Tracer, UdpReporter};
    /// let builder = Tracer::builder("shop").reporter(UdpReporter::to("agent:6831")?).reporter(ConsoleReporter::to_log());
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    pub fn reporter(mut self, reporter: impl Reporter) -> Self {
        self.reporters.push(Box::new(reporter));
        self
    }

    /// Sets the formats in which contexts travel: all are written, the first that is present is read, in this order.
    ///
    /// ```
    /// # use tracer_core::{Propagation, Tracer};
    /// let builder = Tracer::builder("shop").propagation([Propagation::Jaeger, Propagation::B3Multi]);
    /// ```
    pub fn propagation(mut self, formats: impl IntoIterator<Item = Propagation>) -> Self {
        self.propagations = formats.into_iter().collect();
        self
    }

    /// Sets a tag of the process, which goes with all its spans.
    ///
    /// ```
    /// # use tracer_core::Tracer;
    /// let builder = Tracer::builder("shop").tag("version", env!("CARGO_PKG_VERSION")).tag("replica", 3);
    /// ```
    pub fn tag(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<TagValue<'static>>,
    ) -> Self {
        let (key, value) = (key.into(), value.into());
        match self.tags.iter_mut().find(|(known, _)| *known == key) {
            Some(tag) => tag.1 = value,
            None => self.tags.push((key, value)),
        }
        self
    }

    /// Sets after what time a finished span is sent at the latest, from a millisecond to a day. Default: 1 s.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = interval;
        self
    }

    /// Chooses between trace ids of 128 bits (the default) and of 64.
    pub fn trace_id_128bit(mut self, bits128: bool) -> Self {
        self.bits128 = bits128;
        self
    }

    /// Bounds the memory of finished spans that wait for the reporter thread. Default: 64 MB.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Bounds the spans that are held until it is decided about their traces ([`keep`](Self::keep),
    /// [`Sampling::undecided`](crate::Sampling::undecided)). A trace whose span finds no room is dropped and
    /// [counted](crate::Stats::no_room). Default: 65 536.
    ///
    /// ```
    /// # use tracer_core::{KeepPolicy, Tracer};
    /// let builder = Tracer::builder("shop").keep(KeepPolicy::errors()).held_spans(10_000).held_bytes(8 << 20);
    /// ```
    pub fn held_spans(mut self, spans: usize) -> Self {
        self.held_spans = spans;
        self
    }

    /// Bounds the memory of these spans. Default: 32 MB.
    pub fn held_bytes(mut self, bytes: usize) -> Self {
        self.held_bytes = bytes;
        self
    }

    /// Bounds the tags of one span; more are left out and the span is tagged `truncated`. Default: 128.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::with("shop", |builder|
    /// builder.max_tags(2).max_logs(8).max_value_bytes(4)
    /// # );
    /// # test.tracer().start_span("order").set_tag("a", "abcdef").set_tag("b", 1).set_tag("c", 2);
    /// # tracer_testing::assert_trace!(test, "order {a=abcd, b=1, truncated=true}");
    /// ```
    pub fn max_tags(mut self, tags: usize) -> Self {
        self.limits.tags = tags;
        self
    }

    /// Bounds the logs of one span. Further ones are left out, the span is tagged `truncated`, and a log `event` =
    /// `dropped logs` has the time of the first. Default: 128.
    pub fn max_logs(mut self, logs: usize) -> Self {
        self.limits.logs = logs;
        self
    }

    /// Bounds the bytes of one value, which is cut at a character boundary. Default: 4 096.
    pub fn max_value_bytes(mut self, bytes: usize) -> Self {
        self.limits.value_bytes = bytes;
        self
    }

    /// Bounds the baggage this service sets. Without it any key may be set, within the limits of
    /// [`Baggage`](crate::Baggage).
    pub fn baggage_policy(mut self, policy: impl Into<BaggagePolicy>) -> Self {
        self.baggage_policy = Some(policy.into());
        self
    }

    /// Limits the debug traces this service begins. Without it there are as many as are asked for.
    pub fn debug_throttle(mut self, throttle: impl Into<DebugThrottle>) -> Self {
        self.debug_throttle = Some(throttle.into());
        self
    }

    /// Takes what the `JAEGER_*` and `OTEL_*` variables say; the table of them is in the documentation of
    /// [`env`](crate::env). A variable with a wrong value makes `build` and `install` fail.
    pub fn from_env(self) -> Self {
        let service_name = self.service_name.clone();
        EnvConfig::from_process()
            .and_then(|config| self.apply(config))
            .unwrap_or_else(|error| Self {
                error: Some(error),
                ..Self::new(service_name)
            })
    }

    /// Builds the tracer and installs it for this process: what [`tracer`](crate::tracer) gives, and what `#[traced]`
    /// functions and integrations use that were not given another. Keep the guard until the end of `main`.
    ///
    /// # Errors
    /// As [`build`](Self::build), and when a tracer is installed already.
    pub fn install(self) -> Result<TracerGuard, InitError> {
        let tracer = self.build()?;
        global::install(tracer.clone())?;
        Ok(TracerGuard::new(tracer))
    }

    /// Builds the tracer without installing it, for tests and for several tracers in a process.
    ///
    /// ```
    /// # use tracer_core::{NullReporter, Tracer};
    /// let shop = Tracer::builder("shop").reporter(NullReporter).build()?;
    /// let bank = Tracer::builder("bank").reporter(NullReporter).build()?; // in the same process
    /// assert!(Tracer::builder(" ").build().is_err());
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    ///
    /// # Errors
    /// When the service name is empty, a variable has a wrong value, or the reporter thread cannot be started.
    pub fn build(mut self) -> Result<Tracer, InitError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if !self.enabled {
            log::info!("tracer: switched off by the environment");
            return Ok(Tracer::disabled());
        }
        if self.service_name.trim().is_empty() {
            return Err(InitError::value(
                "the service name",
                &self.service_name,
                "a name that is not blank",
            ));
        }
        let host = self.agent_host.as_deref().unwrap_or("localhost");
        let mut sampler = match self.sampler {
            Some(sampler) => sampler,
            None => sampler_of_agent(host)?,
        };
        self.reporters
            .extend(self.from_env.take().filter(|_| self.reporters.is_empty()));
        if self.reporters.is_empty() {
            let address = authority(host, self.agent_port.unwrap_or(6831));
            self.reporters.push(Box::new(UdpReporter::to(&address)?));
        }
        if self.log_spans {
            self.reporters.push(Box::new(ConsoleReporter::to_log()));
        }
        let draws_uuid = !self.tags.iter().any(|(key, _)| key == process::CLIENT_UUID);
        let process = Process {
            service_name: self.service_name.into(),
            tags: process::with_own_tags(self.tags),
        };
        let room = Room::new(self.held_spans, self.held_bytes);
        let hub = Arc::new(Hub::new(self.limits, self.queue_bytes, room));
        let estate = Estate::new(&self.reporters, self.flush_interval, draws_uuid);
        Worker::start(&hub, process.clone(), self.reporters, self.flush_interval).map_err(
            |error| {
                InitError::new(format_args!(
                    "the reporter thread cannot be started: {error}"
                ))
            },
        )?;
        let deadline = Instant::now() + FIRST_ANSWERS;
        let polling = sampler.start(&process.service_name);
        let policies = Policies::start(polling, self.baggage_policy, self.debug_throttle, &process);
        policies.wait_first(deadline);
        if self.keep.is_some() {
            keep::announce();
        }
        let core = Arc::new(Core {
            id: registry::register(&hub).into(),
            hub: hub.into(),
            process,
            reconsiders: sampler.reconsiders(),
            plain_roots: sampler.is_plain() && self.keep.is_none(),
            keep: self.keep,
            sampler,
            propagations: self.propagations.into(),
            bits128: self.bits128,
            policies: ArcSwap::from_pointee(policies),
            estate,
        });
        tracer::register(&core);
        let tracer = Tracer::of(core);
        log::info!(
            "tracer: service {:?} is traced; sampler {} (another one: `sampler(..)` of the builder, or \
             JAEGER_SAMPLER_TYPE and `from_env()`); {tracer:?}",
            tracer.service_name(),
            tracer
                .sampler()
                .map_or_else(String::new, |sampler| format!("{sampler:?}")),
        );
        Ok(tracer)
    }

    fn apply(mut self, config: EnvConfig) -> Result<Self, InitError> {
        if config.sends_nothing {
            self.reporters.clear();
            self.from_env = Some(Box::new(NullReporter));
        } else if let Some(collector) = config.collector {
            self.reporters.clear();
            self.from_env = Some(Box::new(http_reporter(&collector)?));
        } else if config.agent_host.is_some() || config.agent_port.is_some() {
            self.reporters.clear();
            self.from_env = None;
        }
        if let Some(sampler) = config.sampler {
            self.sampler = Some(sampler.build()?);
        }
        for (key, value) in config.tags {
            self = self.tag(key, value);
        }
        set(&mut self.service_name, config.service_name);
        set(&mut self.enabled, config.disabled.map(|disabled| !disabled));
        self.agent_host = config.agent_host.or(self.agent_host);
        self.agent_port = config.agent_port.or(self.agent_port);
        set(&mut self.log_spans, config.log_spans);
        set(
            &mut self.queue_bytes,
            config
                .max_queue_size
                .map(|spans| spans.saturating_mul(SPAN_BYTES)),
        );
        set(&mut self.flush_interval, config.flush_interval);
        set(&mut self.propagations, config.propagation);
        set(&mut self.bits128, config.trace_id_128bit);
        set(&mut self.limits.tags, config.max_tags);
        set(&mut self.limits.logs, config.max_logs);
        set(&mut self.limits.value_bytes, config.max_value_bytes);
        if self.enabled && !config.unread.is_empty() {
            log::warn!("tracer: {}", config.unread);
        }
        Ok(self)
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// What the agent says. One whose address names an interface cannot be asked, and nobody said that it was to be.
fn sampler_of_agent(host: &str) -> Result<Sampler, InitError> {
    if host.contains('%') {
        log::warn!(
            "tracer: no sampling strategies from {host}, for a URL cannot name an interface: staying with \
             probabilistic({INITIAL_PROBABILITY}); `sampler(..)` of the builder or JAEGER_SAMPLER_TYPE choose another, \
             JAEGER_SAMPLING_ENDPOINT another place to ask"
        );
        return Sampler::probabilistic(INITIAL_PROBABILITY);
    }
    Ok(RemoteSampler::of_agent(host)?.into())
}

fn http_reporter(collector: &Collector) -> Result<HttpReporter, InitError> {
    let named = |error: InitError| InitError::new(format_args!("{}: {error}", collector.variable));
    let mut reporter = HttpReporter::to(&collector.url).map_err(named)?;
    reporter = match &collector.credentials {
        Some(Credentials::Basic { user, password }) => {
            reporter.basic_auth(user, password).map_err(named)?
        }
        Some(Credentials::Bearer(token)) => reporter.bearer_auth(token).map_err(named)?,
        None => reporter,
    };
    Ok(match collector.timeout {
        Some(timeout) => reporter.timeout(timeout),
        None => reporter,
    })
}

impl std::fmt::Debug for TracerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TracerBuilder")
            .field("service_name", &self.service_name)
            .field("sampler", &self.sampler)
            .field("reporters", &self.reporters.len())
            .field("propagation", &self.propagations)
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn with(variables: &[(&str, &str)]) -> TracerBuilder {
        let config = EnvConfig::read(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let builder = Tracer::builder("shop").apply(config.unwrap());
        builder.unwrap_or_else(|error| panic!("{variables:?}: {error}"))
    }

    #[test]
    fn nothing_is_sent_where_the_exporter_is_none() {
        let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
        agent.set_nonblocking(true).unwrap();
        let (host, port) = (
            ("JAEGER_AGENT_HOST", "127.0.0.1"),
            agent.local_addr().unwrap().port(),
        );
        let port = port.to_string();
        let port = ("JAEGER_AGENT_PORT", &*port);
        let sampler = ("OTEL_TRACES_SAMPLER", "always_on");
        for (exporter, sends) in [("none", false), ("jaeger", true)] {
            let builder = with(&[host, port, sampler, ("OTEL_TRACES_EXPORTER", exporter)]);
            let tracer = builder.build().unwrap();
            let span = tracer.start_span("order");
            assert!(span.context().is_sampled(), "other services go on as ever");
            span.finish();
            tracer.flush(Duration::from_secs(60)).unwrap();
            assert_eq!(agent.recv(&mut [0; 65_536]).is_ok(), sends, "{exporter}");
            assert_eq!(tracer.stats().lost(), 0);
        }
        let memory = crate::report::MemoryReporter::new();
        let none = with(&[sampler, ("OTEL_TRACES_EXPORTER", "none")]);
        let tracer = none.reporter(memory.clone()).build().unwrap();
        tracer.start_span("order").finish();
        tracer.flush(Duration::from_secs(60)).unwrap();
        assert_eq!(memory.len(), 1, "a later call wins");
    }

    #[test]
    fn agent_whose_address_names_an_interface_is_not_asked() {
        let builder = with(&[("JAEGER_AGENT_HOST", "fe80::1%eth0")]);
        let tracer = builder.build().unwrap();
        assert_eq!(
            format!("{:?}", tracer.sampler().unwrap()),
            "probabilistic(0.001)"
        );
    }
}
