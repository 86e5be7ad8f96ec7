//! The port of [OTLP over HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp): `POST /v1/traces` with what any SDK of
//! OpenTelemetry exports, in Protobuf or in JSON.
//!
//! A body is read whole, in the room of those of the collector, and gone through twice: to see that it can be read, and to keep its
//! spans in pieces. So a request is taken as a whole, but for spans that are none, and takes little memory beside itself.
//!
//! Compressed bodies are taken, for the OpenTelemetry Collector compresses unless told otherwise: by gzip, which everybody has,
//! to as many bytes as one may have that is not.

mod answer;
pub(super) mod request;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;

use super::body::{self, Refusal, Room, Whole};
use super::sink::Unreadable;
use super::{Sink, Source};
use crate::model::Span;
use crate::read::{self, MAX_SPAN};
use answer::Encoding;

/// What a span may take that was [as long as it may be](MAX_SPAN), unless its attributes are many and next to nothing.
const MAX_COST: usize = 4 << 20;

/// What an SDK that exports more than traces writes to its log.
const ELSEWHERE: &str = "nothing is taken here: post traces to /v1/traces; for metrics and logs there is no place in tracer-agent, \
    so set OTEL_METRICS_EXPORTER=none and OTEL_LOGS_EXPORTER=none\n";

/// What the requests share.
#[derive(Debug)]
struct Port {
    sink: Arc<Sink>,
    bodies: Arc<Room>,
    unpacked: Room,
}

/// The spans of a request that are none: how many, and why the first is not.
#[derive(Debug, Default)]
struct Refused {
    spans: u64,
    reason: String,
}

pub(crate) fn router(sink: Arc<Sink>, bodies: Arc<Room>) -> Router {
    Router::new()
        .route("/v1/traces", post(post_request))
        .fallback(async || (StatusCode::NOT_FOUND, ELSEWHERE))
        .with_state(Arc::new(Port {
            sink,
            bodies,
            unpacked: Room::new(body::MAX),
        }))
}

async fn post_request(State(port): State<Arc<Port>>, headers: HeaderMap, body: Body) -> Response {
    let kind = body::media_type(&headers);
    let known = Encoding::ALL.into_iter();
    let Some(encoding) = known
        .into_iter()
        .find(|known| kind.eq_ignore_ascii_case(known.media_type()))
    else {
        let reason = format!(
            "content type {kind:?} is not supported: expected application/x-protobuf or application/json, as OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf has it\n"
        );
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, reason).into_response();
    };
    match port.take(encoding, &headers, body).await {
        Ok(refused) => encoding.taken(&refused),
        Err(refusal) => encoding.refused(&refusal),
    }
}

impl Port {
    async fn take(
        &self,
        encoding: Encoding,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Refused, Refusal> {
        let body = self.read(headers, body).await.inspect_err(|(status, _)| {
            if *status == StatusCode::SERVICE_UNAVAILABLE {
                self.sink.count_overflow(Source::Otlp);
            }
        })?;
        let read = |take: &mut dyn FnMut(Span)| each_span(encoding, &body.bytes, take);
        match self
            .sink
            .take_each(Source::Otlp, read, |refused| refused.spans)
        {
            Some(Ok(refused)) => Ok(refused),
            Some(Err(error)) => Err((
                StatusCode::BAD_REQUEST,
                format!("not a request of OTLP: {error}"),
            )),
            None => Err((
                StatusCode::INTERNAL_SERVER_ERROR,
                String::from("reading the request failed"),
            )),
        }
    }

    async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Whole, Refusal> {
        let encoding = body::content_encoding(headers).map(str::to_ascii_lowercase);
        match encoding.as_deref() {
            None | Some("identity") => self.bodies.read(body).await,
            Some("gzip") => self.unpacked.unpack(&self.bodies.read(body).await?),
            Some(encoding) => {
                let reason = format!(
                    "content encoding {encoding:?} is not supported: set OTEL_EXPORTER_OTLP_COMPRESSION to gzip or none"
                );
                Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, reason))
            }
        }
    }
}

/// Goes through the spans of a request that are any.
fn each_span(
    encoding: Encoding,
    body: &[u8],
    take: &mut dyn FnMut(Span),
) -> Result<Refused, Unreadable> {
    let mut refused = Refused::default();
    let mut refuse = |reason: String| {
        refused.spans += 1;
        if refused.spans == 1 {
            refused.reason = reason;
        }
    };
    let mut take = |span: Result<Span, String>| match span {
        Ok(span) if span.cost() + span.process.cost() > MAX_COST => {
            refuse(format!(
                "a span takes more than {MAX_COST} bytes of memory with its resource"
            ));
        }
        Ok(span) => take(span),
        Err(reason) => refuse(reason),
    };
    match encoding {
        Encoding::Protobuf => request::each_span(body, &mut take)?,
        Encoding::Json => read::otlp::each_span_of_request(body, MAX_SPAN, |span| {
            take(span.map_err(|error| error.to_string()));
        })?,
    }
    Ok(refused)
}
