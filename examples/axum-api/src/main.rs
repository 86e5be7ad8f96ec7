//! An API of axum with the options a service in production wants, and a client that calls it.
//!
//! `cargo run -p axum-api` serves three requests and prints their spans.

use std::error::Error;
use std::net::SocketAddr;

use axum::extract::Path;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracer_axum::{ServerSpan, TraceLayer};
use tracer_core::{ConsoleReporter, Sampler, Tracer, traced};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // With `from_env()` in place of sampler and reporter, spans go to an agent.
    let _guard = Tracer::builder("orders")
        .sampler(Sampler::constant(true))
        .reporter(ConsoleReporter::new())
        .install()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    // The addresses of clients become `peer.*` tags.
    let app = router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, app).await });

    // The client's spans are the parents of the server's.
    let http = tracer_reqwest::Client::new();
    for path in ["/orders/7?token=secret", "/orders/8", "/health"] {
        let request = http.get(format!("{url}{path}")).header("x-tenant", "acme");
        request.operation("look up").send().await?.bytes().await?;
    }
    Ok(())
}

fn router() -> Router {
    let layer = TraceLayer::new()
        // Who asks every second need not be traced.
        .filter(|request| request.uri.path() != "/health")
        // Nothing of a request's headers is recorded but what is allowed.
        .request_header(HeaderName::from_static("x-tenant"))
        // What support asks customers for.
        .send_trace_id(HeaderName::from_static("x-trace-id"));
    Router::new()
        .route("/orders/{id}", get(show))
        .route("/health", get(|| async { "ok" }))
        .layer(layer)
}

async fn show(span: ServerSpan, Path(id): Path<u32>) -> Result<Json<Value>, StatusCode> {
    span.set_tag("order.id", id);
    load(id).await.map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// A child of the request's span, because that is active while the handler runs.
#[traced]
async fn load(id: u32) -> Option<Value> {
    (id == 7).then(|| json!({ "id": id, "items": ["tea"] }))
}
