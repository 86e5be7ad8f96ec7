//! `publisher`: prints what it gets by `GET /publish?helloStr=TEXT` on port 8082 and answers `published`.

#![expect(clippy::print_stdout, reason = "printing is what the program is for")]

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use http::HeaderMap;
use lessons::{exit_on_error, init_tracer, serve};
use serde::Deserialize;
use tracer_core::{HttpHeaders, SpanKind, Tracer};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Publish {
    hello_str: String,
}

fn publish(tracer: &Tracer, headers: &HeaderMap, query: &Publish) -> &'static str {
    let parent = tracer.extract(&HttpHeaders(headers)).unwrap_or_default();
    let _scope = tracer
        .build_span("publish")
        .child_of(parent.as_ref())
        .kind(SpanKind::Server)
        .start_active();
    println!("{}", query.hello_str);
    "published"
}

fn main() {
    exit_on_error(
        init_tracer("publisher")
            .map_err(Into::into)
            .and_then(|tracer| {
                let handler = async move |headers: HeaderMap, Query(query)| {
                    publish(&tracer, &headers, &query)
                };
                serve(8082, Router::new().route("/publish", get(handler)))
            }),
    );
}
