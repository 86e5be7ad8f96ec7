//! Where to send on to, and in which format: both are in the URL.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

use axum::http::Uri;
use axum::http::uri::{PathAndQuery, Scheme};

const OTLP_PATH: &str = "/v1/traces";
const JAEGER_PATH: &str = "/api/traces";

/// A collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    uri: Uri,
    format: Format,
}

/// What a collector reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// OTLP over HTTP, in protobuf.
    Otlp,
    /// Jaeger's Thrift over HTTP, in the binary protocol.
    Jaeger,
}

impl Endpoint {
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Whether this is a port of the agent itself, which listens there: it would be sent its own spans. Asks
    /// for the address of the host only where the port is the same.
    pub(crate) fn is(&self, own: SocketAddr) -> bool {
        let port = self.uri.port_u16().unwrap_or(80);
        let host = self.uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let same = |ip: IpAddr| ip == own.ip() || (own.ip().is_unspecified() && ip.is_loopback());
        port == own.port()
            && (host, port)
                .to_socket_addrs()
                .is_ok_and(|mut found| found.any(|addr| same(addr.ip())))
    }
}

impl FromStr for Endpoint {
    type Err = &'static str;

    /// Reads a URL; the error is what was expected.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str =
            "http://host:4318/v1/traces for OTLP, or http://host:14268/api/traces for Jaeger";
        let mut parts = text.parse::<Uri>().map_err(|_| EXPECTED)?.into_parts();
        match parts.scheme.as_ref().map(Scheme::as_str) {
            Some("http") => {}
            Some("https") if cfg!(feature = "tls") => {}
            Some("https") => {
                return Err("http, as tracer-agent was built without its feature `tls`");
            }
            _ => return Err(EXPECTED),
        }
        let authority = parts.authority.as_ref().ok_or(EXPECTED)?;
        if authority.host().is_empty() || authority.as_str().contains('@') {
            return Err(EXPECTED);
        }
        // A port that is none would be that of the scheme.
        let port = &authority.as_str()[authority.host().len()..];
        if !port.is_empty() && authority.port_u16().is_none_or(|port| port == 0) {
            return Err("a port from 1 to 65535");
        }
        let path = parts.path_and_query.as_ref().map_or("", PathAndQuery::path);
        let (format, path) = match (path, authority.port_u16()) {
            ("" | "/", Some(4318)) => (Format::Otlp, Some(OTLP_PATH)),
            ("" | "/", Some(14268)) => (Format::Jaeger, Some(JAEGER_PATH)),
            (path, _) if path.ends_with(OTLP_PATH) => (Format::Otlp, None),
            (path, _) if path.ends_with(JAEGER_PATH) => (Format::Jaeger, None),
            _ => return Err(EXPECTED),
        };
        if let Some(path) = path {
            parts.path_and_query = Some(PathAndQuery::from_static(path));
        }
        let uri = Uri::from_parts(parts).map_err(|_| EXPECTED)?;
        Ok(Self { uri, format })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_tells_the_format() {
        for (text, expected) in [
            (
                "http://c:4318/v1/traces",
                Some((Format::Otlp, "http://c:4318/v1/traces")),
            ),
            (
                "http://c:4318",
                Some((Format::Otlp, "http://c:4318/v1/traces")),
            ),
            (
                "http://c:14268/",
                Some((Format::Jaeger, "http://c:14268/api/traces")),
            ),
            (
                "http://[::1]:9/otlp/v1/traces",
                Some((Format::Otlp, "http://[::1]:9/otlp/v1/traces")),
            ),
            (
                "http://c/api/traces",
                Some((Format::Jaeger, "http://c/api/traces")),
            ),
            ("http://c:9411", None),
            ("http://c:4317/", None),
            ("http://c:4318/api/v2/spans", None),
            ("http://user:secret@c:4318", None),
            ("c:4318", None),
            ("/v1/traces", None),
            ("http://:4318", None),
            ("http://c:99999/v1/traces", None),
            ("http://c:4318x/v1/traces", None),
            ("http://c:/v1/traces", None),
            ("http://c:0/v1/traces", None),
            ("http://[::1]:/v1/traces", None),
            ("ftp://c/v1/traces", None),
            ("", None),
        ] {
            let read = text.parse::<Endpoint>().ok();
            let read = read.map(|endpoint| (endpoint.format, endpoint.to_string()));
            let expected = expected.map(|(format, url)| (format, url.to_owned()));
            assert_eq!(read, expected, "{text:?}");
        }
        assert_eq!(
            "https://c:4318".parse::<Endpoint>().is_ok(),
            cfg!(feature = "tls")
        );
    }

    #[test]
    fn an_agent_knows_itself() {
        for (url, own, same) in [
            ("http://127.0.0.1:14268", "127.0.0.1:14268", true),
            ("http://localhost:14268", "127.0.0.1:14268", true),
            ("http://127.0.0.1:14268", "0.0.0.0:14268", true),
            ("http://[::1]:14268", "[::]:14268", true),
            ("http://127.0.0.1:14268", "127.0.0.1:14269", false),
            ("http://127.0.0.2:14268", "127.0.0.1:14268", false),
        ] {
            let endpoint: Endpoint = url.parse().unwrap();
            assert_eq!(endpoint.is(own.parse().unwrap()), same, "{url} {own}");
        }
    }
}
