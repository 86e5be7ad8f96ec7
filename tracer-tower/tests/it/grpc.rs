//! gRPC: tonic's health service and its client, which others wrote, and a server that answers as it pleases.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceBuilder;
use tracer_core::TraceFuture;
use tracer_testing::{TestTracer, assert_trace};
use tracer_tower::{Conventions, client, server};

use crate::hyper_server::{frames, serve, trailers};

fn test() -> TestTracer {
    let hidden = [
        "component",
        "http.method",
        "http.url",
        "http.ttfb_us",
        "peer.*",
        "http.status_code",
    ];
    hidden
        .into_iter()
        .fold(TestTracer::new("health"), TestTracer::hide)
        .strict()
}

/// Serves tonic's health service behind `layer`.
async fn health(layer: server::TraceLayer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("shop", tonic_health::ServingStatus::Serving)
        .await;
    let server = Server::builder().layer(layer).add_service(service);
    tokio::spawn(async move {
        // The reporter keeps the streams of watchers open.
        let _reporter = reporter;
        server
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
    });
    address
}

async fn channel(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap()
}

fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn a_call_is_named_by_its_method_on_both_sides() {
    let test = test();
    let address = health(server::TraceLayer::grpc().with_tracer(test.tracer())).await;
    let layer = client::TraceLayer::new().with_tracer(test.tracer());
    let mut client = HealthClient::new(
        ServiceBuilder::new()
            .layer(layer)
            .service(channel(address).await),
    );
    let check = async { client.check(ask("shop")).await.unwrap().into_inner() };
    assert_eq!(
        check
            .in_span(test.tracer().start_span("probe"))
            .await
            .status,
        1
    );
    test.settled().await;
    assert_trace!(
        test,
        "
        probe
          grpc.health.v1.Health/Check {grpc.status=0, span.kind=client} [event=\"response started\"]
            grpc.health.v1.Health/Check {grpc.status=0, span.kind=server} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn a_status_in_the_headers_is_an_error_of_the_client_alone() {
    let test = test();
    let address = health(server::TraceLayer::grpc().with_tracer(test.tracer())).await;
    let layer = client::TraceLayer::new().with_tracer(test.tracer());
    let mut client = HealthClient::new(
        ServiceBuilder::new()
            .layer(layer)
            .service(channel(address).await),
    );
    assert_eq!(
        client.check(ask("unknown")).await.unwrap_err().code(),
        tonic::Code::NotFound
    );
    test.settled().await;
    assert_trace!(
        test,
        "
        grpc.health.v1.Health/Check {error=true, grpc.status=5, span.kind=client} [event=\"response started\"]
          grpc.health.v1.Health/Check {grpc.status=5, span.kind=server}
        "
    );
}

#[tokio::test]
async fn a_method_nobody_implements_names_nothing() {
    let test = test();
    let address = health(server::TraceLayer::grpc().with_tracer(test.tracer())).await;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http::<http_body_util::Empty<Bytes>>();
    for path in ["/any.Thing/Goes", "/<script>/1"] {
        let request = http::Request::post(format!("http://{address}/"))
            .header("content-type", "application/grpc")
            .body(http_body_util::Empty::new());
        let mut request = request.unwrap();
        let Ok(uri) = format!("http://{address}{path}").parse() else {
            continue;
        };
        *request.uri_mut() = uri;
        client.request(request).await.unwrap();
    }
    test.settled().await;
    let spans = test.spans();
    assert!(
        !spans.is_empty() && spans.iter().all(|span| span.operation_name() == "_OTHER"),
        "{spans:?}"
    );
    let status = spans[0]
        .tags()
        .find(|(key, _)| *key == "grpc.status")
        .unwrap()
        .1
        .as_i64();
    assert_eq!(status, Some(12));
}

#[tokio::test]
async fn a_stream_the_client_leaves_is_no_error() {
    let test = test();
    let address = health(server::TraceLayer::grpc().with_tracer(test.tracer())).await;
    let layer = client::TraceLayer::new().with_tracer(test.tracer());
    let mut client = HealthClient::new(
        ServiceBuilder::new()
            .layer(layer)
            .service(channel(address).await),
    );
    let mut watch = client.watch(ask("shop")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
    assert_eq!(test.open(), 2);
    drop(watch);
    test.settled().await;
    assert_trace!(
        test,
        "
        grpc.health.v1.Health/Watch {complete=false, span.kind=client} [event=\"response started\"]
          grpc.health.v1.Health/Watch {http.client_gone=body, span.kind=server} [event=\"response started\"]
        "
    );
}

/// A service that sends a message and then `status` in its trailers.
async fn answering(
    test: &TestTracer,
    status: &'static str,
    conventions: Conventions,
) -> SocketAddr {
    let service = tower::service_fn(move |_| async move {
        let message = Frame::data(Bytes::from_static(b"\0\0\0\0\x02\x08\x01"));
        let body = frames([message, trailers("grpc-status", status)]);
        let response = Response::builder()
            .header("content-type", "application/grpc")
            .body(body);
        Ok::<_, Infallible>(response.unwrap())
    });
    let layer = server::TraceLayer::grpc()
        .with_tracer(test.tracer())
        .conventions(conventions);
    serve(ServiceBuilder::new().layer(layer).service(service)).await
}

#[tokio::test]
async fn a_status_in_the_trailers_is_read_on_both_sides() {
    for (status, expected) in [
        (
            "13",
            "
            grpc.health.v1.Health/Check {error=true, grpc.status=13, span.kind=client} [event=\"response started\"]
              grpc.health.v1.Health/Check {error=true, grpc.status=13, span.kind=server} [event=\"response started\"]
            ",
        ),
        (
            "7",
            "
            grpc.health.v1.Health/Check {error=true, grpc.status=7, span.kind=client} [event=\"response started\"]
              grpc.health.v1.Health/Check {grpc.status=7, span.kind=server} [event=\"response started\"]
            ",
        ),
    ] {
        let test = test();
        let address = answering(&test, status, Conventions::OpenTracing).await;
        let layer = client::TraceLayer::new().with_tracer(test.tracer());
        let mut client = HealthClient::new(ServiceBuilder::new().layer(layer).service(channel(address).await));
        client.check(ask("shop")).await.unwrap_err();
        test.settled().await;
        assert_trace!(test, expected);
    }
}

#[tokio::test]
async fn opentelemetry_has_words_for_statuses() {
    let test = TestTracer::new("health")
        .hide("component")
        .hide("http.*")
        .hide("server.*")
        .hide("url.*")
        .hide("event");
    let address = answering(&test, "14", Conventions::OpenTelemetry).await;
    HealthClient::new(channel(address).await)
        .check(ask("shop"))
        .await
        .unwrap_err();
    test.settled().await;
    assert_trace!(
        test,
        "grpc.health.v1.Health/Check {error=true, error.type=UNAVAILABLE, rpc.response.status_code=UNAVAILABLE, \
         span.kind=server} []"
    );
}
