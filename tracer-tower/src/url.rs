//! URLs of received requests, most of which begin as the last one did: a service has one name, or few.

use std::cell::Cell;

use http::{HeaderMap, HeaderValue, Uri, header};
use tracer_core::{Span, tags};

use crate::conventions::Conventions;
use crate::target::Target;

/// Tags the span of a server with the URL of its request.
pub(crate) fn set_server_tags(
    span: &mut Span,
    conventions: Conventions,
    uri: &Uri,
    headers: &HeaderMap,
    keys: &[String],
) {
    let host = host(headers);
    match conventions {
        Conventions::OpenTelemetry => set_parts(span, uri, host, keys),
        Conventions::OpenTracing => {
            let mut last = LAST.try_with(Cell::take).ok().flatten().unwrap_or_default();
            span.set_tag(tags::HTTP_URL, last.become_url(uri, host, keys));
            if last.text.capacity() + last.host.capacity() <= KEPT_BYTES {
                let _ = LAST.try_with(|kept| kept.set(Some(last)));
            }
        }
    }
}

/// Apart, so that what most requests run through is short.
#[inline(never)]
fn set_parts(span: &mut Span, uri: &Uri, host: Option<&HeaderValue>, keys: &[String]) {
    Target::received(uri, host).set_server_tags(span, keys);
}

/// The value of `Host`. User agents are to send it [first](https://www.rfc-editor.org/rfc/rfc9110#section-7.2).
fn host(headers: &HeaderMap) -> Option<&HeaderValue> {
    match headers.iter().next() {
        Some((name, value)) if *name == header::HOST => Some(value),
        _ => headers.get(header::HOST),
    }
}

thread_local! {
    /// Taken while in use: a sampler that is asked about the tag finds none.
    static LAST: Cell<Option<Box<Url>>> = const { Cell::new(None) };
}

/// A thread keeps no more than this between two requests.
const KEPT_BYTES: usize = 4096;

/// The URL of a thread's last request.
#[derive(Debug, Default)]
struct Url {
    text: String,
    /// The header that names the host, as it came; and how long the text is up to the path.
    host: Vec<u8>,
    origin: usize,
}

impl Url {
    /// Becomes the URL of another request.
    fn become_url(&mut self, uri: &Uri, host: Option<&HeaderValue>, keys: &[String]) -> &str {
        let host_bytes = host.map_or(&b""[..], HeaderValue::as_bytes);
        if uri.authority().is_some() || host_bytes.is_empty() || self.host != host_bytes {
            self.begin(uri, host);
        }
        self.text.truncate(self.origin);
        self.text.push_str(uri.path());
        if !keys.is_empty() {
            self.push_query(uri, keys);
        }
        &self.text
    }

    #[inline(never)]
    fn push_query(&mut self, uri: &Uri, keys: &[String]) {
        Target::of_uri(uri).write_query(keys, &mut self.text);
    }

    /// Becomes a URL up to its path.
    #[inline(never)]
    fn begin(&mut self, uri: &Uri, host: Option<&HeaderValue>) {
        let target = Target::received(uri, host);
        self.text.clear();
        target.write_origin(&mut self.text);
        self.origin = self.text.len();
        self.host.clear();
        if uri.host().is_none()
            && let Some(host) = host
        {
            self.host.extend_from_slice(host.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_its_own_url() {
        let mut last = Url::default();
        for (uri, host, expected) in [
            ("/orders?token=1", "shop", "http://shop/orders"),
            ("/", "shop", "http://shop/"),
            (
                "/a?page=2&token=1",
                "shop:8080",
                "http://shop:8080/a?page=2",
            ),
            ("/a", "user:secret@shop", "http://shop/a"),
            ("https://other/b", "user:secret@shop", "https://other/b"),
            ("/c", "user:secret@shop", "http://shop/c"),
            ("/d", "", "/d"),
            ("/e", "shop", "http://shop/e"),
            ("https://other:1/f", "", "https://other:1/f"),
            ("/g", "", "/g"),
            ("*", "shop", "http://shop*"),
            ("/h", "\u{e4}", "/h"),
        ] {
            let host = HeaderValue::from_bytes(host.as_bytes())
                .ok()
                .filter(|_| !host.is_empty());
            let keys = ["page".to_owned()];
            let uri = uri.parse().unwrap();
            assert_eq!(last.become_url(&uri, host.as_ref(), &keys), expected);
        }
    }
}
