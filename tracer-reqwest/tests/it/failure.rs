//! Calls that fail, and what is said of it.

use std::time::Duration;

use tokio::net::TcpListener;
use tracer_reqwest::Client;
use tracer_testing::{TreeStyle, assert_trace, assert_tree};

use crate::server::{raw, silent};
use crate::{HIDDEN, terse};

#[tokio::test]
async fn nobody_listens() {
    let test = terse();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let http = Client::new().with_tracer(test.tracer());
    let error = http
        .get(format!("http://{address}/?token=secret"))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_connect());
    let spans = test.spans();
    assert!(!format!("{spans:?}").contains("secret"), "{spans:?}");
    let style = HIDDEN
        .into_iter()
        .fold(TreeStyle::new(), TreeStyle::hide)
        .mask("message");
    assert_tree(
        &style.render(&spans),
        "GET {error=true} [event=error, error.kind=connect, message=_]",
    );
    let message = spans[0]
        .logs()
        .flat_map(|log| log.fields)
        .find(|(key, _)| *key == "message")
        .unwrap()
        .1
        .to_string();
    assert!(
        message.contains("refused") && !message.contains("secret"),
        "{message}"
    );
}

#[tokio::test]
async fn a_timeout_is_an_error_of_its_own_kind() {
    let test = terse();
    let url = format!("http://{}/", silent().await);
    let http = Client::builder()
        .timeout(Duration::from_millis(30))
        .build()
        .unwrap()
        .with_tracer(test.tracer());
    let error = http.get(url).send().await.unwrap_err();
    assert!(error.is_timeout());
    assert_trace!(
        test,
        "GET {error=true} [event=error, error.kind=timeout, message=\"operation timed out\"]"
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_stays_reqwests() {
    let test = terse();
    let url = raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let http = Client::new().with_tracer(test.tracer());
    let response = http.get(&url).send().await.unwrap();
    let traced = response.bytes().await.unwrap_err();
    let plain = reqwest::get(&url).await.unwrap().bytes().await.unwrap_err();
    let kinds = |error: &reqwest::Error| {
        (
            error.is_body(),
            error.is_decode(),
            error.is_timeout(),
            error.url().cloned(),
        )
    };
    assert_eq!(kinds(&traced), kinds(&plain));
    assert_trace!(
        test,
        "GET {error=true, http.status_code=200} [event=\"response started\"] [event=error, error.kind=body, \
         message=\"error reading a body from connection: end of file before message length reached\"]"
    );
}

#[tokio::test]
async fn a_body_may_time_out() {
    let test = terse();
    let url = crate::server::serve(axum::Router::new().route(
        "/",
        axum::routing::get(|| async {
            use tokio_stream::StreamExt;
            let first = tokio_stream::once(Ok::<_, std::io::Error>("first"));
            axum::body::Body::from_stream(first.chain(tokio_stream::pending()))
        }),
    ))
    .await;
    let http = Client::new().with_tracer(test.tracer());
    let response = http
        .get(url)
        .timeout(Duration::from_millis(50))
        .send()
        .await
        .unwrap();
    assert!(response.bytes().await.unwrap_err().is_timeout());
    assert_trace!(
        test,
        "GET {error=true, http.status_code=200} [event=\"response started\"] [event=error, error.kind=timeout, \
         message=\"timeout: operation timed out\"]"
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_built_is_no_call() {
    let test = terse();
    let http = Client::new().with_tracer(test.tracer());
    let error = http.get("not a url").send().await.unwrap_err();
    assert!(error.is_builder());
    assert_trace!(test, "");
}
