//! Servers of HTTP/2 that give a request up.

use h2::Reason;
use tracer_core::TraceFuture;
use tracer_reqwest::Client;
use tracer_testing::{TestTracer, assert_trace};

use crate::h2_server::{Ending, Until, serve};

/// Calls a server that ends a response so, and reads it.
async fn call(until: Until, ending: Ending) -> (TestTracer, Result<String, reqwest::Error>) {
    let test = TestTracer::new("cart")
        .mask("http.url")
        .mask("peer.port")
        .strict();
    let (address, read) = serve(until, ending).await;
    let http = Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap()
        .with_tracer(test.tracer());
    let work = async {
        let mut response = http.get(format!("http://{address}/orders")).send().await?;
        let mut text = String::new();
        while let Some(piece) = response.chunk().await? {
            text.push_str(std::str::from_utf8(&piece).unwrap());
            read.notify_one();
        }
        Ok(text)
    };
    let result = work.in_span(test.tracer().start_span("checkout")).await;
    test.settled().await;
    (test, result)
}

#[tokio::test]
async fn a_reset_before_the_response_is_an_error() {
    let (test, result) = call(Until::Request, Ending::Reset(Reason::INTERNAL_ERROR)).await;
    assert!(result.unwrap_err().is_request());
    assert_trace!(
        test,
        "
        checkout
          GET {component=reqwest, error=true, http.method=GET, http.url=_, peer.hostname=\"127.0.0.1\", peer.port=_, \
         span.kind=client} [event=error, error.kind=request, message=\"client error (SendRequest): http2 error: \
         stream error received: unexpected internal error encountered\"]
        "
    );
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_body_is_an_error() {
    let (test, result) = call(Until::Piece, Ending::Reset(Reason::CANCEL)).await;
    result.unwrap_err();
    assert_trace!(
        test,
        "
        checkout
          GET {component=reqwest, error=true, http.method=GET, http.status_code=200, http.ttfb_us=_, http.url=_, \
         peer.hostname=\"127.0.0.1\", peer.ipv4=\"127.0.0.1\", peer.port=_, span.kind=client} \
         [event=\"response started\", http.ttfb_us=_] [event=error, error.kind=body, \
         message=\"error reading a body from connection: stream error received: stream no longer needed\"]
        "
    );
}

#[tokio::test]
async fn a_reset_after_the_last_byte_is_an_error() {
    let (test, result) = call(Until::Length, Ending::Reset(Reason::INTERNAL_ERROR)).await;
    result.unwrap_err();
    let test = test.hide("http.*").hide("peer.*").mask("message");
    assert_trace!(
        test,
        "
        checkout
          GET {component=reqwest, error=true, span.kind=client} [event=\"response started\"] \
         [event=error, error.kind=body, message=_]
        "
    );
}

#[tokio::test]
async fn a_connection_that_goes_away_is_an_error_of_the_calls_it_takes_along() {
    // In which words depends on what of it is noticed first.
    let ending = Ending::GoAway(Reason::ENHANCE_YOUR_CALM);
    let (test, result) = call(Until::Request, ending).await;
    assert!(result.unwrap_err().is_request());
    let test = test.hide("http.*").hide("peer.*").mask("message");
    assert_trace!(
        test,
        "
        checkout
          GET {component=reqwest, error=true, span.kind=client} [event=error, error.kind=request, message=_]
        "
    );
    let (test, result) = call(Until::Piece, ending).await;
    result.unwrap_err();
    let test = test.hide("http.*").hide("peer.*").mask("message");
    assert_trace!(
        test,
        "
        checkout
          GET {component=reqwest, error=true, span.kind=client} [event=\"response started\"] \
         [event=error, error.kind=body, message=_]
        "
    );
}

#[tokio::test]
async fn a_server_that_goes_away_but_serves_what_it_took_is_not_alarming() {
    let (test, result) = call(Until::Piece, Ending::Farewell).await;
    assert_eq!(result.unwrap(), "firstlast");
    assert_trace!(
        test,
        "
        checkout
          GET {component=reqwest, http.method=GET, http.status_code=200, http.ttfb_us=_, http.url=_, \
         peer.hostname=\"127.0.0.1\", peer.ipv4=\"127.0.0.1\", peer.port=_, span.kind=client} \
         [event=\"response started\", http.ttfb_us=_]
        "
    );
}
