//! Variables that say where spans are to go, or what is to be done with them, and that nothing here follows: who sets one is told.

use std::fmt;

use super::Env;

/// Those of them that are set. Shown, they are a line for the log.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Unread(Vec<&'static str>);

/// How OpenTelemetry sends spans. `none` is followed, and `jaeger` is what is done here anyway.
pub(super) const EXPORTER: &str = "OTEL_TRACES_EXPORTER";

/// Where OpenTelemetry sends spans. Ours go to Jaeger's receivers.
pub(super) const OTLP: [&str; 21] = [
    EXPORTER,
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
];

/// Of Jaeger's clients: there are no metrics here, and addresses of either family are always looked up again.
pub(super) const JAEGER: [&str; 5] = [
    "JAEGER_RPC_METRICS",
    "JAEGER_SENDER_FACTORY",
    "JAEGER_AGENT_SOCKET_TYPE",
    "JAEGER_REPORTER_ATTEMPT_RECONNECTING_DISABLED",
    "JAEGER_REPORTER_ATTEMPT_RECONNECT_INTERVAL",
];

impl Unread {
    pub(super) fn read(env: &Env<'_>) -> Self {
        let set = |name: &&'static str| {
            let variable = env.first(&[*name]);
            variable.is_some_and(|it| {
                let read = |value| it.value.eq_ignore_ascii_case(value);
                it.name != EXPORTER || !(read("none") || read("jaeger"))
            })
        };
        Self(OTLP.into_iter().chain(JAEGER).filter(set).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = if self.0.len() == 1 { "is" } else { "are" };
        write!(f, "{} {is} set and not read", self.0.join(", "))?;
        if self.0.iter().any(|name| OTLP.contains(name)) {
            f.write_str(
                ": spans are sent as Jaeger's clients send them, by UDP to JAEGER_AGENT_HOST or over HTTP to \
                 JAEGER_ENDPOINT; Jaeger and OpenTelemetry's collector (receiver `jaeger`) take them there",
            )?;
        }
        Ok(())
    }
}
