//! The collector's HTTP port: `POST /api/traces` with a bare Thrift binary `Batch`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;

use super::{Sink, Source};

/// Larger than any batch a client posts (Java's are at most 1 MiB); a body beyond it is answered 413.
const MAX_BODY: usize = 8 << 20;

pub(crate) fn router(sink: Arc<Sink>) -> Router {
    Router::new()
        .route("/api/traces", post(post_batch))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(sink)
}

/// Answers 202 when the batch was stored, 400 with the reason when it is not one.
async fn post_batch(
    State(sink): State<Arc<Sink>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !matches!(
        kind,
        "application/x-thrift" | "application/vnd.apache.thrift.binary"
    ) {
        let reason = format!(
            "content type {kind:?} is not supported: expected application/x-thrift or application/vnd.apache.thrift.binary\n"
        );
        return (StatusCode::BAD_REQUEST, reason);
    }
    match sink.take(Source::Http, &body) {
        Some(Ok(())) => (StatusCode::ACCEPTED, String::new()),
        Some(Err(error)) => (
            StatusCode::BAD_REQUEST,
            format!("not a Thrift binary Batch: {error}\n"),
        ),
        None => (
            StatusCode::INTERNAL_SERVER_ERROR,
            String::from("reading the batch failed\n"),
        ),
    }
}
