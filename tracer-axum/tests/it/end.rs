//! When spans end that are answered in full: no false alarms.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use tokio_stream::StreamExt;
use tracer_axum::TraceLayer;
use tracer_core::{Tracer, active_span};
use tracer_testing::{TestTracer, TreeStyle, assert_trace, assert_tree};

use crate::serve::{Raw, serve};

fn test() -> TestTracer {
    hiding(TestTracer::new("shop"), TestTracer::hide).strict()
}

fn hiding<T>(tree: T, hide: fn(T, &'static str) -> T) -> T {
    ["component", "span.kind", "http.url", "http.method"]
        .into_iter()
        .fold(tree, hide)
}

/// A body in three chunks whose size is not known.
fn chunks() -> Body {
    Body::from_stream(stream::iter(
        ["one", "two", "six"].map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk))),
    ))
}

async fn get_once(test: &TestTracer, app: Router, method: reqwest::Method) -> reqwest::Response {
    let address = serve(app.layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    reqwest::Client::new()
        .request(method, format!("http://{address}/"))
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_streamed_body_says_when_it_started() {
    let test = test();
    let response = get_once(
        &test,
        Router::new().route("/", get(|| async { chunks() })),
        reqwest::Method::GET,
    )
    .await;
    assert_eq!(response.text().await.unwrap(), "onetwosix");
    test.settled().await;
    assert_trace!(
        test,
        "GET / {http.status_code=200} [event=\"response started\", http.ttfb_us=_]"
    );
}

#[tokio::test]
async fn code_in_a_body_runs_inside_of_the_span() {
    let test = test();
    let tracer = test.tracer().clone();
    let body = move |tracer: Tracer| {
        let chunks = ["one", "two"].map(move |chunk| {
            let tracer = tracer.clone();
            move || {
                tracer.start_span(chunk).finish();
                active_span().set_tag("last", chunk);
                Ok::<_, std::io::Error>(Bytes::from(chunk))
            }
        });
        Body::from_stream(stream::iter(chunks).map(|chunk| chunk()))
    };
    let app = Router::new().route("/", get(move || async move { body(tracer) }));
    get_once(&test, app, reqwest::Method::GET)
        .await
        .bytes()
        .await
        .unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "
        GET / {http.status_code=200, last=two} [event=\"response started\", http.ttfb_us=_]
          one
          two
        "
    );
}

#[tokio::test]
async fn a_stream_with_its_length_declared_ends_with_its_last_byte() {
    let test = test();
    let app = Router::new().route(
        "/",
        get(|| async { ([(header::CONTENT_LENGTH, "9")], chunks()) }),
    );
    let response = get_once(&test, app, reqwest::Method::GET).await;
    assert_eq!(response.bytes().await.unwrap().len(), 9);
    test.settled().await;
    assert_trace!(
        test,
        "GET / {http.status_code=200} [event=\"response started\", http.ttfb_us=_]"
    );
}

#[tokio::test]
async fn responses_without_a_body_end_with_their_head() {
    let with_body = || async { ([(header::CONTENT_LENGTH, "9")], chunks()) };
    for (method, status, expected) in [
        (
            reqwest::Method::HEAD,
            StatusCode::OK,
            "HEAD / {http.status_code=200}",
        ),
        (
            reqwest::Method::GET,
            StatusCode::NO_CONTENT,
            "GET / {http.status_code=204}",
        ),
        (
            reqwest::Method::GET,
            StatusCode::NOT_MODIFIED,
            "GET / {http.status_code=304}",
        ),
    ] {
        let test = test();
        let app = Router::new().route("/", get(move || async move { (status, with_body().await) }));
        get_once(&test, app, method).await.bytes().await.unwrap();
        test.settled().await;
        assert_trace!(test, expected);
    }
}

#[tokio::test]
async fn a_service_that_answers_head_with_a_body_is_not_alarming() {
    // No route of axum's, which would take the body off.
    let test = test();
    let service =
        tower::service_fn(|_| async { Ok::<_, std::convert::Infallible>(Response::new(chunks())) });
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let service = tower::ServiceBuilder::new().layer(layer).service(service);
    let address = serve(Router::new().fallback_service(service)).await;
    reqwest::Client::new()
        .head(format!("http://{address}/"))
        .send()
        .await
        .unwrap();
    test.settled().await;
    assert_trace!(test, "HEAD {http.status_code=200}");
}

#[tokio::test]
async fn server_errors_are_errors_and_client_errors_are_not() {
    for (status, expected) in [
        (500, "GET / {error=true, http.status_code=500}"),
        (503, "GET / {error=true, http.status_code=503}"),
        (404, "GET / {http.status_code=404}"),
        (429, "GET / {http.status_code=429}"),
    ] {
        let test = test();
        let app = Router::new().route(
            "/",
            get(move || async move { StatusCode::from_u16(status).unwrap() }),
        );
        get_once(&test, app, reqwest::Method::GET)
            .await
            .bytes()
            .await
            .unwrap();
        test.settled().await;
        assert_trace!(test, expected);
    }
}

#[tokio::test]
async fn a_body_that_fails_is_an_error() {
    let test = test();
    let body = || {
        Body::from_stream(stream::iter([
            Ok(Bytes::from("one")),
            Err(std::io::Error::other("the disk is gone")),
        ]))
    };
    let app = Router::new().route("/", get(move || async move { body() }));
    let address = serve(app.layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    reqwest::get(format!("http://{address}/"))
        .await
        .unwrap_err();
    test.settled().await;
    assert_trace!(
        test,
        "GET / {error=true, http.status_code=200} [event=\"response started\", http.ttfb_us=_] \
         [event=error, error.kind=axum_core::error::Error, message=\"the disk is gone\"]"
    );
}

#[tokio::test]
async fn a_body_that_a_layer_outside_replaces_is_not_alarming() {
    async fn apologize(request: Request, next: Next) -> Response {
        let (head, _) = next.run(request).await.into_parts();
        Response::from_parts(head, Body::from("sorry"))
    }
    let test = test();
    let broken = || async { (StatusCode::INTERNAL_SERVER_ERROR, "the stack") };
    let app = Router::new()
        .route("/", get(broken))
        .layer(TraceLayer::new().with_tracer(test.tracer()))
        .layer(middleware::from_fn(apologize));
    let address = serve(app).await;
    let response = reqwest::get(format!("http://{address}/")).await.unwrap();
    test.settled().await;
    drop(response);
    assert_trace!(test, "GET / {error=true, http.status_code=500}");
}

#[tokio::test]
async fn a_panic_is_marked_and_passed_on() {
    async fn show() -> String {
        tokio::task::yield_now().await;
        panic!("the handler")
    }
    let test = test();
    let address = serve(
        Router::new()
            .route("/", get(show))
            .layer(TraceLayer::new().with_tracer(test.tracer())),
    )
    .await;
    reqwest::get(format!("http://{address}/"))
        .await
        .unwrap_err();
    test.settled().await;
    assert_trace!(
        test,
        "GET / {error=true} [event=error, error.kind=panic, message=\"the function panicked\"]"
    );
}

#[tokio::test]
async fn an_event_stream_that_ends_by_itself_is_complete() {
    let test = test();
    let events = || async {
        Sse::new(
            tokio_stream::iter(1..=3)
                .map(|n| Ok::<_, std::io::Error>(Event::default().data(n.to_string()))),
        )
    };
    let response = get_once(
        &test,
        Router::new().route("/", get(events)),
        reqwest::Method::GET,
    )
    .await;
    assert_eq!(
        response.text().await.unwrap(),
        "data: 1\n\ndata: 2\n\ndata: 3\n\n"
    );
    test.settled().await;
    assert_trace!(
        test,
        "GET / {http.status_code=200} [event=\"response started\", http.ttfb_us=_]"
    );
}

#[tokio::test]
async fn keep_alive_gives_each_request_its_span() {
    let test = test();
    let app = Router::new().route("/", get(|| async { "order" }));
    let address = serve(app.layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    let mut client = Raw::connect(address).await;
    for _ in 0..2 {
        client.send("GET", "/", "").await;
        client.read_until("order").await;
    }
    // Leaving after the last byte is not leaving early.
    drop(client);
    test.settled().await;
    assert_trace!(
        test,
        "
        GET / {http.status_code=200}
        GET / {http.status_code=200}
        "
    );
}

#[tokio::test]
async fn a_span_takes_as_long_as_its_body() {
    let test = test();
    let slow = || async {
        let chunks = tokio_stream::iter(["one", "two"]).throttle(Duration::from_millis(20));
        Body::from_stream(chunks.map(Ok::<_, std::io::Error>)).into_response()
    };
    let response = get_once(
        &test,
        Router::new().route("/", get(slow)),
        reqwest::Method::GET,
    )
    .await;
    response.bytes().await.unwrap();
    test.settled().await;
    let spans = test.spans();
    assert!(
        spans[0].duration() >= Duration::from_millis(20),
        "{:?}",
        spans[0].duration()
    );
}

#[tokio::test]
async fn a_stream_without_an_end_may_have_a_span_with_one() {
    let test = test();
    let is_over = Arc::new(AtomicBool::new(false));
    let (tracer, late) = (test.tracer().clone(), Arc::clone(&is_over));
    let beats = || async {
        let beats =
            tokio_stream::iter(std::iter::repeat("beat")).throttle(Duration::from_millis(5));
        Body::from_stream(beats.map(move |beat| {
            if late.load(Ordering::Relaxed) {
                tracer.start_span("late").finish();
            }
            Ok::<_, std::io::Error>(beat)
        }))
    };
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .max_body_time(Duration::from_millis(20));
    let address = serve(Router::new().route("/", get(beats)).layer(layer)).await;
    let mut response = reqwest::get(format!("http://{address}/")).await.unwrap();
    while test.open() > 0 {
        response.chunk().await.unwrap().unwrap();
    }
    // It goes on all the same, nothing of it is traced, and leaving it then says nothing.
    is_over.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        response.chunk().await.unwrap().unwrap();
    }
    drop(response);
    test.settled().await;
    let spans = test.spans();
    assert!(spans[0].duration() >= Duration::from_millis(20));
    assert_tree(
        &hiding(TreeStyle::new(), TreeStyle::hide).render(&spans),
        "GET / {complete=false, http.status_code=200} [event=\"response started\", http.ttfb_us=_]",
    );
}

#[tokio::test]
async fn graceful_shutdown_lets_spans_end() {
    let test = test();
    let app = Router::new()
        .route("/", get(|| async { chunks() }))
        .layer(TraceLayer::new().with_tracer(test.tracer()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
    let server = tokio::spawn(async { server.await });
    let response = reqwest::get(format!("http://{address}/")).await.unwrap();
    drop(stop);
    assert_eq!(response.text().await.unwrap(), "onetwosix");
    server.await.unwrap().unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "GET / {http.status_code=200} [event=\"response started\", http.ttfb_us=_]"
    );
}
