//! Carriers: what a context is written into and read from.
//!
//! OpenTracing names three formats. Two are texts, lists of keys and values, and differ in what a value may hold; a carrier
//! of either implements [`WriteCarrier`] and [`ReadCarrier`]. The third is binary, and [`Binary`] alone speaks it. The
//! carrier's type carries the format, so no pair of the two can be wrong.

use std::borrow::{Borrow, BorrowMut, Cow};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::percent::{self, Plus};

/// Which of OpenTracing's text formats a carrier holds, and with it what keys and values may consist of.
///
/// ```
/// use tracer_core::propagation::{HttpHeaders, TextFormat, TextMap, WriteCarrier};
///
/// let mut headers = http::HeaderMap::new();
/// assert_eq!(WriteCarrier::format(&HttpHeaders(&mut headers)), TextFormat::HttpHeaders);
/// let mut message = Vec::<(String, String)>::new();
/// assert_eq!(WriteCarrier::format(&TextMap(&mut message)), TextFormat::TextMap);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TextFormat {
    /// Keys are tokens of RFC 9110 in any case, values are visible ASCII: free text in them is percent-encoded.
    HttpHeaders,
    /// Keys keep their case and, like values, may be any text: nothing is encoded. The carrier escapes what its own wire
    /// cannot hold.
    TextMap,
}

/// Where a [`Propagator`](super::Propagator) writes the keys and values of a context.
///
/// Implement it to inject into the headers of a message queue, the metadata of an RPC, and the like; the propagators then
/// see to it that [`set`](Self::set) gets nothing that [`format`](Self::format) forbids.
///
/// ```
/// use tracer_core::propagation::{TextFormat, WriteCarrier};
///
/// /// The lines of a mail's head.
/// struct MailHead(Vec<(String, String)>);
///
/// impl WriteCarrier for MailHead {
///     fn format(&self) -> TextFormat {
///         TextFormat::HttpHeaders // as restricted as those of HTTP
///     }
///
///     fn set(&mut self, key: &str, value: &str) {
///         self.0.retain(|(found, _)| !found.eq_ignore_ascii_case(key));
///         self.0.push((key.to_owned(), value.to_owned()));
///     }
/// }
/// ```
pub trait WriteCarrier {
    /// What keys and values may hold.
    fn format(&self) -> TextFormat;

    /// Sets the one value of `key`, in place of every value the key has in any case of its letters. What cannot be set is
    /// left out: an injection does not fail.
    fn set(&mut self, key: &str, value: &str);

    /// Removes `key`, in any case of its letters, so that a carrier that was filled before keeps nothing that contradicts
    /// the context written now. A carrier that is always new need not implement it.
    fn remove(&mut self, key: &str) {
        let _ = key;
    }
}

/// Where a [`Propagator`](super::Propagator) reads the keys and values of a context.
///
/// ```
/// use tracer_core::propagation::{ReadCarrier, TextFormat};
///
/// /// The lines of a mail's head.
/// struct MailHead(Vec<(String, String)>);
///
/// impl ReadCarrier for MailHead {
///     fn format(&self) -> TextFormat {
///         TextFormat::HttpHeaders
///     }
///
///     fn entries<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
///         self.0.iter().for_each(|(key, value)| visit(key, value.as_bytes()));
///     }
/// }
/// ```
pub trait ReadCarrier {
    /// How keys and values were written.
    fn format(&self) -> TextFormat;

    /// Calls `visit` for every pair, a key that occurs several times included, in the order they were received.
    /// Values are bytes because those of HTTP headers are.
    fn entries<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8]));

    /// Calls `visit` for every value of `key`, whatever the case of its letters, in the order they were received. A carrier
    /// with an index should override it.
    fn values<'a>(&'a self, key: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.entries(&mut |found, value| {
            if found.eq_ignore_ascii_case(key) {
                visit(value);
            }
        });
    }
}

