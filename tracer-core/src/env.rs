//! Set-up from the environment: what [`TracerBuilder::from_env`](crate::TracerBuilder::from_env) reads.
//!
//! The variables are those of the Jaeger clients and, of OpenTelemetry's, those that mean something here. Of the names in a
//! row the first that is set counts, so `JAEGER_*` wins over `OTEL_*`. A variable that is empty or blank is as good as not
//! set. One with a wrong value makes set-up fail, and the error says which variable, its value and what is allowed: a typing
//! error must not show as traces that never come.
//!
//! | variables | meaning | default |
//! |---|---|---|
//! | `JAEGER_SERVICE_NAME`, `OTEL_SERVICE_NAME`, `service.name` in `OTEL_RESOURCE_ATTRIBUTES` | name of the service | what the builder was given |
//! | `JAEGER_DISABLED`, `JAEGER_DISABLE`, `OTEL_SDK_DISABLED` | boolean: no tracing at all; contexts are not passed on either | `false` |
//! | `JAEGER_TAGS` | process tags, `key=value,key=${VARIABLE:default}`; the value is split off at the first `=`; without variable and default the tag is left out | |
//! | `OTEL_RESOURCE_ATTRIBUTES` | process tags, `key=value,key=value` with `%2C` for a comma; those of `JAEGER_TAGS` win | |
//! | `JAEGER_AGENT_HOST`, `JAEGER_REPORTER_AGENT_HOST`, `OTEL_EXPORTER_JAEGER_AGENT_HOST` | host of the agent; one like `fe80::1%eth0` gets spans, but cannot be asked for strategies: unless another sampler or place to ask is set, 0.1 % of the traces are sampled | `localhost` |
//! | `JAEGER_AGENT_PORT`, `JAEGER_REPORTER_AGENT_PORT`, `OTEL_EXPORTER_JAEGER_AGENT_PORT` | its UDP port for Thrift compact | `6831` |
//! | `JAEGER_ENDPOINT`, `JAEGER_REPORTER_ENDPOINT`, `OTEL_EXPORTER_JAEGER_ENDPOINT` | URL of a collector, which gets the spans over HTTP in place of the agent | |
//! | `JAEGER_USER`, `JAEGER_REPORTER_USER`, `OTEL_EXPORTER_JAEGER_USER` | user for the collector; needs a password | |
//! | `JAEGER_PASSWORD`, `JAEGER_REPORTER_PASSWORD`, `OTEL_EXPORTER_JAEGER_PASSWORD` | the password; needs a user | |
//! | `JAEGER_AUTH_TOKEN` | bearer token for the collector, if there is no user | |
//! | `JAEGER_REPORTER_TIMEOUT`, `OTEL_EXPORTER_JAEGER_TIMEOUT` | duration: how long sending to the collector may take | `5s` |
//! | `OTEL_TRACES_EXPORTER` | `none`: nothing is sent, whatever the rows above say; spans are made and contexts passed on as ever. `jaeger` is what is done anyway, another one is not read | |
//! | `JAEGER_REPORTER_LOG_SPANS` | boolean: every span is also written to the log | `false` |
//! | `JAEGER_REPORTER_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_QUEUE_SIZE` | finished spans that may wait to be sent, taken as 1 KB each | 64 MB |
//! | `JAEGER_REPORTER_FLUSH_INTERVAL`, `OTEL_BSP_SCHEDULE_DELAY` | duration: when a finished span is sent at the latest | `1s` |
//! | `JAEGER_PROPAGATION` | formats of headers, in order: `jaeger`, `w3c`, `b3` (several headers, as in Jaeger's client for Java), `b3single` | `w3c,jaeger` |
//! | `OTEL_PROPAGATORS` | the same in other names: `jaeger`, `tracecontext`, `baggage` (both W3C), `b3` (one header), `b3multi`, or only `none` | |
//! | `JAEGER_TRACEID_128BIT` | boolean: trace ids of 128 bits, not 64 | `true` |
//! | `JAEGER_SAMPLER_TYPE` | `remote`, `const`, `probabilistic` or `ratelimiting` | `remote` |
//! | `JAEGER_SAMPLER_PARAM` | for `const` 0 or 1, for `probabilistic` a probability, for `ratelimiting` traces per second, for `remote` the initial probability; may lack only for `remote`, since clients take different things for granted | `0.001` |
//! | `JAEGER_SAMPLING_ENDPOINT`, `JAEGER_SAMPLER_MANAGER_HOST_PORT` (a URL, or host and port) | where a remote sampler asks | `/sampling` at port 5778 of the agent's host |
//! | `JAEGER_SAMPLER_HOST`, `JAEGER_SAMPLER_PORT`, `JAEGER_SAMPLING_PATH` | the same in parts, if neither is set | |
//! | `JAEGER_SAMPLER_REFRESH_INTERVAL` | duration: how often it asks | `1m` |
//! | `JAEGER_SAMPLER_MAX_OPERATIONS` | for how many operations it keeps a lower bound | `2000` |
//! | `OTEL_TRACES_SAMPLER`, unless `JAEGER_SAMPLER_TYPE` or `JAEGER_SAMPLER_PARAM` is set | `always_on`, `always_off`, `traceidratio` or `jaeger_remote`; with `parentbased_` before it the same, for every sampler here is | |
//! | `OTEL_TRACES_SAMPLER_ARG` | for `traceidratio` the probability (default 1), for `jaeger_remote` a list of `endpoint=` (URL over HTTP), `pollingIntervalMs=`, `initialSamplingRate=`; the `JAEGER_*` variables above win | |
//! | `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_COUNT_LIMIT` | tags of a span | 128 |
//! | `OTEL_SPAN_EVENT_COUNT_LIMIT` | logs of a span | 128 |
//! | `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` | bytes of a value | 4096 |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TRACES_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, `OTEL_EXPORTER_OTLP_COMPRESSION`, `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, `OTEL_EXPORTER_OTLP_INSECURE`, `OTEL_EXPORTER_OTLP_TRACES_INSECURE`, `OTEL_EXPORTER_OTLP_CERTIFICATE`, `OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_KEY`, `OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY`, `OTEL_EXPORTER_ZIPKIN_ENDPOINT`, `OTEL_EXPORTER_ZIPKIN_TIMEOUT` | not read: there is no OTLP here. Spans are sent as Jaeger's clients send them, which OpenTelemetry's collector receives, too (receiver `jaeger`, ports 6831 and 14268) | |
//! | `JAEGER_RPC_METRICS`, `JAEGER_SENDER_FACTORY`, `JAEGER_AGENT_SOCKET_TYPE`, `JAEGER_REPORTER_ATTEMPT_RECONNECTING_DISABLED`, `JAEGER_REPORTER_ATTEMPT_RECONNECT_INTERVAL` | not read: there are no metrics here, and addresses of either family are always looked up again | |
//!
//! If something that is not read is set the log says so, in one line.
//!
//! Booleans are `1`, `t`, `true`, `0`, `f` and `false` in any case. Durations are written as in Go, `500ms`, `2s` or
//! `1m30s`, or as a whole number of milliseconds. Names of samplers and formats may be written in any case.
//!
//! ```no_run
//! // JAEGER_AGENT_HOST=agent JAEGER_SAMPLER_TYPE=const JAEGER_SAMPLER_PARAM=1 ./shop
//! let _guard = tracer_core::Tracer::builder("shop").from_env().install()?;
//! # Ok::<(), tracer_core::InitError>(())
//! ```

