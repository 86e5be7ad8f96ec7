//! Methods as part of operation names and as tags: a known one or `_OTHER`, for strangers can send any word.

use http::Method;
use tracer_core::{Span, SpanTemplate};

use crate::conventions::{Conventions, METHOD_ORIGINAL};

/// What names something strangers made up.
pub(crate) const OTHER: &str = "_OTHER";

/// Bytes kept of an unknown method.
const ORIGINAL_BYTES: usize = 32;

/// The methods of RFC 9110, PATCH (RFC 5789), QUERY, and last what stands for all others.
const NAMES: [&str; 11] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE", "QUERY", OTHER,
];

/// Where that stands.
const UNKNOWN: usize = NAMES.len() - 1;

/// The method by its name, if it is known.
pub(crate) fn name(method: &Method) -> &'static str {
    NAMES[number(method)]
}

/// Where the method stands in [`NAMES`].
fn number(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::POST => 1,
        Method::PUT => 2,
        Method::PATCH => 3,
        Method::DELETE => 4,
        Method::HEAD => 5,
        Method::OPTIONS => 6,
        Method::CONNECT => 7,
        Method::TRACE => 8,
        Method::QUERY => 9,
        _ => UNKNOWN,
    }
}

/// The method as part of an operation name. OpenTelemetry has a word of its own there for those it does not know.
pub(crate) fn operation(method: &Method, conventions: Conventions) -> &'static str {
    match (number(method), conventions) {
        (UNKNOWN, Conventions::OpenTelemetry) => "HTTP",
        (number, _) => NAMES[number],
    }
}

/// Tags a span with the method.
pub(crate) fn set_tags(span: &mut Span, conventions: Conventions, method: &Method) {
    span.set_tag(conventions.method(), name(method));
    set_original(span, method);
}

/// Tags a span with the method as it came, if its [name] does not say it.
pub(crate) fn set_original(span: &mut Span, method: &Method) {
    if number(method) == UNKNOWN {
        set_unknown(span, method);
    }
}

#[cold]
fn set_unknown(span: &mut Span, method: &Method) {
    // A method is a token, thus ASCII: it may be cut anywhere.
    let original = method.as_str();
    span.set_tag(
        METHOD_ORIGINAL,
        &original[..original.len().min(ORIGINAL_BYTES)],
    );
}

/// What many spans have in common, together with the tag of each method.
#[derive(Clone, Debug)]
pub(crate) struct MethodTemplates([SpanTemplate; NAMES.len()]);

impl MethodTemplates {
    pub(crate) fn new(common: &SpanTemplate, conventions: Conventions) -> Self {
        Self(NAMES.map(|name| common.clone().tag(conventions.method(), name)))
    }

    /// The template for a method.
    pub(crate) fn of(&self, method: &Method) -> &SpanTemplate {
        &self.0[number(method)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_share_one_name() {
        for (method, expected) in [
            ("GET", "GET"),
            ("QUERY", "QUERY"),
            ("get", OTHER),
            ("BREW", OTHER),
            ("X-1", OTHER),
        ] {
            assert_eq!(
                name(&Method::from_bytes(method.as_bytes()).unwrap()),
                expected
            );
        }
    }
}
