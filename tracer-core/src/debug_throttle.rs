//! How many debug traces a service begins: as many as it says itself, or as an agent gives it credits for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::error::InitError;
use crate::poll::{Endpoint, LEAST_INTERVAL, Polling, Question};
use crate::sampler::{Limiter, rate_argument};

/// Limits the debug traces a service begins, by operation; see
/// [`TracerBuilder::debug_throttle`](crate::TracerBuilder::debug_throttle).
///
/// Anybody who can send a header `jaeger-debug-id` or `b3: d` can ask for a trace that neither samplers nor backends may
/// refuse, and so can code that sets `sampling.priority`. A request beyond the limit is counted in
/// [`Stats::debug_throttled`](crate::Stats::debug_throttled): the root is then up to the sampler and has no
/// `jaeger-debug-id`, and the priority is ignored. Debug traces that other services began go on.
///
/// ```
/// use tracer_core::{DebugThrottle, Tracer};
///
/// let builder = Tracer::builder("shop").debug_throttle(DebugThrottle::per_second(0.5)?);
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DebugThrottle(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    PerSecond(f64),
    Remote(RemoteDebugThrottle),
}

impl DebugThrottle {
    /// Each operation may begin so many debug traces per second, at least one at once. 0 allows none.
    ///
    /// # Errors
    ///
    /// `traces` is negative or not finite.
    pub fn per_second(traces: f64) -> Result<Self, InitError> {
        rate_argument("debug traces per second", traces).map(|rate| Self(Kind::PerSecond(rate)))
    }
}

/// Asks a Jaeger agent every five seconds for credits, which debug traces cost.
///
/// An operation's first request for a debug trace is refused, for only then is known what to ask credits for. For where
/// agents answer such requests; many do not, and Jaeger's version 2 answers them with a sampling strategy, which is taken
/// as a failure: no credits came.
///
/// ```
/// use tracer_core::{RemoteDebugThrottle, Tracer};
///
/// let builder = Tracer::builder("shop").debug_throttle(RemoteDebugThrottle::to("http://localhost:5778/credits")?);
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteDebugThrottle {
    endpoint: Endpoint,
    refresh_interval: Duration,
}

impl RemoteDebugThrottle {
    /// A throttle that asks at `url`; service, client and operations are added to its query.
    ///
    /// # Errors
    ///
    /// `url` is not one of HTTP without TLS, or names a service itself.
    pub fn to(url: impl AsRef<str>) -> Result<Self, InitError> {
        Ok(Self {
            endpoint: Endpoint::parse(
                "the URL of debug credits",
                url.as_ref(),
                "http://localhost:5778/credits",
            )?,
            refresh_interval: Duration::from_secs(5),
        })
    }

    /// Sets how often to ask, give or take a tenth. Default: 5 s; at least 100 ms.
    #[must_use]
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = interval.max(LEAST_INTERVAL);
        self
    }
}

impl From<RemoteDebugThrottle> for DebugThrottle {
    fn from(remote: RemoteDebugThrottle) -> Self {
        Self(Kind::Remote(remote))
    }
}

/// A throttle at work for one service.
pub(crate) struct Throttle {
    settings: DebugThrottle,
    /// What operations have left, by name: in buckets if we say, as credits if an agent does.
    buckets: Mutex<HashMap<Box<str>, Limiter>>,
    credits: Mutex<HashMap<Box<str>, f64>>,
}

/// Operations that are told apart. Names may come from outside, and what is kept of them must end somewhere.
const MAX_OPERATIONS: usize = 200;
/// Longer names are not told apart either.
const MAX_NAME: usize = 256;
/// Bytes of the names in one question: servers refuse long URLs, many those beyond 8 KB. The others are asked for next.
const MAX_QUESTION: usize = 6 << 10;

impl Throttle {
    pub(crate) fn new(settings: DebugThrottle) -> Self {
        Self {
            settings,
            buckets: Mutex::default(),
            credits: Mutex::default(),
        }
    }

    /// The throttle of a forked child: a thread that is gone may have held the lock of this one.
    pub(crate) fn for_child(&self) -> Self {
        Self::new(self.settings.clone())
    }

