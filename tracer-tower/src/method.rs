//! Methods as part of operation names and as tags: a known one or `_OTHER`, for strangers can send any word.

use http::Method;
use tracer_core::Span;

use crate::conventions::{Conventions, METHOD_ORIGINAL};

/// What names something strangers made up.
pub(crate) const OTHER: &str = "_OTHER";

/// Bytes kept of an unknown method.
const ORIGINAL_BYTES: usize = 32;

/// The method by its name, if it is one of RFC 9110, PATCH (RFC 5789) or QUERY.
pub(crate) fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        Method::QUERY => "QUERY",
        _ => OTHER,
    }
}

/// The method as part of an operation name. OpenTelemetry has a word of its own there for those it does not know.
pub(crate) fn operation(method: &Method, conventions: Conventions) -> &'static str {
    match (name(method), conventions) {
        (OTHER, Conventions::OpenTelemetry) => "HTTP",
        (name, _) => name,
    }
}

/// Tags a span with the method.
pub(crate) fn set_tags(span: &mut Span, conventions: Conventions, method: &Method) {
    let name = name(method);
    span.set_tag(conventions.method(), name);
    if name == OTHER {
        // A method is a token, thus ASCII: it may be cut anywhere.
        let original = method.as_str();
        span.set_tag(
            METHOD_ORIGINAL,
            &original[..original.len().min(ORIGINAL_BYTES)],
        );
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
