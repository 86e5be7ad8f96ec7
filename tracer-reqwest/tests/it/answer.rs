//! Responses are those of reqwest, with nothing lost on the way.

#[cfg(feature = "gzip")]
use axum::{Router, routing::get};
use tracer_reqwest::{Client, SendTraced};
use tracer_testing::TestTracer;

#[cfg(feature = "gzip")]
use crate::server::serve;
use crate::server::shop;

/// The headers without the one that tells the second.
fn dateless(response: &reqwest::Response) -> reqwest::header::HeaderMap {
    let mut headers = response.headers().clone();
    assert!(headers.remove("date").is_some());
    headers
}

#[tokio::test]
async fn a_traced_response_is_the_plain_one() {
    let test = TestTracer::new("cart");
    let url = format!("{}/orders?page=2", shop().await);
    let plain = reqwest::get(&url).await.unwrap();
    let traced = Client::new()
        .with_tracer(test.tracer())
        .get(&url)
        .send()
        .await
        .unwrap();
    assert_eq!(traced.url(), plain.url());
    assert_eq!(traced.status(), plain.status());
    assert_eq!(traced.version(), plain.version());
    assert_eq!(dateless(&traced), dateless(&plain));
    assert_eq!(traced.content_length(), plain.content_length());
    assert_eq!(traced.remote_addr(), plain.remote_addr());
    assert_eq!(traced.extensions().len(), plain.extensions().len());
    assert_eq!(
        traced.json::<Vec<u8>>().await.unwrap(),
        plain.json::<Vec<u8>>().await.unwrap()
    );
    test.settled().await;
    test.forget();
}

#[tokio::test]
async fn a_failed_status_is_reqwests_error() {
    let test = TestTracer::new("cart");
    let url = format!("{}/missing", shop().await);
    let _default = test.tracer().set_default();
    let response = reqwest::Client::new()
        .get(&url)
        .send_traced()
        .await
        .unwrap();
    let error = response.error_for_status().unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
    assert_eq!(error.url().unwrap().as_str(), url);
    test.settled().await;
    test.forget();
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_decompressed_body_ends_its_span() {
    let test = TestTracer::new("cart");
    // `[1,2]`, whose compressed length is not the one to be counted.
    let packed = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 139, 54, 212, 49, 138, 5, 0, 191, 80, 139, 8, 5, 0, 0, 0,
    ];
    let answer = move || async move { ([("content-encoding", "gzip")], packed.to_vec()) };
    let url = serve(Router::new().route("/", get(answer))).await;
    let response = Client::new()
        .with_tracer(test.tracer())
        .get(url)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (test.open(), response.text().await.unwrap()),
        (1, "[1,2]".to_owned())
    );
    assert_eq!(test.open(), 0);
    let spans = test.spans();
    assert!(spans[0].tag("complete").is_none());
}
