//! gRPC: tonic's health service and its client, which others wrote, and a server that answers as it pleases.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{ServiceBuilder, ServiceExt};
use tracer_core::{SpanRecord, TraceFuture};
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

/// Calls paths that a stranger made up, as gRPC or what it takes for that, and gives the names of the spans and the
/// statuses.
async fn ask_for(test: &TestTracer, address: SocketAddr, paths: &[String]) -> Vec<(String, i64)> {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http();
    for path in paths {
        let request = http::Request::post(format!("http://{address}{path}"))
            .header("content-type", "application/grpc")
            .body(http_body_util::Empty::<Bytes>::new());
        client.request(request.unwrap()).await.unwrap();
    }
    test.settled().await;
    let status = |span: &SpanRecord| {
        span.tag("grpc.status")
            .and_then(|status| status.as_i64())
            .unwrap_or(-1)
    };
    test.spans()
        .iter()
        .map(|span| (span.operation_name().to_owned(), status(span)))
        .collect()
}

#[tokio::test]
async fn a_method_nobody_implements_names_nothing() {
    let test = test();
    let address = health(server::TraceLayer::grpc().with_tracer(test.tracer())).await;
    let paths = (0..1_000).map(|n| format!("/any.Thing{n}/Goes"));
    let paths: Vec<_> = paths.chain([format!("/{}", "a".repeat(8_000))]).collect();
    let found = ask_for(&test, address, &paths).await;
    assert_eq!(found, vec![("_OTHER".to_owned(), 12); 1_001]);
}

#[tokio::test]
async fn neither_does_one_that_is_answered_otherwise_or_not_at_all() {
    let test = test();
    // Whoever has no credentials is turned away before it matters whether the method exists; what is no gRPC is not found.
    for (content_type, status) in [("application/grpc", 16), ("text/plain", -1)] {
        let service = tower::service_fn(move |_| async move {
            let response = Response::builder()
                .header("content-type", content_type)
                .header("grpc-status", status.to_string());
            Ok::<_, Infallible>(response.body(frames([])).unwrap())
        });
        let layer = server::TraceLayer::grpc().with_tracer(test.tracer());
        let address = serve(ServiceBuilder::new().layer(layer).service(service)).await;
        let found = ask_for(&test, address, &["/guess.Some/Method".to_owned()]).await;
        assert_eq!(found, [("_OTHER".to_owned(), status)]);
    }
}

/// A request whose body never ends, as that of a client that streams.
fn streaming(address: SocketAddr) -> http::Request<impl Body<Data = Bytes, Error = Infallible>> {
    let pending = tokio_stream::pending::<Result<Frame<Bytes>, Infallible>>();
    http::Request::post(format!("http://{address}/shop.Orders/PlaceAll"))
        .header("content-type", "application/grpc")
        .body(http_body_util::StreamBody::new(pending))
        .unwrap()
}

#[tokio::test]
async fn a_streaming_call_the_client_gives_up_is_no_error() {
    let test = test();
    let reached = Arc::new(Notify::new());
    let notify = Arc::clone(&reached);
    let service = tower::service_fn(move |request: http::Request<Incoming>| {
        let notify = Arc::clone(&notify);
        async move {
            notify.notify_one();
            let _body = request.into_body();
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(frames([])))
        }
    });
    let layer = server::TraceLayer::new().with_tracer(test.tracer());
    let address = serve(ServiceBuilder::new().layer(layer).service(service)).await;
    let layer = client::TraceLayer::new().with_tracer(test.tracer());
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let mut client = ServiceBuilder::new().layer(layer).service(client);
    let call = tokio::spawn(tower::Service::call(&mut client, streaming(address)));
    reached.notified().await;
    call.abort();
    test.settled().await;
    assert_trace!(
        test,
        "
        shop.Orders/PlaceAll {cancelled=true, span.kind=client}
          POST {cancelled=true, http.client_gone=before, span.kind=server}
        "
    );
}

