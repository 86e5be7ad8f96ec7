//! The client layer around hyper-util's client.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tracer_core::TraceFuture;
use tracer_testing::{TestTracer, assert_trace};
use tracer_tower::Conventions;
use tracer_tower::client::{Operation, TraceLayer};

use crate::hyper_server::{frames, serve};

fn test() -> TestTracer {
    let hidden = [
        "component",
        "http.method",
        "http.url",
        "http.ttfb_us",
        "peer.*",
        "span.kind",
    ];
    hidden
        .into_iter()
        .fold(TestTracer::new("cart"), TestTracer::hide)
        .strict()
}

async fn shop() -> SocketAddr {
    let service = service_fn(|request: Request<Incoming>| async move {
        let chunks = ["one", "two"].map(|chunk| Frame::data(Bytes::from(chunk)));
        let mut response = Response::new(frames(chunks));
        if request.uri().path() == "/broken" {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
        }
        Ok::<_, Infallible>(response)
    });
    serve(service).await
}

fn request(address: SocketAddr, path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://{address}{path}"))
        .body(Empty::new())
        .unwrap()
}

#[tokio::test]
async fn a_call_is_open_until_its_last_byte() {
    let test = test();
    let address = shop().await;
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut client = ServiceBuilder::new().layer(layer).service(client);
    let work = async {
        for path in ["/orders", "/broken"] {
            let response = client
                .ready()
                .await
                .unwrap()
                .call(request(address, path))
                .await
                .unwrap();
            assert_eq!(test.open(), 2);
            assert_eq!(
                response.into_body().collect().await.unwrap().to_bytes(),
                "onetwo"
            );
            assert_eq!(test.open(), 1);
        }
        let mut named = request(address, "/orders");
        named
            .extensions_mut()
            .insert(Operation("list orders".into()));
        drop(client.call(named).await.unwrap());
    };
    work.in_span(test.tracer().start_span("checkout")).await;
    assert_trace!(
        test,
        "
        checkout
          GET {http.status_code=200} [event=\"response started\"]
          GET {error=true, http.status_code=502} [event=\"response started\"]
          list orders {complete=false, http.status_code=200} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn a_call_that_fails_is_an_error_and_one_that_is_dropped_is_not() {
    let test = test();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut client = ServiceBuilder::new().layer(layer).service(client);
    let call = client.call(request(silent, "/"));
    tokio::time::timeout(Duration::from_millis(20), call)
        .await
        .unwrap_err();
    drop(listener);
    client.call(request(silent, "/")).await.unwrap_err();
    assert_trace!(
        test,
        "
        GET {cancelled=true}
        GET {error=true} [event=error, error.kind=hyper_util::client::legacy::client::Error]
        "
    );
}

#[tokio::test]
async fn the_host_of_an_ipv6_url_is_told_without_its_brackets() {
    let test = TestTracer::new("cart");
    let answer = || {
        service_fn(|_: Request<Empty<Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        })
    };
    for conventions in [Conventions::OpenTracing, Conventions::OpenTelemetry] {
        let layer = TraceLayer::new()
            .with_tracer(test.tracer())
            .conventions(conventions);
        let call = Request::get("http://[::1]:8080/").body(Empty::new());
        let client = ServiceBuilder::new().layer(layer).service(answer());
        client.oneshot(call.unwrap()).await.unwrap();
    }
    let spans = test.spans();
    assert_eq!(spans[0].tag("peer.hostname"), Some("::1".into()));
    assert_eq!(spans[1].tag("server.address"), Some("::1".into()));
}
