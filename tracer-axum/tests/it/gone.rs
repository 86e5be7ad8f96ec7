//! Clients that leave: before the response, in the middle of it, and by resetting a stream of HTTP/2.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_stream::StreamExt;
use tracer_axum::TraceLayer;
use tracer_core::TraceFuture;
use tracer_testing::{TestTracer, assert_trace};

use crate::serve::{Raw, serve};

fn test() -> TestTracer {
    TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.url")
        .hide("http.method")
        .strict()
}

/// A handler that says when it was reached and never answers.
fn stuck(test: &TestTracer) -> (Router, Arc<Notify>) {
    let reached = Arc::new(Notify::new());
    let (notify, tracer) = (Arc::clone(&reached), test.tracer().clone());
    let handler = move || async move {
        notify.notify_one();
        std::future::pending::<()>()
            .in_span(tracer.start_span("wait"))
            .await;
    };
    (
        Router::new()
            .route("/", get(handler))
            .layer(TraceLayer::new().with_tracer(test.tracer())),
        reached,
    )
}

/// A handler that sends a chunk and then nothing, for ever.
fn endless(test: &TestTracer) -> Router {
    let body = || async {
        Body::from_stream(
            stream::iter([Ok::<_, std::io::Error>(Bytes::from("first"))]).chain(stream::pending()),
        )
    };
    Router::new()
        .route("/", get(body))
        .layer(TraceLayer::new().with_tracer(test.tracer()))
}

#[tokio::test]
async fn a_client_that_leaves_before_the_response() {
    let test = test();
    let (app, reached) = stuck(&test);
    let mut client = Raw::connect(serve(app).await).await;
    client.send("GET", "/", "").await;
    reached.notified().await;
    drop(client);
    test.settled().await;
    assert_trace!(
        test,
        "
        GET / {cancelled=true, http.client_gone=before}
          wait {cancelled=true}
        "
    );
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_the_body() {
    let test = test();
    let mut client = Raw::connect(serve(endless(&test)).await).await;
    client.send("GET", "/", "").await;
    client.read_until("first").await;
    drop(client);
    test.settled().await;
    assert_trace!(
        test,
        "GET / {http.client_gone=body, http.status_code=200} [event=\"response started\", http.ttfb_us=_]"
    );
}

#[tokio::test]
async fn a_client_that_leaves_after_the_head() {
    let test = test();
    let body = || async { Body::from_stream(stream::pending::<std::io::Result<Bytes>>()) };
    let app = Router::new().route("/", get(body));
    let mut client =
        Raw::connect(serve(app.layer(TraceLayer::new().with_tracer(test.tracer()))).await).await;
    client.send("GET", "/", "").await;
    client.read_until("\r\n\r\n").await;
    drop(client);
    test.settled().await;
    assert_trace!(
        test,
        "GET / {http.client_gone=body, http.status_code=200} [event=\"response started\", http.ttfb_us=_]"
    );
}

#[tokio::test]
async fn a_client_that_leaves_after_the_last_byte_has_not_left_early() {
    let test = test();
    let app = Router::new().route("/", get(|| async { "all" }));
    let mut client =
        Raw::connect(serve(app.layer(TraceLayer::new().with_tracer(test.tracer()))).await).await;
    client.send("GET", "/", "").await;
    client.read_until("all").await;
    drop(client);
    test.settled().await;
    assert_trace!(test, "GET / {http.status_code=200}");
}

async fn http2(
    address: std::net::SocketAddr,
) -> hyper::client::conn::http2::SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

fn request(address: std::net::SocketAddr) -> hyper::Request<Empty<Bytes>> {
    hyper::Request::get(format!("http://{address}/"))
        .body(Empty::new())
        .unwrap()
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_before_the_response() {
    let test = test();
    let (app, reached) = stuck(&test);
    let address = serve(app).await;
    let mut sender = http2(address).await;
    let response = tokio::spawn(sender.send_request(request(address)));
    reached.notified().await;
    response.abort();
    test.settled().await;
    assert_trace!(
        test,
        "
        GET / {cancelled=true, http.client_gone=before}
          wait {cancelled=true}
        "
    );
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_in_the_middle_of_the_body() {
    let test = test();
    let address = serve(endless(&test)).await;
    let mut sender = http2(address).await;
    let mut response = sender.send_request(request(address)).await.unwrap();
    assert_eq!(
        response
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap(),
        "first"
    );
    drop(response);
    test.settled().await;
    assert_trace!(
        test,
        "GET / {http.client_gone=body, http.status_code=200} [event=\"response started\", http.ttfb_us=_]"
    );
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_after_the_head() {
    let test = test();
    let body = || async { Body::from_stream(stream::pending::<std::io::Result<Bytes>>()) };
    let app = Router::new().route("/", get(body));
    let address = serve(app.layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    let mut sender = http2(address).await;
    drop(sender.send_request(request(address)).await.unwrap());
    test.settled().await;
    assert_trace!(
        test,
        "GET / {http.client_gone=body, http.status_code=200} [event=\"response started\", http.ttfb_us=_]"
    );
}

#[tokio::test]
async fn a_stream_of_http2_that_ends_is_complete() {
    let test = test();
    let app = Router::new().route("/", get(|| async { "all" }));
    let address = serve(app.layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    let mut sender = http2(address).await;
    let response = sender.send_request(request(address)).await.unwrap();
    assert_eq!(response.collect().await.unwrap().to_bytes(), "all");
    test.settled().await;
    assert_trace!(test, "GET / {http.status_code=200}");
}