impl TextFormat {
    /// Whether `key` may be written. Control characters are refused everywhere: no key has use for a line break, and
    /// whoever passes a text map on as headers is not to be harmed by it.
    pub(super) fn allows_key(self, key: &str) -> bool {
        match self {
            Self::HttpHeaders => is_token(key),
            Self::TextMap => !key.is_empty() && !key.chars().any(char::is_control),
        }
    }

    /// A free text as a value of this format.
    pub(super) fn encode(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::HttpHeaders => percent::encode(text, &percent::UNRESERVED),
            Self::TextMap => text.into(),
        }
    }

    /// The free text of a value of this format.
    pub(super) fn decode(self, value: &[u8], plus: Plus) -> Cow<'_, str> {
        match self {
            Self::HttpHeaders => percent::decode(value, plus),
            Self::TextMap => String::from_utf8_lossy(value),
        }
    }
}

/// Whether `text` is a token of RFC 9110, as the names of headers and the keys of W3C baggage must be.
pub(super) fn is_token(text: &str) -> bool {
    let is_token_char =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_char)
}

/// The carrier of format HTTP_HEADERS: a header map, `HttpHeaders(&mut map)` to inject and `HttpHeaders(&map)` to extract.
///
/// # Examples
///
/// ```
/// use tracer_core::{HttpHeaders, SpanContext, Tracer};
///
/// fn call(tracer: &Tracer, context: &SpanContext, request: &mut http::Request<()>) {
///     tracer.inject(context, &mut HttpHeaders(request.headers_mut()));
/// }
///
/// fn serve(tracer: &Tracer, request: &http::Request<()>) -> Option<SpanContext> {
///     tracer.extract(&HttpHeaders(request.headers())).ok().flatten()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HttpHeaders<H>(pub H);

impl<H: BorrowMut<HeaderMap>> WriteCarrier for HttpHeaders<H> {
    fn format(&self) -> TextFormat {
        TextFormat::HttpHeaders
    }

    fn set(&mut self, key: &str, value: &str) {
        let name = match static_name(key) {
            Some(name) => Ok(name.clone()),
            None => HeaderName::from_bytes(key.as_bytes()),
        };
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            // A map of 32 768 headers takes no more; `insert` would panic.
            let _ = self.0.borrow_mut().try_insert(name, value);
        }
    }

    fn remove(&mut self, key: &str) {
        let map = self.0.borrow_mut();
        match static_name(key) {
            Some(name) => map.remove(name),
            None => map.remove(key),
        };
    }
}

impl<H: Borrow<HeaderMap>> ReadCarrier for HttpHeaders<H> {
    fn format(&self) -> TextFormat {
        TextFormat::HttpHeaders
    }

    #[inline]
    fn entries<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        let map: &HeaderMap = self.0.borrow();
        for (name, value) in map {
            visit(name.as_str(), value.as_bytes());
        }
    }

    fn values<'a>(&'a self, key: &str, visit: &mut dyn FnMut(&'a [u8])) {
        let map: &HeaderMap = self.0.borrow();
        let values = match static_name(key) {
            Some(name) => map.get_all(name),
            None => map.get_all(key),
        };
        for value in values {
            visit(value.as_bytes());
        }
    }
}

/// The names that every request is asked for, ready made: to make one checks, lowers and copies it.
fn static_name(key: &str) -> Option<&'static HeaderName> {
    macro_rules! names {
        ($($name:literal),*) => {
            match key {
                $($name => {
                    static NAME: HeaderName = HeaderName::from_static($name);
                    Some(&NAME)
                })*
                _ => None,
            }
        };
    }
    names!(
        "traceparent",
        "tracestate",
        "baggage",
        "uber-trace-id",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags"
    )
}