/// A body that says it has ended before its trailers came.
struct Hasty(Vec<Frame<Bytes>>);

impl Body for Hasty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.0.len() < 2
    }
}

#[tokio::test]
async fn trailers_are_waited_for_though_the_data_has_ended() {
    let test = test();
    let service = tower::service_fn(|_: http::Request<()>| async {
        let data = Frame::data(Bytes::from_static(b"\0\0\0\0\0"));
        let body = Hasty(vec![trailers("grpc-status", "13"), data]);
        let response = Response::builder().header("content-type", "application/grpc");
        Ok::<_, Infallible>(response.body(body).unwrap())
    });
    let layer = server::TraceLayer::new().with_tracer(test.tracer());
    let service = ServiceBuilder::new().layer(layer).service(service);
    for read_trailers in [true, false] {
        let request = http::Request::post("/shop.Orders/Place").body(()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        assert_eq!((body.is_end_stream(), test.open()), (true, 1));
        if read_trailers {
            body.frame().await.unwrap().unwrap();
            assert_eq!(test.open(), 0);
        }
    }
    // Whoever believes the body, as hyper does, has not given up.
    assert_trace!(
        test,
        "
        POST {error=true, grpc.status=13, span.kind=server} [event=\"response started\"]
        POST {span.kind=server} [event=\"response started\"]
        "
    );
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

/// Where a service puts the status of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the headers of a response without a body.
    Headers,
    /// In the trailers, after a message.
    Trailers,
}

/// A service that answers every call so.
async fn answering(
    test: &TestTracer,
    status: &'static str,
    place: Place,
    conventions: Conventions,
) -> SocketAddr {
    let service = tower::service_fn(move |_| async move {
        let mut response = Response::builder().header("content-type", "application/grpc");
        let mut sent = Vec::new();
        if place == Place::Headers {
            response = response.header("grpc-status", status);
        } else {
            sent.push(Frame::data(Bytes::from_static(b"\0\0\0\0\x02\x08\x01")));
            sent.push(trailers("grpc-status", status));
        }
        Ok::<_, Infallible>(response.body(frames(sent)).unwrap())
    });
    let layer = server::TraceLayer::grpc()
        .with_tracer(test.tracer())
        .conventions(conventions);
    serve(ServiceBuilder::new().layer(layer).service(service)).await
}

/// Calls it by a unary and by a streaming method, and reads what comes.
async fn call_both(test: &TestTracer, address: SocketAddr) {
    let layer = client::TraceLayer::new().with_tracer(test.tracer());
    let stack = ServiceBuilder::new().layer(layer);
    let mut client = HealthClient::new(stack.service(channel(address).await));
    let _ = client.check(ask("shop")).await;
    if let Ok(watch) = client.watch(ask("shop")).await {
        let mut watch = watch.into_inner();
        while let Ok(Some(_)) = watch.message().await {}
    }
    test.settled().await;
}

#[tokio::test]
async fn a_status_is_read_on_both_sides_wherever_it_stands() {
    for (status, client, server) in [
        ("0", "", ""),
        ("13", "error=true, ", "error=true, "),
        // The caller's own fault.
        ("5", "error=true, ", ""),
    ] {
        for place in [Place::Headers, Place::Trailers] {
            let test = test();
            let address = answering(&test, status, place, Conventions::OpenTracing).await;
            call_both(&test, address).await;
            let call = |method: &str| {
                let (client, server) = (
                    format!("{{{client}grpc.status={status}, span.kind=client}}"),
                    format!("{{{server}grpc.status={status}, span.kind=server}}"),
                );
                let started = "[event=\"response started\"]";
                format!(
                    "grpc.health.v1.Health/{method} {client} {started}\n  grpc.health.v1.Health/{method} {server} {started}\n"
                )
            };
            assert_trace!(test, &(call("Check") + &call("Watch")));
        }
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
    let address = answering(&test, "14", Place::Trailers, Conventions::OpenTelemetry).await;
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
