//! Responses are those of reqwest, with nothing lost on the way.

use tracer_reqwest::{Client, SendTraced};
use tracer_testing::TestTracer;

use crate::server::shop;

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
    assert_eq!(traced.headers(), plain.headers());
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
