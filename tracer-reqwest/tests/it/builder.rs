//! The methods of reqwest, on our types.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use tracer_reqwest::{Client, RequestBuilder};
use tracer_testing::TestTracer;

use crate::server::shop;

#[tokio::test]
async fn every_method_sends_what_reqwest_sends() {
    let test = TestTracer::new("cart");
    let url = format!("{}/orders", shop().await);
    let http = Client::builder()
        .timeout(Duration::from_secs(5))
        .user_agent("cart/1")
        .pool_idle_timeout(Duration::from_secs(1))
        .configure(|builder| builder.tcp_nodelay(true))
        .build()
        .unwrap()
        .with_tracer(test.tracer());
    let calls = [
        http.get(&url),
        http.post(&url),
        http.put(&url),
        http.patch(&url),
        http.delete(&url),
        http.head(&url),
    ];
    for call in calls {
        call.send().await.unwrap();
    }
    let made = http.request(Method::OPTIONS, &url).build().unwrap();
    http.execute(made).await.unwrap();
    test.settled().await;
    let spans = test.spans();
    let names: Vec<_> = spans
        .iter()
        .map(tracer_core::SpanRecord::operation_name)
        .collect();
    assert_eq!(
        names,
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    );
}

#[tokio::test]
async fn every_builder_builds_what_reqwest_builds() {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/plain"))]);
    let url = "http://shop/orders";
    let ours = Client::new()
        .post(url)
        .header("x-a", 1)
        .headers(headers.clone())
        .basic_auth("user", Some("secret"))
        .version(reqwest::Version::HTTP_11)
        .timeout(Duration::from_secs(1))
        .json(&[1, 2]);
    let copy = ours.try_clone().unwrap();
    let theirs = reqwest::Client::new()
        .post(url)
        .header("x-a", 1)
        .headers(headers)
        .basic_auth("user", Some("secret"))
        .version(reqwest::Version::HTTP_11)
        .timeout(Duration::from_secs(1))
        .json(&[1, 2])
        .build()
        .unwrap();
    let (client, split) = copy.build_split();
    for request in [
        ours.build().unwrap(),
        RequestBuilder::from_parts(client, split.unwrap())
            .build()
            .unwrap(),
    ] {
        assert_eq!(request.method(), theirs.method());
        assert_eq!(request.url(), theirs.url());
        assert_eq!(request.headers(), theirs.headers());
        assert_eq!(request.timeout(), theirs.timeout());
        assert_eq!(
            request.body().unwrap().as_bytes(),
            theirs.body().unwrap().as_bytes()
        );
    }
}

#[tokio::test]
async fn a_stream_cannot_be_sent_twice() {
    let body = reqwest::Body::wrap(http_body_util::Full::new(bytes::Bytes::from("x")));
    assert!(
        Client::new()
            .post("http://shop")
            .body(body)
            .try_clone()
            .is_none()
    );
}
