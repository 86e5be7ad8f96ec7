//! Asking an agent over HTTP for something, again and again, on a thread of its own: the strategy of a remote sampler, what
//! baggage is allowed, credits for debug traces.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Uri;

use crate::error::InitError;
use crate::guarded::guarded;
use crate::id;
use crate::local;
use crate::report::has_wrong_port;

/// What is asked, and what becomes of the answers. `Debug` says what is in force, for the log.
pub(crate) trait Question: fmt::Debug + Send + 'static {
    /// What is asked for, as the log has it.
    const SUBJECT: &'static str;

    /// The parameters of the next request beside the service. `None` if there is nothing to ask at the moment.
    fn parameters(&mut self) -> Option<Vec<(&'static str, String)>> {
        Some(Vec::new())
    }

    /// Takes an answer over. Whether it differed from what was in force; `Err` says what is wrong with it.
    fn take_over(&mut self, reply: &[u8]) -> Result<bool, String>;
}

/// Where to ask.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    url: String,
    /// The URL without the password that may be in it.
    pub(crate) shown: String,
}

impl Endpoint {
    /// The URL that the argument or variable `what` gives; one like `example` is meant.
    pub(crate) fn parse(what: &str, url: &str, example: &str) -> Result<Self, InitError> {
        let wrong = |allowed: &str| Err(InitError::url(what, url, allowed));
        let not_one = || wrong(&format!("a URL such as {example}"));
        let Ok(uri) = url.parse::<Uri>() else {
            return not_one();
        };
        let Some(host) = uri
            .authority()
            .filter(|authority| !authority.host().is_empty() && !has_wrong_port(authority))
        else {
            return not_one();
        };
        if uri.scheme_str() != Some("http") {
            return wrong("a URL that begins with http://, for agents are asked without TLS");
        }
        if host.host().contains('%') {
            return wrong("a URL without an interface, which only addresses for UDP may name");
        }
        // A server refuses a request that names the service twice.
        if uri
            .query()
            .unwrap_or_default()
            .split('&')
            .any(|pair| pair.split('=').next() == Some("service"))
        {
            return wrong("a URL without `service`, which is added to it");
        }
        let host = host.as_str().rsplit('@').next().unwrap_or_default();
        Ok(Self {
            url: url.to_owned(),
            shown: format!("http://{host}{}", uri.path()),
        })
    }
}

/// Asks until it is dropped. The default asks nothing.
#[derive(Debug, Default)]
pub(crate) struct Polling {
    poller: Option<Handle>,
}

/// The tracer's end of a polling thread. Nothing is ever sent: each channel tells by its end.
#[derive(Debug)]
struct Handle {
    /// Ends when the tracer does. The thread sees it between two requests, so it is not joined: that could take seconds.
    _stop: Sender<Infallible>,
    /// Ends when the thread has asked once.
    asked: Mutex<Receiver<Infallible>>,
    counts: Arc<Counts>,
}

/// What was asked of an agent and answered; see [`Stats`](crate::Stats).
///
/// ```
/// # use tracer_core::{Sampler, Tracer};
/// # let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?; // nobody listens there any more
/// let sampler = Sampler::remote(format!("http://{free}/sampling"))?;
/// let tracer = Tracer::builder("shop").sampler(sampler).build()?;
/// let asked = tracer.stats().sampler;
/// assert_eq!((asked.queries, asked.query_failures), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollStats {
    /// Requests that were answered.
    pub queries: u64,
    /// Requests that failed: nothing listened, the server was too slow, or it answered with an error.
    pub query_failures: u64,
    /// Answers taken over because they differed from the one before.
    pub updates: u64,
    /// Answers that are too long or do not hold what was asked for.
    pub update_failures: u64,
}

#[derive(Debug, Default)]
struct Counts {
    queries: AtomicU64,
    query_failures: AtomicU64,
    updates: AtomicU64,
    update_failures: AtomicU64,
}

impl Polling {
    /// Starts the thread, which asks for `service`. If that fails what is in force stays so.
    pub(crate) fn start<Q: Question>(
        question: Q,
        endpoint: &Endpoint,
        service: &str,
        interval: Duration,
    ) -> Self {
        let (_stop, stopped) = mpsc::channel();
        let (asking, asked) = mpsc::channel();
        let counts = Arc::<Counts>::default();
        let poller = Poller {
            agent: http_agent(),
            question,
            endpoint: endpoint.clone(),
            service: service.to_owned(),
            interval,
            failing: false,
            counts: Arc::clone(&counts),
        };
        let thread = std::thread::Builder::new().name("tracer-poll".to_owned());
        if let Err(error) = thread.spawn(move || poller.run(&stopped, asking)) {
            log::error!(
                "tracer: the thread that asks for {} cannot be started: {error}",
                Q::SUBJECT
            );
            return Self::default();
        }
        Self {
            poller: Some(Handle {
                _stop,
                asked: Mutex::new(asked),
                counts,
            }),
        }
    }

