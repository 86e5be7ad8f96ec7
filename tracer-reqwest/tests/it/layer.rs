//! Tower stacks around a client of reqwest's.

use std::future::{Ready, ready};

use reqwest::{Error, Request, Response};
use tower::retry::{Policy, RetryLayer};
use tower::{Service, ServiceBuilder, ServiceExt};
use tracer_core::TraceFuture;
use tracer_reqwest::{Client, TraceLayer};
use tracer_testing::assert_trace;

use crate::server::shop;
use crate::terse;

/// Tries again, so many times, whatever came back.
#[derive(Clone)]
struct Again(u32);

impl Policy<Request, Response, Error> for Again {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request, _: &mut Result<Response, Error>) -> Option<Ready<()>> {
        self.0 = self.0.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        request.try_clone()
    }
}

#[tokio::test]
async fn inside_of_a_retry_every_attempt_is_a_span() {
    let test = terse();
    let url = format!("{}/broken", shop().await).parse().unwrap();
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::new(Again(2)))
        .layer(TraceLayer::new())
        .service(reqwest::Client::new());
    let work = async {
        stack
            .oneshot(Request::new(reqwest::Method::GET, url))
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
    };
    work.in_span(test.tracer().start_span("checkout")).await;
    test.settled().await;
    assert_trace!(
        test,
        "
        checkout
          GET {error=true, http.status_code=500} [event=\"response started\"]
          GET {error=true, http.status_code=500} [event=\"response started\"]
          GET {error=true, http.status_code=500} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn the_client_is_a_service_itself() {
    let test = terse();
    let url: reqwest::Url = format!("{}/orders", shop().await).parse().unwrap();
    let request = || Request::new(reqwest::Method::GET, url.clone());
    let mut http = Client::new().with_tracer(test.tracer());
    let response = http.ready().await.unwrap().call(request()).await.unwrap();
    response.bytes().await.unwrap();
    // As reqwest's, shared too.
    let response = (&http).oneshot(request()).await.unwrap();
    response.bytes().await.unwrap();
    assert_trace!(
        test,
        "
        GET {http.status_code=200} [event=\"response started\"]
        GET {http.status_code=200} [event=\"response started\"]
        "
    );
}
