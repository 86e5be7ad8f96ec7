//! `formatter`: answers `GET /format?helloTo=NAME` on port 8081 with a greeting; the baggage may say which.

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use http::HeaderMap;
use lessons::{exit_on_error, init_tracer, serve};
use serde::Deserialize;
use tracer_core::{HttpHeaders, SpanKind, Tracer};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format {
    hello_to: String,
}

fn format(tracer: &Tracer, headers: &HeaderMap, query: &Format) -> String {
    // Whatever is wrong with the headers, the request is served; the trace then begins here.
    let parent = tracer.extract(&HttpHeaders(headers)).unwrap_or_default();
    let scope = tracer
        .build_span("format")
        .child_of(parent.as_ref())
        .kind(SpanKind::Server)
        .start_active();
    let greeting = scope
        .baggage_item("greeting")
        .unwrap_or_else(|| "Hello".into());
    format!("{greeting}, {}!", query.hello_to)
}

fn main() {
    exit_on_error(
        init_tracer("formatter")
            .map_err(Into::into)
            .and_then(|tracer| {
                let handler =
                    async move |headers: HeaderMap, Query(query)| format(&tracer, &headers, &query);
                serve(8081, Router::new().route("/format", get(handler)))
            }),
    );
}