/// The carrier of format TEXT_MAP: `TextMap(&mut map)` to inject and `TextMap(&map)` to extract, where the map is a
/// `HashMap<String, String>`, a `BTreeMap<String, String>` or a `Vec<(String, String)>`.
///
/// Values are written as they are. For headers of HTTP take [`HttpHeaders`].
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use tracer_core::{SpanContext, TextMap, Tracer};
///
/// fn publish(tracer: &Tracer, context: &SpanContext, message: &mut HashMap<String, String>) {
///     tracer.inject(context, &mut TextMap(message));
/// }
///
/// fn consume(tracer: &Tracer, message: &HashMap<String, String>) -> Option<SpanContext> {
///     tracer.extract(&TextMap(message)).ok().flatten()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TextMap<M>(pub M);

impl<M: TextEntries> WriteCarrier for TextMap<&mut M> {
    fn format(&self) -> TextFormat {
        TextFormat::TextMap
    }

    fn set(&mut self, key: &str, value: &str) {
        self.0.delete(key);
        self.0.put(key.to_owned(), value.to_owned());
    }

    fn remove(&mut self, key: &str) {
        self.0.delete(key);
    }
}

impl<M: TextEntries> ReadCarrier for TextMap<&mut M> {
    fn format(&self) -> TextFormat {
        TextFormat::TextMap
    }

    fn entries<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.visit(visit);
    }
}

impl<M: TextEntries> ReadCarrier for TextMap<&M> {
    fn format(&self) -> TextFormat {
        TextFormat::TextMap
    }

    fn entries<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.visit(visit);
    }
}

/// The collections a [`TextMap`] works on. It cannot be named outside: other collections implement the carrier traits.
pub trait TextEntries {
    /// Calls `visit` for every pair.
    fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8]));
    /// Adds a pair.
    fn put(&mut self, key: String, value: String);
    /// Removes all pairs of `key`, in any case.
    fn delete(&mut self, key: &str);
}

impl<S: BuildHasher> TextEntries for HashMap<String, String, S> {
    fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter()
            .for_each(|(key, value)| visit(key, value.as_bytes()));
    }

    fn put(&mut self, key: String, value: String) {
        self.insert(key, value);
    }

    fn delete(&mut self, key: &str) {
        self.retain(|found, _| !found.eq_ignore_ascii_case(key));
    }
}

/// Inlined: who has such a map compiles it, and nobody else.
impl TextEntries for BTreeMap<String, String> {
    #[inline]
    fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter()
            .for_each(|(key, value)| visit(key, value.as_bytes()));
    }

    #[inline]
    fn put(&mut self, key: String, value: String) {
        self.insert(key, value);
    }

    #[inline]
    fn delete(&mut self, key: &str) {
        self.retain(|found, _| !found.eq_ignore_ascii_case(key));
    }
}

impl TextEntries for Vec<(String, String)> {
    fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter()
            .for_each(|(key, value)| visit(key, value.as_bytes()));
    }

    fn put(&mut self, key: String, value: String) {
        self.push((key, value));
    }

    fn delete(&mut self, key: &str) {
        self.retain(|(found, _)| !found.eq_ignore_ascii_case(key));
    }
}

/// The carrier of format BINARY: `Binary(&mut vec)` to inject and `Binary(&vec)`, or anything else that is bytes, to
/// extract. Written is the layout of Jaeger's clients, whatever propagations the tracer has, for the others have none.
///
/// An injection appends, as `io::Write` does; an extraction reads from the first byte and ignores what follows the context.
///
/// # Examples
///
/// ```
/// use tracer_core::{Binary, ExtractError, SpanContext, Tracer};
///
/// fn pack(tracer: &Tracer, context: &SpanContext) -> Vec<u8> {
///     let mut blob = Vec::new();
///     tracer.inject(context, &mut Binary(&mut blob));
///     blob
/// }
///
/// fn unpack(tracer: &Tracer, blob: &[u8]) -> Result<Option<SpanContext>, ExtractError> {
///     tracer.extract(&Binary(blob))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Binary<B>(pub B);
