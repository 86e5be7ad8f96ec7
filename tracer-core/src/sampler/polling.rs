//! The thread that asks for a remote sampler's strategy.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::remote::Remote;
use super::strategy::Strategy;
use crate::id::IdGenerator;
use crate::local;

/// Keeps a started sampler up to date until it is dropped. Only a remote sampler has anything to do.
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

/// What a remote sampler asked for and got; see [`Stats`](crate::Stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamplerStats {
    /// Requests for the strategy that were answered.
    pub queries: u64,
    /// Requests that failed: nothing listened, the server was too slow, or it answered with an error.
    pub query_failures: u64,
    /// Strategies taken over because they differed from the one before.
    pub updates: u64,
    /// Answers that hold no strategy or are too long.
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
    /// Starts the thread. If that fails the sampler stays with its initial probability.
    pub(super) fn start(remote: Arc<Remote>, service: &str) -> Self {
        let (_stop, stopped) = mpsc::channel();
        let (asking, asked) = mpsc::channel();
        let counts = Arc::<Counts>::default();
        let poller = Poller {
            agent: http_agent(),
            remote,
            service: service.to_owned(),
            last: None,
            failing: false,
            counts: Arc::clone(&counts),
        };
        let thread = std::thread::Builder::new().name("tracer-sampler".to_owned());
        if let Err(error) = thread.spawn(move || poller.run(&stopped, asking)) {
            log::error!(
                "tracer: the thread that asks for the sampling strategy cannot be started: {error}"
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

    /// Waits until the strategy was asked for once, with or without success, but not longer than `timeout`.
    pub(crate) fn wait_first(&self, timeout: Duration) {
        if let Some(poller) = &self.poller {
            // It ends or the time does; both are as good.
            let _ = poller
                .asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv_timeout(timeout);
        }
    }

    pub(crate) fn stats(&self) -> SamplerStats {
        let Some(Handle { counts, .. }) = &self.poller else {
            return SamplerStats::default();
        };
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SamplerStats {
            queries: read(&counts.queries),
            query_failures: read(&counts.query_failures),
            updates: read(&counts.updates),
            update_failures: read(&counts.update_failures),
        }
    }
}

/// The thread's end.
struct Poller {
    agent: ureq::Agent,
    remote: Arc<Remote>,
    service: String,
    last: Option<Strategy>,
    failing: bool,
    counts: Arc<Counts>,
}

/// A request may take that long in all, its connection that long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longer replies are refused.
const MAX_REPLY: u64 = 64 * 1024;
/// The wait after the first failure; it doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);

impl Poller {
    fn run(mut self, stopped: &Receiver<Infallible>, asking: Sender<Infallible>) {
        local::suppress_this_thread();
        let mut asking = Some(asking);
        let mut ids = IdGenerator::UNSEEDED;
        let interval = self.remote.settings.refresh_interval;
        let mut retry = FIRST_RETRY;
        loop {
            let wait = match self.ask() {
                Ok(()) => {
                    self.recover();
                    retry = FIRST_RETRY;
                    interval
                }
                Err(error) => {
                    self.fail(&error);
                    let wait = retry.min(interval);
                    retry = wait.saturating_mul(2);
                    wait
                }
            };
            asking.take();
            match stopped.recv_timeout(jittered(wait, ids.draw())) {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(never) => match never {},
            }
        }
    }

    /// Asks once, and follows the answer if it is a new one.
    fn ask(&mut self) -> Result<(), String> {
        let counts = &self.counts;
        let request = self
            .agent
            .get(&self.remote.settings.url)
            .query("service", &self.service);
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
        let strategy = Strategy::parse(&reply).inspect_err(|_| count(&counts.update_failures))?;
        // One that did not change is not followed anew: operations met since would lose what they are short of.
        if self.last.as_ref() != Some(&strategy) {
            self.remote.follow(&strategy);
            count(&counts.updates);
            self.last = Some(strategy);
            log::info!("tracer: sampling is now {:?}", self.remote);
        }
        Ok(())
    }

    fn fail(&mut self, error: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            let (url, remote) = (&self.remote.settings.shown, &self.remote);
            log::warn!(
                "tracer: no sampling strategy from {url}: {error}; staying with {remote:?} and asking on"
            );
        }
    }

    fn recover(&mut self) {
        if std::mem::take(&mut self.failing) {
            log::info!(
                "tracer: {} answers with sampling strategies again",
                self.remote.settings.shown
            );
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
        assert!(
            jittered(minute, u64::MAX).abs_diff(Duration::from_secs(66)) < Duration::from_millis(1)
        );
    }
}
