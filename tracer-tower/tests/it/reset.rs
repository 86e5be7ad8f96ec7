//! Servers of HTTP/2 that give a request up, as the client layer sees it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use h2::Reason;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Notify;
use tower::{Service, ServiceBuilder, service_fn};
use tracer_core::TraceFuture;
use tracer_testing::{TestTracer, assert_trace};
use tracer_tower::{Conventions, client, server};

use crate::h2_server::{Ending, Until, serve};

fn test() -> TestTracer {
    TestTracer::new("cart")
        .mask("http.url")
        .mask("peer.port")
        .mask("server.port")
        .mask("url.full")
        .strict()
}

/// Calls `address` over HTTP/2 and reads the response, under a span; `read` is called after each piece of it.
async fn call(
    test: &TestTracer,
    layer: client::TraceLayer,
    address: SocketAddr,
    read: impl Fn(),
) -> Result<String, String> {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let layer = layer.with_tracer(test.tracer());
    let mut client = ServiceBuilder::new().layer(layer).service(client);
    let request = Request::get(format!("http://{address}/orders"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let work = async {
        let response = client
            .call(request)
            .await
            .map_err(|error| error.to_string())?;
        let mut body = response.into_body();
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            let data = frame
                .map_err(|error| error.to_string())?
                .into_data()
                .unwrap();
            text.push_str(std::str::from_utf8(&data).unwrap());
            read();
        }
        Ok(text)
    };
    let result = work.in_span(test.tracer().start_span("checkout")).await;
    test.settled().await;
    result
}

#[tokio::test]
async fn a_reset_before_the_response_is_an_error() {
    for ending in [
        Ending::Reset(Reason::INTERNAL_ERROR),
        Ending::GoAway(Reason::ENHANCE_YOUR_CALM),
    ] {
        let test = test();
        let (address, _) = serve(Until::Request, ending).await;
        call(&test, client::TraceLayer::new(), address, || {})
            .await
            .unwrap_err();
        assert_trace!(
            test,
            "
            checkout
              GET {component=tower, error=true, http.method=GET, http.url=_, peer.hostname=\"127.0.0.1\", peer.port=_, \
             span.kind=client} [event=error, error.kind=hyper_util::client::legacy::client::Error]
            "
        );
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_body_is_an_error() {
    for ending in [
        Ending::Reset(Reason::CANCEL),
        Ending::GoAway(Reason::INTERNAL_ERROR),
    ] {
        let test = test();
        let (address, read) = serve(Until::Piece, ending).await;
        call(&test, client::TraceLayer::new(), address, || {
            read.notify_one();
        })
        .await
        .unwrap_err();
        assert_trace!(
            test,
            "
            checkout
              GET {component=tower, error=true, http.method=GET, http.status_code=200, http.ttfb_us=_, http.url=_, \
             peer.hostname=\"127.0.0.1\", peer.port=_, span.kind=client} [event=\"response started\", http.ttfb_us=_] \
             [event=error, error.kind=hyper::error::Error, message=\"error reading a body from connection\"]
            "
        );
    }
}

#[tokio::test]
async fn a_reset_after_the_last_byte_is_an_error() {
    let test = test();
    let (address, read) = serve(Until::Length, Ending::Reset(Reason::INTERNAL_ERROR)).await;
    call(&test, client::TraceLayer::new(), address, || {
        read.notify_one();
    })
    .await
    .unwrap_err();
    assert_trace!(
        test,
        "
        checkout
          GET {component=tower, error=true, http.method=GET, http.status_code=200, http.ttfb_us=_, http.url=_, \
         peer.hostname=\"127.0.0.1\", peer.port=_, span.kind=client} [event=\"response started\", http.ttfb_us=_] \
         [event=error, error.kind=hyper::error::Error, message=\"error reading a body from connection\"]
        "
    );
}

#[tokio::test]
async fn a_server_that_goes_away_but_serves_what_it_took_is_not_alarming() {
    let test = test();
    let (address, read) = serve(Until::Piece, Ending::Farewell).await;
    let text = call(&test, client::TraceLayer::new(), address, || {
        read.notify_one();
    })
    .await;
    assert_eq!(text.unwrap(), "firstlast");
    assert_trace!(
        test,
        "
        checkout
          GET {component=tower, http.method=GET, http.status_code=200, http.ttfb_us=_, http.url=_, \
         peer.hostname=\"127.0.0.1\", peer.port=_, span.kind=client} [event=\"response started\", http.ttfb_us=_]
        "
    );
}

#[tokio::test]
async fn opentelemetry_has_a_type_for_what_was_reset() {
    let test = test();
    let (address, _) = serve(Until::Request, Ending::Reset(Reason::REFUSED_STREAM)).await;
    let layer = client::TraceLayer::new().conventions(Conventions::OpenTelemetry);
    call(&test, layer, address, || {}).await.unwrap_err();
    assert_trace!(
        test,
        "
        checkout
          GET {component=tower, error=true, error.type=hyper_util::client::legacy::client::Error, \
         http.request.method=GET, server.address=\"127.0.0.1\", server.port=_, span.kind=client, url.full=_} \
         [event=error, error.kind=hyper_util::client::legacy::client::Error]
        "
    );
}

#[tokio::test]
async fn a_body_that_fails_resets_the_stream_and_both_sides_say_so() {
    let test = test();
    let read = Arc::new(Notify::new());
    let was_read = Arc::clone(&read);
    let service = service_fn(move |_: Request<Incoming>| {
        let was_read = Arc::clone(&was_read);
        let first = stream::once(async { Ok(Frame::data(Bytes::from("first"))) });
        let failure = stream::once(async move {
            was_read.notified().await;
            Err(io::Error::other("the disk is gone"))
        });
        let body = StreamBody::new(Box::pin(first.chain(failure)));
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    let layer = server::TraceLayer::new().with_tracer(test.tracer());
    let address =
        crate::hyper_server::serve(ServiceBuilder::new().layer(layer).service(service)).await;
    let layer = client::TraceLayer::new();
    call(&test, layer, address, || read.notify_one())
        .await
        .unwrap_err();
    assert_trace!(
        test,
        "
        checkout
          GET {component=tower, error=true, http.method=GET, http.status_code=200, http.ttfb_us=_, http.url=_, \
         peer.hostname=\"127.0.0.1\", peer.port=_, span.kind=client} [event=\"response started\", http.ttfb_us=_] \
         [event=error, error.kind=hyper::error::Error, message=\"error reading a body from connection\"]
            GET {component=tower, error=true, http.method=GET, http.status_code=200, http.url=_, span.kind=server} \
         [event=\"response started\", http.ttfb_us=_] \
         [event=error, error.kind=std::io::error::Error, message=\"the disk is gone\"]
        "
    );
}

/// A service whose bodies have all of their length in one piece, and then these trailers, made in a span.
fn with_trailers(
    test: &TestTracer,
    trailers: fn() -> Result<HeaderMap, io::Error>,
) -> impl Service<
    Request<Incoming>,
    Response = Response<impl Body<Data = Bytes, Error = io::Error> + Send + 'static>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static {
    let tracer = test.tracer().clone();
    let layer = server::TraceLayer::new().with_tracer(test.tracer());
    let service = service_fn(move |_: Request<Incoming>| {
        let tracer = tracer.clone();
        let trailers = async move {
            tokio::task::yield_now().await;
            tracer.start_span("sum up").finish();
            Some(trailers())
        };
        let body = Full::new(Bytes::from("first")).map_err(|never| match never {});
        let body = body.with_trailers(Box::pin(trailers));
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    ServiceBuilder::new().layer(layer).service(service)
}

#[tokio::test]
async fn trailers_after_the_last_byte_belong_to_the_span() {
    let test = test().hide("http.*").hide("peer.*").hide("component");
    let service = with_trailers(&test, || Ok(HeaderMap::new()));
    let address = crate::hyper_server::serve(service).await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Empty<Bytes>>();
    let url = format!("http://{address}/orders").parse().unwrap();
    let body = client.get(url).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "first");
    test.settled().await;
    assert_trace!(
        test,
        "
        GET {span.kind=server}
          sum up
        "
    );
}

#[tokio::test]
async fn trailers_that_fail_reset_the_stream_and_the_server_says_so() {
    let test = test().hide("http.*").hide("peer.*").hide("component");
    let service = with_trailers(&test, || Err(io::Error::other("the disk is gone")));
    let address = crate::hyper_server::serve(service).await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Empty<Bytes>>();
    let url = format!("http://{address}/orders").parse().unwrap();
    let body = client.get(url).await.unwrap().into_body();
    body.collect().await.unwrap_err();
    test.settled().await;
    assert_trace!(
        test,
        "
        GET {error=true, span.kind=server} \
         [event=error, error.kind=std::io::error::Error, message=\"the disk is gone\"]
          sum up
        "
    );
}