mod sampler;
mod unread;
mod value;

use std::time::Duration;

use crate::error::InitError;
use crate::propagation::Propagation;
use crate::report::UdpReporter;
use crate::sampler::authority;
pub(crate) use sampler::EnvSampler;
use unread::{EXPORTER, Unread};
use value::Tags;

/// What the environment says. `None` and empty lists stand for variables that are not set.
#[derive(Debug, Default)]
pub(crate) struct EnvConfig {
    pub(crate) service_name: Option<String>,
    pub(crate) disabled: Option<bool>,
    /// Each key once.
    pub(crate) tags: Tags,
    pub(crate) agent_host: Option<String>,
    pub(crate) agent_port: Option<u16>,
    pub(crate) collector: Option<Collector>,
    pub(crate) sends_nothing: bool,
    pub(crate) log_spans: Option<bool>,
    pub(crate) max_queue_size: Option<usize>,
    pub(crate) flush_interval: Option<Duration>,
    pub(crate) propagation: Option<Vec<Propagation>>,
    pub(crate) trace_id_128bit: Option<bool>,
    pub(crate) sampler: Option<EnvSampler>,
    pub(crate) max_tags: Option<usize>,
    pub(crate) max_logs: Option<usize>,
    pub(crate) max_value_bytes: Option<usize>,
    pub(crate) unread: Unread,
}

/// A collector to report to over HTTP.
#[derive(Debug, PartialEq)]
pub(crate) struct Collector {
    /// The variable the URL is from, for the error that it may be wrong.
    pub(crate) variable: &'static str,
    pub(crate) url: String,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) timeout: Option<Duration>,
}

/// How to identify to a collector.
#[derive(PartialEq)]
pub(crate) enum Credentials {
    Basic { user: String, password: String },
    Bearer(String),
}

