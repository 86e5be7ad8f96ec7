//! The names of the tags, in both vocabularies that backends know.

use tracer_core::tags;

/// The vocabulary of the tags of HTTP spans.
///
/// `span.kind`, `component`, `error` and this project's own tags have the same name in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Conventions {
    /// The [semantic conventions of OpenTracing](https://github.com/opentracing/specification/blob/master/semantic_conventions.md):
    /// `http.method`, `http.url`, `http.status_code`, `peer.ipv4`.
    #[default]
    OpenTracing,
    /// The [semantic conventions of OpenTelemetry](https://opentelemetry.io/docs/specs/semconv/http/http-spans/):
    /// `http.request.method`, `url.full`, `http.response.status_code`, `network.peer.address`, and `http.route`.
    OpenTelemetry,
}

impl Conventions {
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::OpenTracing => tags::HTTP_METHOD,
            Self::OpenTelemetry => "http.request.method",
        }
    }

    pub(crate) fn status_code(self) -> &'static str {
        match self {
            Self::OpenTracing => tags::HTTP_STATUS_CODE,
            Self::OpenTelemetry => "http.response.status_code",
        }
    }

    /// The whole URL of a call.
    pub(crate) fn url(self) -> &'static str {
        match self {
            Self::OpenTracing => tags::HTTP_URL,
            Self::OpenTelemetry => "url.full",
        }
    }

    pub(crate) fn grpc_status(self) -> &'static str {
        match self {
            Self::OpenTracing => "grpc.status",
            Self::OpenTelemetry => "rpc.response.status_code",
        }
    }
}

/// An unknown method as it came, cut.
pub(crate) const METHOD_ORIGINAL: &str = "http.request.method_original";

/// What OpenTelemetry tells apart and OpenTracing does not.
pub(crate) mod open_telemetry {
    pub(crate) const ERROR_TYPE: &str = "error.type";
    pub(crate) const HTTP_ROUTE: &str = "http.route";
    pub(crate) const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
    pub(crate) const NETWORK_PEER_PORT: &str = "network.peer.port";
    pub(crate) const CLIENT_ADDRESS: &str = "client.address";
    pub(crate) const SERVER_ADDRESS: &str = "server.address";
    pub(crate) const SERVER_PORT: &str = "server.port";
    pub(crate) const URL_PATH: &str = "url.path";
    pub(crate) const URL_QUERY: &str = "url.query";
    pub(crate) const URL_SCHEME: &str = "url.scheme";
}
