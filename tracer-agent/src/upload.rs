//! Opening a file of traces: `POST /api/upload` with JSON that somebody saved, Jaeger's or OTLP's.
//!
//! The spans are kept beside those that arrive, and are not sent on: they have been to where they came from.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::model::TraceId;
use crate::query::{Asked, QueryError, json};
use crate::read;
use crate::store::{self, Store};

/// The longest file, and all that are being opened. It is what they take beside what the store is allowed.
pub(crate) const MAX_FILE: usize = 16 << 20;

/// A trace that was in a file.
#[derive(Serialize)]
struct Opened {
    #[serde(rename = "traceID")]
    trace_id: TraceId,
    spans: usize,
}

/// Answers with the traces opened, or with what is wrong with the file.
pub(crate) async fn post(State(asked): State<Asked>, body: Body) -> Result<Response, QueryError> {
    let whole = asked.uploads().read(body).await;
    let whole = whole.map_err(|(status, reason)| QueryError::new(status, reason.trim_end()))?;
    // The room it takes goes with it: the thread works on when nobody waits any more.
    let opened = tokio::task::spawn_blocking(move || open(&whole.bytes, asked.store())).await;
    let opened = opened.map_err(|_| QueryError::internal())??;
    Ok(json::list(&opened))
}

fn open(file: &[u8], store: &Store) -> Result<Vec<Opened>, QueryError> {
    let text = std::str::from_utf8(file)
        .map_err(|error| QueryError::bad_request(format!("the file is not UTF-8: {error}")))?;
    // Once to see that it can be read, and once to keep it: all or nothing, without holding all.
    let mut counts = BTreeMap::new();
    read::each_span(text, read::MAX_SPAN, |span| {
        *counts.entry(span.trace_id).or_default() += 1;
    })
    .map_err(|error| QueryError::bad_request(format!("the file has no traces: {error}")))?;
    if counts.is_empty() {
        return Err(QueryError::bad_request("the file has no spans"));
    }
    let keep = |spans| drop(store.insert(spans));
    store::in_pieces(keep, |take| read::each_span(text, read::MAX_SPAN, take))
        .map_err(|_| QueryError::internal())?;
    if counts.keys().all(|id| store.trace(*id).is_none()) {
        let reason = "the file has more spans than there is memory for: see --memory";
        return Err(QueryError::new(StatusCode::INSUFFICIENT_STORAGE, reason));
    }
    let opened = |(trace_id, spans)| Opened { trace_id, spans };
    Ok(counts.into_iter().map(opened).collect())
}