impl EnvConfig {
    /// Reads the environment of the process.
    pub(crate) fn from_process() -> Result<Self, InitError> {
        Self::read(&|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Reads the variables that `lookup` knows.
    pub(crate) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, InitError> {
        let env = Env { lookup };
        let (attributes_name, tags) = env.tags()?;
        let names = ["JAEGER_SERVICE_NAME", "OTEL_SERVICE_NAME"];
        let agent_host = [
            "JAEGER_AGENT_HOST",
            "JAEGER_REPORTER_AGENT_HOST",
            "OTEL_EXPORTER_JAEGER_AGENT_HOST",
        ];
        let agent_host = env.first(&agent_host).map(Variable::host).transpose()?;
        Ok(Self {
            service_name: env.first(&names).map(|name| name.value).or(attributes_name),
            disabled: env.boolean(&["JAEGER_DISABLED", "JAEGER_DISABLE", "OTEL_SDK_DISABLED"])?,
            tags,
            agent_port: env.port(&[
                "JAEGER_AGENT_PORT",
                "JAEGER_REPORTER_AGENT_PORT",
                "OTEL_EXPORTER_JAEGER_AGENT_PORT",
            ])?,
            collector: env.collector()?,
            log_spans: env.boolean(&["JAEGER_REPORTER_LOG_SPANS"])?,
            max_queue_size: env
                .count(&["JAEGER_REPORTER_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_QUEUE_SIZE"])?,
            flush_interval: env
                .duration(&["JAEGER_REPORTER_FLUSH_INTERVAL", "OTEL_BSP_SCHEDULE_DELAY"])?,
            propagation: env.propagation()?,
            trace_id_128bit: env.boolean(&["JAEGER_TRACEID_128BIT"])?,
            sampler: sampler::read(&env, agent_host.as_deref())?,
            agent_host,
            max_tags: env.count(&[
                "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
                "OTEL_ATTRIBUTE_COUNT_LIMIT",
            ])?,
            max_logs: env.count(&["OTEL_SPAN_EVENT_COUNT_LIMIT"])?,
            max_value_bytes: env.count(&[
                "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            ])?,
            sends_nothing: env
                .first(&[EXPORTER])
                .is_some_and(|exporter| exporter.value.eq_ignore_ascii_case("none")),
            unread: Unread::read(&env),
        })
    }
}

/// Where variables are looked up.
struct Env<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

/// A variable that is set.
struct Variable {
    name: &'static str,
    value: String,
}

impl Env<'_> {
    /// The first of the variables that is set and not blank, without the space around it.
    fn first(&self, names: &[&'static str]) -> Option<Variable> {
        names.iter().find_map(|name| {
            let value = (self.lookup)(name)?;
            let value = value.trim();
            (!value.is_empty()).then(|| Variable {
                name,
                value: value.to_owned(),
            })
        })
    }

    fn boolean(&self, names: &[&'static str]) -> Result<Option<bool>, InitError> {
        self.first(names)
            .map(|variable| variable.read(value::boolean, "true or false"))
            .transpose()
    }

    fn duration(&self, names: &[&'static str]) -> Result<Option<Duration>, InitError> {
        const ALLOWED: &str =
            "a duration over 0 such as 500ms, 2s or 1m30s, or a whole number of milliseconds";
        let over_zero = |text: &str| value::duration(text).filter(|duration| !duration.is_zero());
        self.first(names)
            .map(|variable| variable.read(over_zero, ALLOWED))
            .transpose()
    }

    fn count(&self, names: &[&'static str]) -> Result<Option<usize>, InitError> {
        let count = |text: &str| value::integer(text).and_then(|count| usize::try_from(count).ok());
        let over_zero = |text: &str| count(text).filter(|&count| count > 0);
        self.first(names)
            .map(|variable| variable.read(over_zero, "a whole number over 0"))
            .transpose()
    }

    fn port(&self, names: &[&'static str]) -> Result<Option<u16>, InitError> {
        let port = |text: &str| value::integer(text).and_then(|port| u16::try_from(port).ok());
        let over_zero = |text: &str| port(text).filter(|&port| port > 0);
        self.first(names)
            .map(|variable| variable.read(over_zero, "a port from 1 to 65535"))
            .transpose()
    }

    /// The service name among the attributes, and the tags.
    fn tags(&self) -> Result<(Option<String>, Tags), InitError> {
        const ALLOWED: &str = "a list like key=value,key=${VARIABLE:default}";
        const ATTRIBUTES: &str = "a list like key=value,key=value with %2C for a comma in a value";
        let mut tags = match self.first(&["OTEL_RESOURCE_ATTRIBUTES"]) {
            Some(variable) => variable.read(value::attributes, ATTRIBUTES)?,
            None => Tags::new(),
        };
        let name = tags
            .iter()
            .position(|(key, _)| key == "service.name")
            .map(|at| tags.remove(at).1);
        if let Some(variable) = self.first(&["JAEGER_TAGS"]) {
            for (key, value) in variable.read(|text| value::tags(text, self.lookup), ALLOWED)? {
                value::set(&mut tags, key, value);
            }
        }
        Ok((name.filter(|name| !name.trim().is_empty()), tags))
    }

    fn collector(&self) -> Result<Option<Collector>, InitError> {
        let endpoints = [
            "JAEGER_ENDPOINT",
            "JAEGER_REPORTER_ENDPOINT",
            "OTEL_EXPORTER_JAEGER_ENDPOINT",
        ];
        let user = self.first(&[
            "JAEGER_USER",
            "JAEGER_REPORTER_USER",
            "OTEL_EXPORTER_JAEGER_USER",
        ]);
        let password = self.first(&[
            "JAEGER_PASSWORD",
            "JAEGER_REPORTER_PASSWORD",
            "OTEL_EXPORTER_JAEGER_PASSWORD",
        ]);
        let timeout =
            self.duration(&["JAEGER_REPORTER_TIMEOUT", "OTEL_EXPORTER_JAEGER_TIMEOUT"])?;
        let Some(Variable { name, value }) = self.first(&endpoints) else {
            return Ok(None);
        };
        let credentials = match (user, password) {
            (Some(user), Some(password)) => {
                // Untrimmed: a password may begin or end with a space.
                let password = (self.lookup)(password.name).unwrap_or(password.value);
                Some(Credentials::Basic {
                    user: user.value,
                    password,
                })
            }
            (Some(user), None) => return Err(lone(user.name, "JAEGER_PASSWORD")),
            (None, Some(password)) => return Err(lone(password.name, "JAEGER_USER")),
            (None, None) => self
                .first(&["JAEGER_AUTH_TOKEN"])
                .map(|token| Credentials::Bearer(token.value)),
        };
        Ok(Some(Collector {
            variable: name,
            url: value,
            credentials,
            timeout,
        }))
    }

    fn propagation(&self) -> Result<Option<Vec<Propagation>>, InitError> {
        use Propagation::{B3Multi, B3Single, Jaeger, W3c};
        let jaeger = |name: &str| match name {
            "jaeger" => Some(Jaeger),
            "w3c" | "tracecontext" => Some(W3c),
            "b3" | "b3multi" => Some(B3Multi),
            "b3single" => Some(B3Single),
            _ => None,
        };
        let otel = |name: &str| match name {
            "jaeger" => Some(Jaeger),
            // Baggage is part of our W3C format, and one that is listed twice counts once.
            "tracecontext" | "baggage" => Some(W3c),
            "b3" => Some(B3Single),
            "b3multi" => Some(B3Multi),
            _ => None,
        };
        if let Some(variable) = self.first(&["JAEGER_PROPAGATION"]) {
            let allowed = "a list of jaeger, w3c, b3 and b3single";
            return variable
                .read(|text| formats(text, jaeger), allowed)
                .map(Some);
        }
        let Some(variable) = self.first(&["OTEL_PROPAGATORS"]) else {
            return Ok(None);
        };
        if variable.value.eq_ignore_ascii_case("none") {
            return Ok(Some(Vec::new()));
        }
        let allowed = "a list of tracecontext, baggage, b3, b3multi and jaeger, or none";
        variable.read(|text| formats(text, otel), allowed).map(Some)
    }
}

impl Variable {
    /// The value as `read` understands it.
    fn read<T>(&self, read: impl Fn(&str) -> Option<T>, allowed: &str) -> Result<T, InitError> {
        read(&self.value).ok_or_else(|| self.wrong(allowed))
    }

    fn wrong(&self, allowed: &str) -> InitError {
        InitError::value(self.name, &self.value, allowed)
    }

    fn host(self) -> Result<String, InitError> {
        // Any port will do.
        match UdpReporter::to(authority(&self.value, 1)) {
            Ok(_) => Ok(self.value),
            Err(_) => Err(self.wrong("the name or address of a host")),
        }
    }
}

/// Without the values: a password is none of the log's business.
fn lone(set: &str, missing: &str) -> InitError {
    InitError::new(format_args!(
        "{set} is set but {missing} is not; a user and a password go together"
    ))
}

/// The formats of a list, each once.
fn formats(list: &str, format: impl Fn(&str) -> Option<Propagation>) -> Option<Vec<Propagation>> {
    let mut formats: Vec<Propagation> = Vec::new();
    for name in list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let format = format(&name.to_ascii_lowercase())?;
        if !formats
            .iter()
            .any(|known| std::mem::discriminant(known) == std::mem::discriminant(&format))
        {
            formats.push(format);
        }
    }
    if formats.is_empty() {
        None
    } else {
        Some(formats)
    }
}

/// Says who, not how.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Basic { user, .. } => write!(f, "Basic({user:?})"),
            Self::Bearer(_) => f.write_str("Bearer"),
        }
    }
}

#[cfg(test)]
mod tests;
