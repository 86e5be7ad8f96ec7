//! gRPC over HTTP/2: its calls are told by their content type, and their outcome stands in `grpc-status`.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use http::{HeaderMap, HeaderName, header};
use tracer_core::{Span, SpanKind, tags};

use crate::conventions::{Conventions, open_telemetry};
use crate::end::Asked;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Whether a status says nothing of whether the method exists: nobody implements it, or who asked was turned away before.
pub(crate) fn is_refusal(status: u8) -> bool {
    const PERMISSION_DENIED: u8 = 7;
    const UNIMPLEMENTED: u8 = 12;
    const UNAUTHENTICATED: u8 = 16;
    matches!(status, PERMISSION_DENIED | UNIMPLEMENTED | UNAUTHENTICATED)
}

/// What the head of a response says of a gRPC call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It belongs to none.
    Other,
    /// The status comes in the trailers.
    Open,
    /// The call is over.
    Over(u8),
}

impl Answer {
    /// Reads the headers of a response.
    #[inline]
    pub(crate) fn of(asked: Asked, headers: &HeaderMap) -> Self {
        if asked == Asked::Post {
            Self::of_post(headers)
        } else {
            Self::Other
        }
    }

    #[inline(never)]
    fn of_post(headers: &HeaderMap) -> Self {
        if !is_grpc(headers) {
            return Self::Other;
        }
        status(headers).map_or(Self::Open, Self::Over)
    }
}

/// Whether a message with these headers belongs to a gRPC call. Not so gRPC-Web, which has its trailers in the body.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    let rest = content_type.strip_prefix(b"application/grpc");
    matches!(rest, Some([] | [b'+' | b';' | b' ', ..]))
}

/// The status in headers or trailers. A number gRPC does not know is 2, unknown, as its clients take it.
pub(crate) fn status(headers: &HeaderMap) -> Option<u8> {
    let value = headers.get(GRPC_STATUS)?.to_str().ok()?;
    Some(
        value
            .parse()
            .ok()
            .filter(|status| *status <= 16)
            .unwrap_or(2),
    )
}

/// Tags a span with the status of its call.
#[inline(never)]
pub(crate) fn set_status(span: &mut Span, conventions: Conventions, kind: SpanKind, status: u8) {
    match conventions {
        Conventions::OpenTelemetry => {
            span.set_tag(conventions.grpc_status(), NAMES[usize::from(status)])
        }
        _ => span.set_tag(conventions.grpc_status(), status),
    };
    if is_error(kind, status) {
        span.set_tag(tags::ERROR, true);
        if conventions == Conventions::OpenTelemetry {
            span.set_tag(open_telemetry::ERROR_TYPE, NAMES[usize::from(status)]);
        }
    }
}

/// For a client everything but OK is an error; for a server what is its own fault, by the conventions of OpenTelemetry.
fn is_error(kind: SpanKind, status: u8) -> bool {
    match kind {
        SpanKind::Server => matches!(status, 2 | 4 | 12 | 13 | 14 | 15),
        SpanKind::Client | SpanKind::Producer | SpanKind::Consumer => status != 0,
    }
}

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_told_by_its_content_type() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/json", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
            assert_eq!(is_grpc(&headers), expected, "{content_type}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }

    #[test]
    fn hostile_statuses_are_unknown() {
        for (value, expected) in [
            ("0", 0),
            ("16", 16),
            ("17", 2),
            ("999", 2),
            ("-1", 2),
            ("x", 2),
            ("", 2),
        ] {
            let headers = HeaderMap::from_iter([(GRPC_STATUS, value.parse().unwrap())]);
            assert_eq!(status(&headers), Some(expected), "{value}");
        }
        assert_eq!(status(&HeaderMap::new()), None);
    }
}
