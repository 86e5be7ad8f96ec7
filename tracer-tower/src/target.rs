//! URLs as tags: scheme, host, port and path. Never user info, and no query but the keys that were allowed.

use http::{HeaderValue, Uri};
use tracer_core::{Span, tags};

use crate::conventions::{Conventions, open_telemetry};

/// The parts of a URL that may be recorded, and its query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'u> {
    /// `http`, `https`; empty if not known.
    pub(crate) scheme: &'u str,
    /// The host without port and user info; empty if not known.
    pub(crate) host: &'u str,
    /// The port, if it was written.
    pub(crate) port: Option<u16>,
    /// The path.
    pub(crate) path: &'u str,
    /// The query, of which only allowed keys are recorded.
    pub(crate) query: Option<&'u str>,
}

impl<'u> Target<'u> {
    /// The parts of the URI of a request.
    pub(crate) fn of_uri(uri: &'u Uri) -> Self {
        Self {
            scheme: uri.scheme_str().unwrap_or_default(),
            host: uri.host().unwrap_or_default(),
            port: uri.port_u16(),
            path: uri.path(),
            query: uri.query(),
        }
    }

    /// The same for a request that was received: the host is usually in a header. A server that does not see its scheme is
    /// taken to speak plain HTTP.
    pub(crate) fn received(uri: &'u Uri, host: Option<&'u HeaderValue>) -> Self {
        let mut target = Self::of_uri(uri);
        if target.host.is_empty()
            && let Some(host) = host.and_then(|host| host.to_str().ok())
        {
            (target.host, target.port) = split_authority(host);
        }
        if target.scheme.is_empty() {
            target.scheme = "http";
        }
        target
    }

    /// Tags the span of a server by the conventions of OpenTelemetry.
    pub(crate) fn set_server_tags(self, span: &mut Span, keys: &[String]) {
        span.set_tag(open_telemetry::URL_SCHEME, self.scheme);
        span.set_tag(open_telemetry::URL_PATH, self.path);
        let query = self.kept_query(keys);
        if !query.is_empty() {
            span.set_tag(open_telemetry::URL_QUERY, query);
        }
        self.set_server_address(span);
    }

    /// Tags the span of a client: the URL and whom it names.
    pub(crate) fn set_client_tags(
        self,
        span: &mut Span,
        conventions: Conventions,
        keys: &[String],
    ) {
        span.set_tag(conventions.url(), self.to_text(keys));
        match conventions {
            Conventions::OpenTracing => {
                if !self.host.is_empty() {
                    span.set_tag(tags::PEER_HOSTNAME, self.host_name());
                }
                if let Some(port) = self.port_or_default() {
                    span.set_tag(tags::PEER_PORT, port);
                }
            }
            Conventions::OpenTelemetry => self.set_server_address(span),
        }
    }

    fn set_server_address(self, span: &mut Span) {
        if !self.host.is_empty() {
            span.set_tag(open_telemetry::SERVER_ADDRESS, self.host_name());
        }
        if let Some(port) = self.port_or_default() {
            span.set_tag(open_telemetry::SERVER_PORT, port);
        }
    }

    /// The host as a name or an address, which in a URL has brackets if it is one of IPv6.
    fn host_name(self) -> &'u str {
        let address = self.host.strip_prefix('[');
        address
            .and_then(|address| address.strip_suffix(']'))
            .unwrap_or(self.host)
    }

    fn port_or_default(self) -> Option<u16> {
        self.port.or(match self.scheme {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        })
    }

    /// The URL with the values of the allowed `keys` of its query.
    pub(crate) fn to_text(self, keys: &[String]) -> String {
        let mut text = String::with_capacity(self.host.len() + self.path.len() + 14);
        self.write_origin(&mut text);
        text.push_str(self.path);
        self.write_query(keys, &mut text);
        text
    }

    /// Appends the URL up to its path.
    pub(crate) fn write_origin(self, text: &mut String) {
        if self.host.is_empty() {
            return;
        }
        if !self.scheme.is_empty() {
            text.push_str(self.scheme);
            text.push_str("://");
        }
        text.push_str(self.host);
        if let Some(port) = self.port {
            text.push(':');
            push_number(text, port);
        }
    }

    /// Appends the allowed keys of the query.
    pub(crate) fn write_query(self, keys: &[String], text: &mut String) {
        let query = self.kept_query(keys);
        if !query.is_empty() {
            text.push('?');
            text.push_str(&query);
        }
    }

    /// The pairs of the query whose keys are allowed.
    #[inline]
    fn kept_query(self, keys: &[String]) -> String {
        let mut kept = String::new();
        if keys.is_empty() {
            return kept;
        }
        for pair in self.query.unwrap_or_default().split('&') {
            let key = pair.split_once('=').map_or(pair, |(key, _)| key);
            if keys.iter().any(|allowed| allowed == key) {
                if !kept.is_empty() {
                    kept.push('&');
                }
                kept.push_str(pair);
            }
        }
        kept
    }
}

/// Host and port of an authority; what stands before an `@` is dropped, and what no authority has: a path, a query.
fn split_authority(authority: &str) -> (&str, Option<u16>) {
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let authority = &authority[..end];
    let host = rsplit(authority, b'@').map_or(authority, |(_, host)| host);
    match rsplit(host, b':') {
        // The colons of an IPv6 address are inside of its brackets.
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host, None),
    }
}

/// What stands before and after the last of an ASCII character. The standard library looks for it by words, which costs more
/// than the few bytes of a host.
fn rsplit(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().rposition(|byte| byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

fn push_number(text: &mut String, number: u16) {
    let mut digits = [0; 5];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits[at..].iter().map(|&digit| char::from(digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(uri: &str, keys: &[&str]) -> String {
        let keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
        Target::of_uri(&uri.parse().unwrap()).to_text(&keys)
    }

    #[test]
    fn urls_keep_neither_user_info_nor_query() {
        for (uri, expected) in [
            ("http://shop/orders/7?card=4111", "http://shop/orders/7"),
            ("https://user:secret@shop:8443/a?b", "https://shop:8443/a"),
            ("https://user@[::1]:0/", "https://[::1]:0/"),
            ("/orders?token=1", "/orders"),
            ("shop:443", "shop:443"),
            ("*", "*"),
        ] {
            assert_eq!(text(uri, &[]), expected, "{uri}");
        }
    }

    #[test]
    fn allowed_keys_of_the_query_are_kept() {
        let uri = "http://shop/list?page=2&token=secret&tokens=1&page&sort=a%20b";
        assert_eq!(
            text(uri, &["page", "sort"]),
            "http://shop/list?page=2&page&sort=a%20b"
        );
        assert_eq!(text(uri, &["absent"]), "http://shop/list");
    }

    #[test]
    fn host_headers_are_split_into_name_and_port() {
        for (authority, expected) in [
            ("shop", ("shop", None)),
            ("shop:8080", ("shop", Some(8080))),
            ("[::1]", ("[::1]", None)),
            ("[::1]:65535", ("[::1]", Some(65_535))),
            ("user:secret@shop:1", ("shop", Some(1))),
            ("shop:99999", ("shop", None)),
            ("shop:1/a?token=secret@other", ("shop", Some(1))),
            ("shop?token=secret", ("shop", None)),
            ("", ("", None)),
        ] {
            assert_eq!(split_authority(authority), expected, "{authority}");
        }
    }

    #[test]
    fn ports_are_written_in_decimal() {
        for port in [0, 7, 80, 8080, 65_535] {
            let mut text = String::new();
            push_number(&mut text, port);
            assert_eq!(text, port.to_string());
        }
    }
}
