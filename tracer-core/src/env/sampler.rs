//! The sampler that the environment asks for.

use std::time::Duration;

use super::{Env, Variable, value};
use crate::error::InitError;
use crate::sampler::{RemoteSampler, Sampler, agent_url};

/// A sampler by its name in the environment.
#[derive(Debug, PartialEq)]
pub(crate) enum EnvSampler {
    Constant(bool),
    Probabilistic(f64),
    RateLimiting(f64),
    Remote(RemoteSampler),
}

impl EnvSampler {
    pub(crate) fn build(self) -> Result<Sampler, InitError> {
        match self {
            Self::Constant(sampled) => Ok(Sampler::constant(sampled)),
            Self::Probabilistic(probability) => Sampler::probabilistic(probability),
            Self::RateLimiting(rate) => Sampler::rate_limiting(rate),
            Self::Remote(remote) => Ok(remote.into()),
        }
    }
}

const PARAM: &str = "JAEGER_SAMPLER_PARAM";
const ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const PROBABILITY: &str = "a probability from 0 to 1";
const RATE: &str = "a number of traces per second, 0 or more";
const INTERVAL: &str = "JAEGER_SAMPLER_REFRESH_INTERVAL";
const OPERATIONS: &str = "JAEGER_SAMPLER_MAX_OPERATIONS";

/// Reads the sampler; `None` if no variable says anything of it.
pub(super) fn read(
    env: &Env<'_>,
    agent_host: Option<&str>,
) -> Result<Option<EnvSampler>, InitError> {
    let (kind, param) = (env.first(&["JAEGER_SAMPLER_TYPE"]), env.first(&[PARAM]));
    if kind.is_some() || param.is_some() {
        return jaeger(env, kind, param, agent_host).map(Some);
    }
    if let Some(name) = env.first(&["OTEL_TRACES_SAMPLER"]) {
        return otel(env, &name, agent_host).map(Some);
    }
    let remote = Remote {
        url: endpoint(env)?,
        initial: None,
        interval: None,
    };
    if remote.url.is_none() && env.first(&[INTERVAL, OPERATIONS]).is_none() {
        return Ok(None);
    }
    remote.build(env, agent_host).map(Some)
}

fn jaeger(
    env: &Env<'_>,
    kind: Option<Variable>,
    param: Option<Variable>,
    agent_host: Option<&str>,
) -> Result<EnvSampler, InitError> {
    let name = kind.as_ref().map_or_else(
        || "remote".to_owned(),
        |kind| kind.value.to_ascii_lowercase(),
    );
    let required = |allowed: &str| {
        param.as_ref().ok_or_else(|| {
            InitError::new(format_args!(
                "{PARAM} is not set, but must be {allowed} for {name}"
            ))
        })
    };
    match (name.as_str(), kind) {
        ("remote", _) => {
            let initial = param
                .map(|param| param.read(probability, PROBABILITY))
                .transpose()?;
            Remote {
                url: endpoint(env)?,
                initial,
                interval: None,
            }
            .build(env, agent_host)
        }
        ("const", _) => {
            let sampled = |text: &str| {
                value::number(text)
                    .map(|number| number != 0.0)
                    .or_else(|| value::boolean(text))
            };
            required("0 or 1")?
                .read(sampled, "0 or 1")
                .map(EnvSampler::Constant)
        }
        ("probabilistic", _) => required(PROBABILITY)?
            .read(probability, PROBABILITY)
            .map(EnvSampler::Probabilistic),
        ("ratelimiting", _) => required(RATE)?
            .read(rate, RATE)
            .map(EnvSampler::RateLimiting),
        (_, kind) => {
            let allowed = "remote, const, probabilistic or ratelimiting";
            Err(InitError::value(
                "JAEGER_SAMPLER_TYPE",
                kind.map(|kind| kind.value).unwrap_or(name),
                allowed,
            ))
        }
    }
}

