//! When the spans of calls end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use tokio_stream::StreamExt;
use tracer_core::TraceFuture;
use tracer_reqwest::Client;
use tracer_testing::assert_trace;

use crate::server::{raw, serve, shop, silent};
use crate::terse;

#[tokio::test]
async fn a_span_is_open_until_the_last_byte_is_read() {
    let test = terse().strict();
    let slow = || async {
        let chunks = tokio_stream::iter(["one", "two"]).throttle(Duration::from_millis(20));
        Body::from_stream(chunks.map(Ok::<_, std::io::Error>))
    };
    let url = serve(Router::new().route("/", get(slow))).await;
    let http = Client::new().with_tracer(test.tracer());
    let mut response = http.get(url).send().await.unwrap();
    assert_eq!(test.open(), 1);
    while response.chunk().await.unwrap().is_some() {}
    assert_eq!(test.open(), 0);
    let spans = test.spans();
    let ttfb = spans[0]
        .tags()
        .find(|(key, _)| *key == "http.ttfb_us")
        .unwrap()
        .1
        .as_i64()
        .unwrap();
    let all = i64::try_from(spans[0].duration().as_micros()).unwrap();
    assert!(ttfb > 0 && all >= ttfb + 15_000, "{ttfb} of {all}");
}

#[tokio::test]
async fn what_reads_the_body_may_be_elsewhere() {
    let test = terse().strict();
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    let work = async { http.get(format!("{url}/orders")).send().await.unwrap() };
    let response = work.in_span(test.tracer().start_span("checkout")).await;
    tokio::spawn(response.text()).await.unwrap().unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "
        checkout
          GET {http.status_code=200} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn a_body_that_is_not_read_is_not_an_error() {
    let test = terse().strict();
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    drop(http.get(format!("{url}/orders")).send().await.unwrap());
    assert_trace!(
        test,
        "GET {complete=false, http.status_code=200} [event=\"response started\"]"
    );
}

#[tokio::test]
async fn responses_without_a_body_end_with_their_head() {
    let test = terse().strict();
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    drop(http.head(format!("{url}/orders")).send().await.unwrap());
    drop(http.get(format!("{url}/missing")).send().await.unwrap());
    let empty = raw("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
    drop(http.get(empty).send().await.unwrap());
    assert_trace!(
        test,
        "
        HEAD {http.status_code=200} [event=\"response started\"]
        GET {error=true, http.status_code=404} [event=\"response started\"]
        GET {http.status_code=204} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn a_call_that_is_dropped_was_cancelled() {
    let test = terse().strict();
    let address = silent().await;
    let http = Client::new().with_tracer(test.tracer());
    let call = http.get(format!("http://{address}/")).send();
    tokio::time::timeout(Duration::from_millis(30), call)
        .await
        .unwrap_err();
    assert_trace!(test, "GET {cancelled=true}");
    // One that was never polled never was.
    drop(http.get(format!("http://{address}/")).send());
    assert_trace!(test, "");
}

#[tokio::test]
async fn a_response_without_a_byte_ends_with_its_head() {
    let test = terse().strict();
    let url = raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let http = Client::new().with_tracer(test.tracer());
    let response = http.get(url).send().await.unwrap();
    assert_trace!(
        test,
        "GET {http.status_code=200} [event=\"response started\"]"
    );
    drop(response);
}

#[tokio::test]
async fn calls_are_raced_without_being_pinned() {
    let test = terse().strict();
    let address = silent().await;
    let http = Client::new().with_tracer(test.tracer());
    let request = reqwest::Request::new(
        reqwest::Method::GET,
        format!("{}/orders", shop().await).parse().unwrap(),
    );
    let mut lost = http.get(format!("http://{address}/")).send();
    let mut won = http.execute(request);
    tokio::select! {
        biased;
        _ = &mut lost => panic!("nobody answers"),
        response = &mut won => response.unwrap().bytes().await.unwrap(),
    };
    drop(lost);
    assert_trace!(
        test,
        "
        GET {cancelled=true}
        GET {http.status_code=200} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn an_upgrade_ends_with_its_head_and_still_upgrades() {
    let test = terse().strict();
    let url =
        raw("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")
            .await;
    let http = Client::new().with_tracer(test.tracer());
    let request = http
        .get(url)
        .header("connection", "upgrade")
        .header("upgrade", "echo");
    let response = request.send().await.unwrap();
    assert_trace!(
        test,
        "GET {http.status_code=101} [event=\"response started\"]"
    );
    response.upgrade().await.unwrap();
}

#[tokio::test]
async fn what_reqwest_tries_again_by_itself_is_one_span() {
    let test = terse().strict();
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let app = Router::new().route(
        "/",
        get(move || async move {
            match counted.fetch_add(1, Ordering::Relaxed) {
                0 => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::OK,
            }
        }),
    );
    let url = serve(app).await;
    let host = url.strip_prefix("http://").unwrap().split(':').next();
    let policy = reqwest::retry::for_host(host.unwrap().to_owned()).classify_fn(|attempt| {
        match attempt.status() {
            Some(StatusCode::SERVICE_UNAVAILABLE) => attempt.retryable(),
            _ => attempt.success(),
        }
    });
    let http = Client::builder()
        .retry(policy)
        .build()
        .unwrap()
        .with_tracer(test.tracer());
    http.get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    assert_trace!(
        test,
        "GET {http.status_code=200} [event=\"response started\"]"
    );
}
