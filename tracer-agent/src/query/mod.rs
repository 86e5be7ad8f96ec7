//! Jaeger's query API (v1, as Jaeger's UI and Grafana use it), the counters, and the pages beside them.

pub(crate) mod answer;
pub(crate) mod dependencies;
mod error;
pub(crate) mod json;
mod params;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Serialize;

use crate::model::TraceId;
use crate::receive::Sink;
use crate::receive::body::Room;
use crate::stats::Stats;
use crate::store::Store;
use crate::{page, upload};
pub(crate) use error::QueryError;
pub(crate) use params::Params;

/// What the routes share.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    sink: Arc<Sink>,
    started: Instant,
    compact_port: u16,
    otlp_port: Option<u16>,
    uploads: Arc<Room>,
}

impl Asked {
    pub(crate) fn store(&self) -> &Store {
        self.sink.store()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.sink.stats()
    }

    /// The room for files that are being opened.
    pub(crate) fn uploads(&self) -> &Room {
        &self.uploads
    }

    /// Where clients send to.
    pub(crate) fn compact_port(&self) -> u16 {
        self.compact_port
    }

    /// Where those of OpenTelemetry do.
    pub(crate) fn otlp_port(&self) -> Option<u16> {
        self.otlp_port
    }
}

pub(crate) fn router(sink: Arc<Sink>, compact_port: u16, otlp_port: Option<u16>) -> Router {
    Router::new()
        .route("/api/services", get(services))
        .route("/api/services/{service}/operations", get(operations_of))
        .route("/api/operations", get(operations))
        .route("/api/traces", get(traces))
        .route("/api/traces/{id}", get(trace))
        .route("/api/dependencies", get(dependencies_between))
        .route("/api/upload", post(upload::post))
        .route("/api/health", get(health))
        .route("/health", get(health_page))
        .merge(page::router())
        .fallback(nothing)
        .with_state(Asked {
            sink,
            started: Instant::now(),
            compact_port,
            otlp_port,
            uploads: Arc::new(Room::new(upload::MAX_FILE)),
        })
}

/// A page for whoever went astray in the browser, and Jaeger's shape for its readers.
async fn nothing(headers: HeaderMap) -> Response {
    let error = QueryError::not_found("no such page");
    if page::is_wanted(&headers) {
        page::refusal(&error)
    } else {
        error.into_response()
    }
}

async fn services(State(asked): State<Asked>) -> Response {
    let services = asked.store().services();
    json::list(&services)
}

async fn operations_of(
    State(asked): State<Asked>,
    service: Result<Path<String>, PathRejection>,
) -> Result<Response, QueryError> {
    let Path(service) = service?;
    Ok(json::list(&asked.store().operations(&service)))
}

/// As [`operations_of`], in the newer form. Jaeger adds a `spanKind`, which is not indexed here and therefore empty.
async fn operations(
    State(asked): State<Asked>,
    RawQuery(query): RawQuery,
) -> Result<Response, QueryError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Operation {
        name: String,
        span_kind: &'static str,
    }
    let params = Params::parse(query.as_deref());
    let service = params.required("service")?;
    let operations = asked.store().operations(service).into_iter();
    let list: Vec<_> = operations
        .map(|name| Operation {
            name,
            span_kind: "",
        })
        .collect();
    Ok(json::list(&list))
}

async fn traces(
    State(asked): State<Asked>,
    RawQuery(query): RawQuery,
) -> Result<Response, QueryError> {
    let params = Params::parse(query.as_deref());
    let ids = params.trace_ids()?;
    let query = params.query()?;
    let body = answer::written(move |answer| {
        if ids.is_empty() {
            return json::write_traces(answer, &asked.store().find(&query), &[]);
        }
        let (found, missing): (Vec<_>, Vec<_>) = ids
            .into_iter()
            .map(|id| asked.store().trace(id).ok_or(id))
            .partition(Result::is_ok);
        let missing: Vec<_> = missing.into_iter().filter_map(Result::err).collect();
        json::write_traces(
            answer,
            &found.into_iter().flatten().collect::<Vec<_>>(),
            &missing,
        )
    });
    Ok((json::HEADERS, body.await?).into_response())
}

async fn trace(
    State(asked): State<Asked>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, QueryError> {
    let Path(id) = id?;
    let id = parse_trace_id(&id)?;
    let trace = asked
        .store()
        .trace(id)
        .ok_or_else(|| QueryError::not_found("trace not found"))?;
    let body = answer::written(move |answer| json::write_traces(answer, &[trace], &[]));
    Ok((json::HEADERS, body.await?).into_response())
}

async fn dependencies_between(
    State(asked): State<Asked>,
    RawQuery(query): RawQuery,
) -> Result<Response, QueryError> {
    let query = Params::parse(query.as_deref()).dependencies()?;
    let body = answer::written(move |answer| {
        let services = asked.store().services();
        json::write_list(answer, &dependencies::of(asked.store(), &query, &services))
    });
    Ok((json::HEADERS, body.await?).into_response())
}

/// As a page to a browser, and as [`health`] to others.
async fn health_page(state: State<Asked>, headers: HeaderMap) -> Response {
    if page::is_wanted(&headers) {
        page::health(&state.stats(), state.started.elapsed())
    } else {
        health(state).await
    }
}

/// The counters. `status` is `ok` whenever it can be asked.
async fn health(State(asked): State<Asked>) -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        version: &'static str,
        uptime_seconds: u64,
        #[serde(flatten)]
        stats: Stats,
    }
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: asked.started.elapsed().as_secs(),
        stats: asked.stats(),
    };
    json::response(StatusCode::OK, &health)
}

pub(crate) fn parse_trace_id(text: &str) -> Result<TraceId, QueryError> {
    text.parse()
        .map_err(|error| QueryError::bad_request(format!("trace id {text:?}: {error}")))
}
