//! The collector's HTTP port: `POST /api/traces` with a bare Thrift binary `Batch`.
//!
//! What is posted is read whole before it is decoded, so the bodies being read have one bound, whether they are one or many.
//! Nothing is decompressed: no Jaeger client compresses, and a few bytes could become gigabytes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;

use super::body::{Refusal, Room};
use super::{Sink, Source};

/// Larger than any batch a client posts (Java's are at most 1 MiB); a body beyond it is answered 413, and one that all the
/// bodies being read would be beyond it with is answered 503.
const MAX_BODY: usize = 8 << 20;

/// What a client of another protocol reads, or writes to its log.
const ELSEWHERE: &str = "nothing is taken here: post batches of spans to /api/traces, in Jaeger's Thrift; OTLP and Zipkin's formats are not read\n";

/// What the requests share.
#[derive(Debug)]
struct Collector {
    sink: Arc<Sink>,
    room: Room,
}

pub(crate) fn router(sink: Arc<Sink>) -> Router {
    let room = Room::new(MAX_BODY);
    Router::new()
        .route("/api/traces", post(post_batch))
        .fallback(async || (StatusCode::NOT_FOUND, ELSEWHERE))
        .with_state(Arc::new(Collector { sink, room }))
}

/// Answers 202 when the batch was stored, 400 with the reason when it is not one.
async fn post_batch(
    State(collector): State<Arc<Collector>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    check(&headers)?;
    let body = collector.room.read(body).await.inspect_err(|(status, _)| {
        if *status == StatusCode::SERVICE_UNAVAILABLE {
            collector.sink.count_overflow(Source::Http);
        }
    })?;
    match collector.sink.take(Source::Http, &body.bytes) {
        Some(Ok(())) => Ok(StatusCode::ACCEPTED),
        Some(Err(error)) => Err((
            StatusCode::BAD_REQUEST,
            format!("not a Thrift binary Batch: {error}\n"),
        )),
        None => Err((
            StatusCode::INTERNAL_SERVER_ERROR,
            String::from("reading the batch failed\n"),
        )),
    }
}

fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = |name| {
        let value = headers.get(name).map(|value| value.to_str());
        value.and_then(Result::ok).unwrap_or_default()
    };
    let kind = value(header::CONTENT_TYPE);
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if ![
        "application/x-thrift",
        "application/vnd.apache.thrift.binary",
    ]
    .iter()
    .any(|known| kind.eq_ignore_ascii_case(known))
    {
        let reason = format!(
            "content type {kind:?} is not supported: expected application/x-thrift or application/vnd.apache.thrift.binary\n"
        );
        return Err((StatusCode::BAD_REQUEST, reason));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        let encoding = value(header::CONTENT_ENCODING);
        let reason = format!(
            "content encoding {encoding:?} is not supported: send the batch uncompressed\n"
        );
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    Ok(())
}
