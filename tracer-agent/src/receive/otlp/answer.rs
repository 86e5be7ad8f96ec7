//! What a request is answered with, in its own encoding: [as OTLP has it](https://opentelemetry.io/docs/specs/otlp/#otlphttp-response),
//! an `ExportTraceServiceResponse`, or a `google.rpc.Status`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::Refused;
use crate::protobuf::{bytes, message, number};
use crate::receive::body::Refusal;

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    pub(super) const ALL: [Self; 2] = [Self::Protobuf, Self::Json];

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// The request was taken, but for these spans.
    pub(super) fn taken(self, refused: &Refused) -> Response {
        let Refused { spans, reason } = refused;
        let body = match self {
            _ if *spans == 0 && self == Self::Json => b"{}".to_vec(),
            _ if *spans == 0 => Vec::new(),
            Self::Json => {
                let partial = json!({"rejectedSpans": spans.to_string(), "errorMessage": reason});
                json!({"partialSuccess": partial}).to_string().into_bytes()
            }
            Self::Protobuf => {
                let mut body = Vec::new();
                message(&mut body, 1, |out| {
                    number(out, 1, *spans);
                    bytes(out, 2, reason.as_bytes());
                });
                body
            }
        };
        self.response(StatusCode::OK, body)
    }

    /// The request was not taken.
    pub(super) fn refused(self, (status, reason): &Refusal) -> Response {
        let (code, reason) = (code(*status), reason.trim_end());
        let body = match self {
            Self::Json => json!({"code": code, "message": reason})
                .to_string()
                .into_bytes(),
            Self::Protobuf => {
                let mut body = Vec::new();
                number(&mut body, 1, code);
                bytes(&mut body, 2, reason.as_bytes());
                body
            }
        };
        self.response(*status, body)
    }

    fn response(self, status: StatusCode, body: Vec<u8>) -> Response {
        (status, [(header::CONTENT_TYPE, self.media_type())], body).into_response()
    }
}

/// The [code](https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto) of gRPC that says the same.
fn code(status: StatusCode) -> u64 {
    match status {
        StatusCode::REQUEST_TIMEOUT => 4,
        StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        _ => 3,
    }
}
