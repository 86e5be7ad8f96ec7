//! The address of the other side as tags.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};
use tracer_core::{Span, tags};

use crate::conventions::{Conventions, open_telemetry};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Tags a span with the address its connection leads to.
pub(crate) fn set_tags(span: &mut Span, conventions: Conventions, address: SocketAddr) {
    match conventions {
        Conventions::OpenTracing => {
            set_ip(span, address.ip());
            span.set_tag(tags::PEER_PORT, address.port());
        }
        Conventions::OpenTelemetry => {
            span.set_tag(
                open_telemetry::NETWORK_PEER_ADDRESS,
                address.ip().to_canonical().to_string(),
            );
            span.set_tag(open_telemetry::NETWORK_PEER_PORT, address.port());
        }
    }
}

/// Tags a span with where its request came from: over which connection, and by the word of trusted proxies. OpenTracing
/// has one name for both, which the client gets.
pub(crate) fn set_server_tags(
    span: &mut Span,
    conventions: Conventions,
    connection: Option<SocketAddr>,
    forwarded: Option<IpAddr>,
) {
    if let Some(client) = forwarded {
        match conventions {
            Conventions::OpenTracing => return set_ip(span, client),
            Conventions::OpenTelemetry => {
                span.set_tag(
                    open_telemetry::CLIENT_ADDRESS,
                    client.to_canonical().to_string(),
                );
            }
        }
    }
    if let Some(address) = connection {
        set_tags(span, conventions, address);
    }
}

fn set_ip(span: &mut Span, address: IpAddr) {
    // A socket for both families shows IPv4 peers as mapped addresses.
    let (tag, text) = match address.to_canonical() {
        IpAddr::V4(address) => (tags::PEER_IPV4, address.to_string()),
        IpAddr::V6(address) => (tags::PEER_IPV6, address.to_string()),
    };
    span.set_tag(tag, text);
}

/// The address of the client that `Forwarded` (RFC 7239), else `X-Forwarded-For`, names first. Anyone can write these:
/// ask only behind a proxy that sets them.
pub(crate) fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    if let Some(value) = headers.get(header::FORWARDED) {
        let first = value.to_str().ok()?.split(',').next()?;
        let node = first.split(';').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("for")
                .then(|| value.trim().trim_matches('"'))
        })?;
        return parse_node(node);
    }
    parse_node(
        headers
            .get(X_FORWARDED_FOR)?
            .to_str()
            .ok()?
            .split(',')
            .next()?
            .trim(),
    )
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn parse_node(node: &str) -> Option<IpAddr> {
    if let Ok(address) = node.parse() {
        return Some(address);
    }
    if let Ok(address) = node.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    node.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_forwarded_address_is_the_client() {
        let of = |name: &'static str, value: &str| {
            forwarded(&HeaderMap::from_iter([(
                HeaderName::from_static(name),
                value.parse().unwrap(),
            )]))
            .map(|ip| ip.to_string())
        };
        for (name, value, expected) in [
            (
                "forwarded",
                "for=192.0.2.60;proto=http, for=10.0.0.1",
                Some("192.0.2.60"),
            ),
            (
                "forwarded",
                "proto=http; For=\"[2001:db8:cafe::17]:4711\"",
                Some("2001:db8:cafe::17"),
            ),
            ("forwarded", "for=_hidden", None),
            ("forwarded", "for=unknown", None),
            ("forwarded", "", None),
            (
                "x-forwarded-for",
                "203.0.113.195, 70.41.3.18",
                Some("203.0.113.195"),
            ),
            (
                "x-forwarded-for",
                "203.0.113.195:41237",
                Some("203.0.113.195"),
            ),
            ("x-forwarded-for", "2001:db8::1", Some("2001:db8::1")),
            ("x-forwarded-for", "[2001:db8::1]", Some("2001:db8::1")),
            ("x-forwarded-for", "<script>", None),
        ] {
            assert_eq!(of(name, value).as_deref(), expected, "{name}: {value}");
        }
    }
}