fn otel(env: &Env<'_>, name: &Variable, agent_host: Option<&str>) -> Result<EnvSampler, InitError> {
    let lower = name.value.to_ascii_lowercase();
    // Every sampler here follows the parent.
    match lower.strip_prefix("parentbased_").unwrap_or(&lower) {
        "always_on" => Ok(EnvSampler::Constant(true)),
        "always_off" => Ok(EnvSampler::Constant(false)),
        "traceidratio" => match env.first(&[ARG]) {
            Some(arg) => arg.read(probability, PROBABILITY).map(EnvSampler::Probabilistic),
            None => Ok(EnvSampler::Probabilistic(1.0)),
        },
        "jaeger_remote" => {
            let mut remote = match env.first(&[ARG]) {
                Some(arg) => {
                    let allowed = "a list of endpoint=<URL>, pollingIntervalMs=<milliseconds> and \
                                   initialSamplingRate=<probability>";
                    arg.read(remote_argument, allowed)?
                }
                None => Remote::default(),
            };
            remote.url = endpoint(env)?.or(remote.url);
            remote.build(env, agent_host)
        }
        _ => Err(name.wrong("always_on, always_off, traceidratio or jaeger_remote, with or without parentbased_ before it")),
    }
}

/// What is known of a remote sampler.
#[derive(Default)]
struct Remote {
    /// With the variable it is from.
    url: Option<(&'static str, String)>,
    initial: Option<f64>,
    interval: Option<Duration>,
}

impl Remote {
    fn build(self, env: &Env<'_>, agent_host: Option<&str>) -> Result<EnvSampler, InitError> {
        let mut sampler = match self.url {
            Some((variable, url)) => RemoteSampler::from_argument(variable, &url)?,
            None => RemoteSampler::of_agent(agent_host.unwrap_or("localhost"))?,
        };
        if let Some(initial) = self.initial {
            sampler = sampler.initial_probability(initial)?;
        }
        if let Some(interval) = env.duration(&[INTERVAL])?.or(self.interval) {
            sampler = sampler.refresh_interval(interval);
        }
        if let Some(operations) = env.count(&[OPERATIONS])? {
            sampler = sampler.max_operations(operations);
        }
        Ok(EnvSampler::Remote(sampler))
    }
}

/// Where a remote sampler asks, by the variables of Jaeger's clients.
fn endpoint(env: &Env<'_>) -> Result<Option<(&'static str, String)>, InitError> {
    if let Some(Variable { name, value }) = env.first(&["JAEGER_SAMPLING_ENDPOINT"]) {
        return Ok(Some((name, value)));
    }
    if let Some(Variable { name, value }) = env.first(&["JAEGER_SAMPLER_MANAGER_HOST_PORT"]) {
        // Go's client takes a URL here, Java's a host and port.
        let url = if value.contains("://") {
            value
        } else {
            format!("http://{value}/sampling")
        };
        return Ok(Some((name, url)));
    }
    let (host, path) = (
        env.first(&["JAEGER_SAMPLER_HOST"]),
        env.first(&["JAEGER_SAMPLING_PATH"]),
    );
    let port = env.port(&["JAEGER_SAMPLER_PORT"])?;
    if host.is_none() && path.is_none() && port.is_none() {
        return Ok(None);
    }
    let host = host
        .map(Variable::host)
        .transpose()?
        .unwrap_or_else(|| "localhost".to_owned());
    let path = path.map_or_else(|| "sampling".to_owned(), |path| path.value);
    let url = agent_url(&host, port.unwrap_or(5778), path.trim_start_matches('/'));
    Ok(Some((
        "JAEGER_SAMPLER_HOST, JAEGER_SAMPLER_PORT and JAEGER_SAMPLING_PATH together",
        url,
    )))
}

/// The argument of OpenTelemetry's `jaeger_remote`.
fn remote_argument(text: &str) -> Option<Remote> {
    let mut remote = Remote::default();
    for (key, given) in value::pairs(text) {
        let given = given?;
        match key {
            "endpoint" => remote.url = Some((ARG, given.to_owned())),
            "pollingIntervalMs" => {
                let interval = value::integer(given).filter(|&millis| millis > 0)?;
                remote.interval = Some(Duration::from_millis(interval));
            }
            "initialSamplingRate" => remote.initial = Some(probability(given)?),
            _ => return None,
        }
    }
    Some(remote)
}

fn probability(text: &str) -> Option<f64> {
    value::number(text).filter(|number| (0.0..=1.0).contains(number))
}

fn rate(text: &str) -> Option<f64> {
    value::number(text).filter(|&number| number >= 0.0)
}

#[cfg(test)]
mod tests;
