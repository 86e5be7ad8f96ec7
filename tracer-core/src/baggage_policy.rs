//! Which baggage a service may set: by its own rules, or by those an agent has for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;

use crate::error::InitError;
use crate::poll::{Endpoint, LEAST_INTERVAL, Polling, Question};

/// Which baggage a service may set, and how long its values may be; see
/// [`TracerBuilder::baggage_policy`](crate::TracerBuilder::baggage_policy).
///
/// Baggage goes with every later request of a trace, through services that know nothing of it: who adds some should have
/// agreed on it. The policy bounds what this service adds by `set_baggage_item`; what its callers sent travels on, within
/// the limits of [`Baggage`](crate::Baggage). An item that is not allowed is left out, and a value that is too long is cut
/// at a character; the log of the span says `invalid` or `truncated`, and both are counted in [`Stats`](crate::Stats).
///
/// ```
/// use tracer_core::{BaggagePolicy, Tracer};
///
/// let builder = Tracer::builder("shop").baggage_policy(BaggagePolicy::keys([("tenant", 16), ("user", 64)]));
/// ```
#[derive(Clone, PartialEq)]
pub struct BaggagePolicy {
    rules: Rules,
    remote: Option<RemoteBaggagePolicy>,
}

/// The bytes that values may have.
#[derive(Clone, PartialEq)]
enum Rules {
    OfAnyKey(usize),
    OfKeys(HashMap<Box<str>, usize>),
}

/// Bytes of values as long as the agent has not answered.
const BYTES_UNTIL_KNOWN: usize = 2048;

impl BaggagePolicy {
    /// Any key may be set, with values of up to so many bytes.
    #[must_use]
    pub const fn any_key(max_value_bytes: usize) -> Self {
        Self {
            rules: Rules::OfAnyKey(max_value_bytes),
            remote: None,
        }
    }

    /// Only these keys may be set, each with values of up to so many bytes. The case of keys counts.
    #[must_use]
    pub fn keys(keys: impl IntoIterator<Item = (impl Into<String>, usize)>) -> Self {
        let keys = keys
            .into_iter()
            .map(|(key, bytes)| (key.into().into(), bytes));
        Self {
            rules: Rules::OfKeys(keys.collect()),
            remote: None,
        }
    }
}

impl fmt::Debug for BaggagePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.remote {
            Some(remote) => write!(f, "remote({})", remote.endpoint.shown),
            None => fmt::Debug::fmt(&self.rules, f),
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfAnyKey(bytes) => write!(f, "any key with {bytes} bytes"),
            Self::OfKeys(keys) => write!(f, "{} keys", keys.len()),
        }
    }
}

/// Asks a Jaeger agent which baggage the service may set, once a minute.
///
/// For where agents answer such requests; many do not, and Jaeger's version 2 answers them with a sampling strategy, which
/// is taken as a failure. Until the first good answer any key may be set, with values of up to 2 048 bytes, or
/// [none](Self::deny_until_known); after a failure the last answer counts.
///
/// ```
/// use tracer_core::{RemoteBaggagePolicy, Tracer};
///
/// let policy = RemoteBaggagePolicy::to("http://localhost:5778/baggageRestrictions")?.deny_until_known();
/// let builder = Tracer::builder("shop").baggage_policy(policy);
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteBaggagePolicy {
    endpoint: Endpoint,
    deny_until_known: bool,
    refresh_interval: Duration,
}

impl RemoteBaggagePolicy {
    /// A policy that asks at `url`; the service's name is added to its query.
    ///
    /// # Errors
    ///
    /// `url` is not one of HTTP without TLS, or names a service itself.
    pub fn to(url: impl AsRef<str>) -> Result<Self, InitError> {
        Ok(Self {
            endpoint: Endpoint::parse(
                "the URL of baggage restrictions",
                url.as_ref(),
                "http://localhost:5778/baggageRestrictions",
            )?,
            deny_until_known: false,
            refresh_interval: Duration::from_secs(60),
        })
    }

    /// Lets no baggage be set until the agent has answered.
    #[must_use]
    pub fn deny_until_known(mut self) -> Self {
        self.deny_until_known = true;
        self
    }

    /// Sets how often to ask, give or take a tenth. Default: 60 s; at least 100 ms.
    #[must_use]
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = interval.max(LEAST_INTERVAL);
        self
    }
}

impl From<RemoteBaggagePolicy> for BaggagePolicy {
    fn from(remote: RemoteBaggagePolicy) -> Self {
        let until_known = if remote.deny_until_known {
            Rules::OfKeys(HashMap::new())
        } else {
            Rules::OfAnyKey(BYTES_UNTIL_KNOWN)
        };
        Self {
            rules: until_known,
            remote: Some(remote),
        }
    }
}

