//! The collector's HTTP port: `POST /api/traces` with a bare Thrift binary `Batch`.
//!
//! What is posted is read whole before it is decoded, so the bodies being read have one bound, whether they are one or many.
//! Nothing is decompressed: no Jaeger client compresses, and a few bytes could become gigabytes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::body::{self, Refusal, Room};
use super::{Sink, Source, decode_batch_binary};

/// What a client of another protocol reads, or writes to its log.
const ELSEWHERE: &str = "nothing is taken here: post batches of spans to /api/traces, in Jaeger's Thrift; OTLP has a port of its own, 4318 by default, and Zipkin's formats are not read\n";

/// What the requests share.
#[derive(Debug)]
struct Collector {
    sink: Arc<Sink>,
    bodies: Arc<Room>,
}

pub(crate) fn router(sink: Arc<Sink>, bodies: Arc<Room>) -> Router {
    Router::new()
        .route("/api/traces", post(post_batch))
        .fallback(async || (StatusCode::NOT_FOUND, ELSEWHERE))
        .with_state(Arc::new(Collector { sink, bodies }))
}

/// Answers 202 when the batch was stored, 400 with the reason when it is not one.
async fn post_batch(
    State(collector): State<Arc<Collector>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    check(&headers)?;
    let body = collector
        .bodies
        .read(body)
        .await
        .inspect_err(|(status, _)| {
            if *status == StatusCode::SERVICE_UNAVAILABLE {
                collector.sink.count_overflow(Source::Http);
            }
        })?;
    let decode = || decode_batch_binary(&body.bytes);
    match collector.sink.take(Source::Http, decode) {
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
    let kind = body::media_type(headers);
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
    if let Some(encoding) = body::content_encoding(headers) {
        let reason = format!(
            "content encoding {encoding:?} is not supported: send the batch uncompressed\n"
        );
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    Ok(())
}