    /// Fetches credits for a client of `service` as long as what is returned lives.
    pub(crate) fn poll(self: &Arc<Self>, service: &str, uuid: &str) -> Polling {
        let Kind::Remote(remote) = &self.settings.0 else {
            return Polling::default();
        };
        let credits = Credits {
            throttle: Arc::clone(self),
            uuid: uuid.to_owned(),
            asked: 0,
        };
        Polling::start(credits, &remote.endpoint, service, remote.refresh_interval)
    }

    /// Whether the operation may begin one more debug trace, which is then counted.
    pub(crate) fn allows(&self, operation: &str) -> bool {
        match &self.settings.0 {
            Kind::PerSecond(rate) => {
                let mut buckets = lock(&self.buckets);
                let is_told_apart =
                    buckets.contains_key(operation) || has_room(buckets.len(), operation);
                // The others are one operation.
                let name = if is_told_apart { operation } else { "" };
                let bucket = buckets.entry(name.into());
                bucket.or_insert_with(|| Limiter::new(*rate)).take()
            }
            Kind::Remote(_) => {
                let mut credits = lock(&self.credits);
                let known = credits.len();
                match credits.get_mut(operation) {
                    Some(credit) if *credit >= 1.0 => {
                        *credit -= 1.0;
                        return true;
                    }
                    None if has_room(known, operation) => {
                        credits.insert(operation.into(), 0.0);
                    }
                    _ => {}
                }
                false
            }
        }
    }
}

/// Whether there is room for one more operation, of that name.
fn has_room(known: usize, operation: &str) -> bool {
    known < MAX_OPERATIONS && operation.len() <= MAX_NAME
}

/// No code that can panic runs under these locks, so a poisoned one holds sound data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings, f)
    }
}

/// The question for credits.
struct Credits {
    throttle: Arc<Throttle>,
    uuid: String,
    /// How many operations were asked for so far, in rounds.
    asked: usize,
}

impl Question for Credits {
    const SUBJECT: &'static str = "credits for debug traces";

    fn parameters(&mut self) -> Option<Vec<(&'static str, String)>> {
        let credits = lock(&self.throttle.credits);
        if credits.is_empty() {
            return None;
        }
        let mut parameters = vec![("uuid", self.uuid.clone())];
        let mut left = MAX_QUESTION;
        let from = self.asked % credits.len();
        for name in credits.keys().cycle().skip(from).take(credits.len()) {
            // Each byte takes three at most.
            let bytes = "&operations=".len() + 3 * name.len();
            let Some(rest) = left.checked_sub(bytes) else {
                break;
            };
            left = rest;
            self.asked = self.asked.wrapping_add(1);
            parameters.push(("operations", String::from(&**name)));
        }
        Some(parameters)
    }

    fn take_over(&mut self, reply: &[u8]) -> Result<bool, String> {
        let balances = parse(reply)?;
        let mut credits = lock(&self.throttle.credits);
        let mut any = false;
        for (operation, balance) in balances {
            if let Some(credit) = credits.get_mut(&operation) {
                *credit += balance;
                any |= balance > 0.0;
            }
        }
        Ok(any)
    }
}

impl fmt::Debug for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the credits of {} operations",
            lock(&self.throttle.credits).len()
        )
    }
}