/// A policy at work for one service. Without a lock, for the child of a fork.
pub(crate) struct BaggageRules {
    remote: Option<RemoteBaggagePolicy>,
    rules: ArcSwap<Rules>,
}

impl BaggageRules {
    pub(crate) fn new(policy: BaggagePolicy) -> Self {
        Self {
            remote: policy.remote,
            rules: ArcSwap::from_pointee(policy.rules),
        }
    }

    /// Keeps the rules up to date as long as what is returned lives.
    pub(crate) fn poll(self: &Arc<Self>, service: &str) -> Polling {
        match &self.remote {
            None => Polling::default(),
            Some(remote) => Polling::start(
                Restrictions(Arc::clone(self)),
                &remote.endpoint,
                service,
                remote.refresh_interval,
            ),
        }
    }

    /// The bytes that a value of `key` may have; `None` if the key is not allowed.
    pub(crate) fn room(&self, key: &str) -> Option<usize> {
        match &**self.rules.load() {
            Rules::OfAnyKey(bytes) => Some(*bytes),
            Rules::OfKeys(keys) => keys.get(key).copied(),
        }
    }
}

/// The question for them.
struct Restrictions(Arc<BaggageRules>);

impl Question for Restrictions {
    const SUBJECT: &'static str = "baggage restrictions";

    fn take_over(&mut self, reply: &[u8]) -> Result<bool, String> {
        let rules = Rules::OfKeys(parse(reply)?);
        let differ = **self.0.rules.load() != rules;
        if differ {
            log::info!("tracer: baggage may now have {rules:?}");
            self.0.rules.store(Arc::new(rules));
        }
        Ok(differ)
    }
}

impl fmt::Debug for Restrictions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self.0.rules.load(), f)
    }
}

/// Reads `[{"baggageKey": "k", "maxValueLength": 10}]`. Any other shape is an error: servers answer other questions on the
/// same path.
fn parse(reply: &[u8]) -> Result<HashMap<Box<str>, usize>, String> {
    let reply: Value =
        serde_json::from_slice(reply).map_err(|error| format!("the reply is not JSON: {error}"))?;
    let restrictions = reply.as_array().ok_or("the reply is not a JSON list")?;
    let read = |restriction: &Value| {
        let key = restriction.get("baggageKey")?.as_str()?;
        let bytes = restriction.get("maxValueLength")?.as_u64()?;
        Some((key.into(), usize::try_from(bytes).ok()?))
    };
    restrictions
        .iter()
        .map(|restriction| {
            read(restriction).ok_or_else(|| {
                "the reply has something that is not a baggageKey with a maxValueLength".to_owned()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restrictions_are_read_strictly() {
        let keys = parse(br#"[{"baggageKey":"k","maxValueLength":10},{"baggageKey":"","maxValueLength":0,"new":1}]"#);
        assert_eq!(keys, Ok(HashMap::from([("k".into(), 10), ("".into(), 0)])));
        assert_eq!(parse(b"[]"), Ok(HashMap::new()), "nothing is allowed");
        for wrong in [
            "",
            "{}",
            "null",
            "1",
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}"#,
            "[1]",
            "[{}]",
            r#"[{"baggageKey":"k"}]"#,
            r#"[{"maxValueLength":1}]"#,
            r#"[{"baggageKey":1,"maxValueLength":1}]"#,
            r#"[{"baggageKey":"k","maxValueLength":"1"}]"#,
            r#"[{"baggageKey":"k","maxValueLength":-1}]"#,
            r#"[{"baggageKey":"k","maxValueLength":1.5}]"#,
            r#"[{"baggageKey":"k","maxValueLength":1},null]"#,
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn failure_keeps_what_was_in_force() {
        let url = "http://localhost:5778/baggageRestrictions";
        let remote = || RemoteBaggagePolicy::to(url).unwrap();
        for (remote, until_known) in [(remote(), Some(2048)), (remote().deny_until_known(), None)] {
            let rules = Arc::new(BaggageRules::new(remote.into()));
            let mut restrictions = Restrictions(Arc::clone(&rules));
            assert!(restrictions.take_over(b"{}").is_err());
            assert_eq!(rules.room("k"), until_known);
            let good = br#"[{"baggageKey":"k","maxValueLength":10}]"#;
            assert_eq!(restrictions.take_over(good), Ok(true));
            assert_eq!(restrictions.take_over(good), Ok(false));
            assert!(restrictions.take_over(b"{}").is_err());
            assert_eq!((rules.room("k"), rules.room("K")), (Some(10), None));
        }
    }
}