    /// Waits until it was asked once, with or without success, but not beyond `deadline`.
    pub(crate) fn wait_first(&self, deadline: Instant) {
        if let Some(poller) = &self.poller {
            // It ends or the time does; both are as good.
            let _ = poller
                .asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }

    pub(crate) fn stats(&self) -> PollStats {
        let Some(Handle { counts, .. }) = &self.poller else {
            return PollStats::default();
        };
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        PollStats {
            queries: read(&counts.queries),
            query_failures: read(&counts.query_failures),
            updates: read(&counts.updates),
            update_failures: read(&counts.update_failures),
        }
    }
}

/// The thread's end.
struct Poller<Q> {
    agent: ureq::Agent,
    question: Q,
    endpoint: Endpoint,
    service: String,
    interval: Duration,
    failing: bool,
    counts: Arc<Counts>,
}

/// Least time between two requests, whatever is asked for.
pub(crate) const LEAST_INTERVAL: Duration = Duration::from_millis(100);
/// A request may take that long in all, its connection that long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longer replies are refused.
const MAX_REPLY: u64 = 64 * 1024;
/// The wait after the first failure; it doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// No clock could be moved by much longer waits.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 86_400);

impl<Q: Question> Poller<Q> {
    fn run(mut self, stopped: &Receiver<Infallible>, asking: Sender<Infallible>) {
        local::suppress_this_thread();
        let mut asking = Some(asking);
        let mut retry = FIRST_RETRY;
        loop {
            let asked = guarded(|| self.ask()).unwrap_or_else(|| {
                count(&self.counts.query_failures);
                Err("asking panicked".to_owned())
            });
            let wait = match asked {
                Ok(()) => {
                    retry = FIRST_RETRY;
                    self.interval
                }
                Err(error) => {
                    self.fail(&error);
                    let wait = retry.min(self.interval);
                    retry = wait.saturating_mul(2);
                    wait
                }
            };
            asking.take();
            match stopped.recv_timeout(jittered(wait.min(LONGEST_WAIT), id::draw())) {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(never) => match never {},
            }
        }
    }

    /// Asks once, if there is something to ask, and takes the answer over.
    fn ask(&mut self) -> Result<(), String> {
        let Some(parameters) = self.question.parameters() else {
            return Ok(());
        };
        let counts = &self.counts;
        let request = self
            .agent
            .get(&self.endpoint.url)
            .query("service", &self.service)
            .query_pairs(parameters.iter().map(|(key, value)| (*key, &**value)));
        let mut reply = request.call().map_err(|error| {
            count(&counts.query_failures);
            error.to_string()
        })?;
        let reply = reply
            .body_mut()
            .with_config()
            .limit(MAX_REPLY)
            .read_to_vec()
            .map_err(|error| {
                if matches!(error, ureq::Error::BodyExceedsLimit(_)) {
                    count(&counts.queries);
                    count(&counts.update_failures);
                    return format!("the reply is longer than {MAX_REPLY} bytes");
                }
                count(&counts.query_failures);
                error.to_string()
            })?;
        count(&counts.queries);
        let differed = self
            .question
            .take_over(&reply)
            .inspect_err(|_| count(&counts.update_failures))?;
        if differed {
            count(&counts.updates);
        }
        self.recover();
        Ok(())
    }

    fn fail(&mut self, error: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            guarded(|| {
                log::warn!(
                    "tracer: no {} from {}: {error}; staying with {:?} and asking on",
                    Q::SUBJECT,
                    self.endpoint.shown,
                    self.question
                );
            });
        }
    }

    fn recover(&mut self) {
        if std::mem::take(&mut self.failing) {
            guarded(|| {
                log::info!(
                    "tracer: {} answers with {} again",
                    self.endpoint.shown,
                    Q::SUBJECT
                );
            });
        }
    }
}

/// A client of our own, without instrumentation: what it does is never traced.
fn http_agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(REQUEST_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        // An agent is near: no proxy is between, whatever is right for the application's requests.
        .proxy(None)
        // By the next request a kept connection is most likely closed by the other side.
        .max_idle_connections(0)
        .accept("application/json")
        .build()
        .new_agent()
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// `wait`, give or take a tenth.
fn jittered(wait: Duration, random: u64) -> Duration {
    let share = random as f64 / u64::MAX as f64;
    wait.mul_f64(0.9 + 0.2 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_tenth_either_way() {
        let minute = Duration::from_secs(60);
        assert_eq!(jittered(minute, 0), Duration::from_secs(54));
        assert!(jittered(LONGEST_WAIT, u64::MAX) > LONGEST_WAIT);
        assert!(
            jittered(minute, u64::MAX).abs_diff(Duration::from_secs(66)) < Duration::from_millis(1)
        );
    }
}