/// Reads `{"balances": [{"operation": "op", "balance": 1.0}]}`. Any other shape is an error: servers answer other questions
/// on the same path.
fn parse(reply: &[u8]) -> Result<Vec<(Box<str>, f64)>, String> {
    let reply: Value =
        serde_json::from_slice(reply).map_err(|error| format!("the reply is not JSON: {error}"))?;
    let balances = reply
        .get("balances")
        .and_then(Value::as_array)
        .ok_or("the reply has no list of balances")?;
    let read = |balance: &Value| {
        let operation = balance.get("operation")?.as_str()?;
        let credit = balance.get("balance")?.as_f64()?;
        (credit >= 0.0 && credit.is_finite()).then(|| (operation.into(), credit))
    };
    balances
        .iter()
        .map(|balance| {
            read(balance).ok_or_else(|| {
                "the reply has something that is not an operation with a balance".to_owned()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So slow that no credit comes back during a test.
    const SLOW: f64 = 1e-6;

    #[test]
    fn each_operation_has_its_own_bucket() {
        let throttle = Throttle::new(DebugThrottle::per_second(SLOW).unwrap());
        let asked = ["a", "a", "b", "a", "b"].map(|name| throttle.allows(name));
        assert_eq!(asked, [true, false, true, false, false]);
        let none = Throttle::new(DebugThrottle::per_second(0.0).unwrap());
        assert!(!none.allows("a"));
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(DebugThrottle::per_second(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn operations_beyond_the_most_share_a_bucket() {
        let throttle = Throttle::new(DebugThrottle::per_second(SLOW).unwrap());
        for at in 0..MAX_OPERATIONS {
            assert!(throttle.allows(&at.to_string()), "{at}");
        }
        let asked = ["x", "y", &"long".repeat(MAX_NAME), "0"].map(|name| throttle.allows(name));
        assert_eq!(asked, [true, false, false, false]);
        assert_eq!(lock(&throttle.buckets).len(), MAX_OPERATIONS + 1);
    }

    fn remote() -> (Arc<Throttle>, Credits) {
        let remote = RemoteDebugThrottle::to("http://localhost:5778/credits").unwrap();
        let throttle = Arc::new(Throttle::new(remote.into()));
        let credits = Credits {
            throttle: Arc::clone(&throttle),
            uuid: "u".to_owned(),
            asked: 0,
        };
        (throttle, credits)
    }

    #[test]
    fn credits_add_up_and_are_spent_one_by_one() {
        let (throttle, mut credits) = remote();
        assert_eq!(credits.parameters(), None, "nothing to ask for");
        assert!(!throttle.allows("a"), "not known yet");
        assert_eq!(
            credits.parameters(),
            Some(vec![
                ("uuid", "u".to_owned()),
                ("operations", "a".to_owned())
            ])
        );
        let half =
            br#"{"balances":[{"operation":"a","balance":1.5},{"operation":"other","balance":9}]}"#;
        assert_eq!(credits.take_over(half), Ok(true));
        assert_eq!([throttle.allows("a"), throttle.allows("a")], [true, false]);
        assert_eq!(credits.take_over(half), Ok(true));
        let asked = [(); 3].map(|()| throttle.allows("a"));
        assert_eq!(asked, [true, true, false]);
        assert!(
            !throttle.allows("other"),
            "what nobody asked for is not kept"
        );
    }

    #[test]
    fn long_names_are_asked_for_in_turns() {
        let (throttle, mut credits) = remote();
        let mut left: std::collections::HashSet<_> = (0..MAX_OPERATIONS)
            .map(|at| format!("{at:03}{}", "\u{fc}".repeat(120)))
            .collect();
        left.iter().for_each(|name| assert!(!throttle.allows(name)));
        for _ in 0..30 {
            let asked = credits.parameters().unwrap();
            let bytes: usize = asked
                .iter()
                .map(|(key, value)| key.len() + 3 * value.len())
                .sum();
            assert!((2..MAX_QUESTION + 100).contains(&bytes), "{bytes}");
            asked.iter().for_each(|(_, name)| {
                left.remove(name);
            });
        }
        assert!(left.is_empty(), "{}", left.len());
    }

    #[test]
    fn wrong_shapes_are_failures_and_give_nothing() {
        let (throttle, mut credits) = remote();
        throttle.allows("a");
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"balances":null}"#,
            r#"{"balances":{}}"#,
            r#"{"balances":[{"operation":"a"}]}"#,
            r#"{"balances":[{"operation":"a","balance":"1"}]}"#,
            r#"{"balances":[{"operation":"a","balance":-1}]}"#,
            r#"{"balances":[{"operation":"a","balance":9},{}]}"#,
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}"#,
        ] {
            assert!(credits.take_over(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(!throttle.allows("a"));
        assert_eq!(credits.take_over(br#"{"balances":[]}"#), Ok(false));
    }
}
