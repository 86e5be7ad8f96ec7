//! The server layer around a plain service of hyper's.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tracer_core::TraceFuture;
use tracer_testing::{TestTracer, assert_trace};
use tracer_tower::server::{ServerSpan, TraceLayer};

use crate::hyper_server::{frames, serve, trailers};

fn test() -> TestTracer {
    let hidden = [
        "component",
        "http.method",
        "http.url",
        "http.ttfb_us",
        "span.kind",
    ];
    hidden
        .into_iter()
        .fold(TestTracer::new("shop"), TestTracer::hide)
        .strict()
}

async fn get(address: std::net::SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /a HTTP/1.1\r\nhost: shop\r\nconnection: close\r\nte: trailers\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn the_inner_service_is_called_and_polled_inside_of_the_span() {
    let test = test();
    let tracer = test.tracer().clone();
    let service = service_fn(move |request: Request<Incoming>| {
        // In `call`, before the future exists.
        tracer.start_span("call").finish();
        let tracer = tracer.clone();
        async move {
            tokio::task::yield_now().await;
            tracer.start_span("poll").finish();
            ServerSpan::of(request.extensions())
                .unwrap()
                .set_operation_name("GET /a");
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("order")))
        }
    });
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let address = serve(ServiceBuilder::new().layer(layer).service(service)).await;
    assert!(get(address).await.ends_with("order"));
    test.settled().await;
    assert_trace!(
        test,
        "
        GET /a {http.status_code=200}
          call
          poll
        "
    );
}

#[tokio::test]
async fn trailers_end_a_body() {
    let test = test();
    let service = service_fn(|_: Request<Incoming>| async {
        let response = Response::builder().header("trailer", "checksum");
        let data = Frame::data(Bytes::from_static(b"order"));
        Ok::<_, Infallible>(
            response
                .body(frames([data, trailers("checksum", "1")]))
                .unwrap(),
        )
    });
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let address = serve(ServiceBuilder::new().layer(layer).service(service)).await;
    assert!(get(address).await.contains("checksum: 1"));
    test.settled().await;
    assert_trace!(
        test,
        "GET {http.status_code=200} [event=\"response started\"]"
    );
}

#[tokio::test]
async fn a_service_that_fails_is_an_error() {
    let test = test();
    let service = service_fn(|_: Request<Incoming>| async {
        Err::<Response<Empty<Bytes>>, _>(std::fmt::Error)
    });
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let address = serve(ServiceBuilder::new().layer(layer).service(service)).await;
    get(address).await;
    test.settled().await;
    assert_trace!(
        test,
        "GET {error=true} [event=error, error.kind=core::fmt::Error]"
    );
}

#[tokio::test]
async fn a_panic_in_a_body_is_marked() {
    let test = test();
    let service = service_fn(|_: Request<Incoming>| async {
        let panics = (0..2).map(|n| {
            if n == 0 {
                Frame::data(Bytes::from_static(b"first"))
            } else {
                panic!("the body")
            }
        });
        Ok::<_, Infallible>(Response::new(frames(panics)))
    });
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let address = serve(ServiceBuilder::new().layer(layer).service(service)).await;
    get(address).await;
    test.settled().await;
    assert_trace!(
        test,
        "GET {error=true, http.status_code=200} [event=\"response started\"] \
         [event=error, error.kind=panic, message=\"the function panicked\"]"
    );
}

#[tokio::test]
async fn an_upgrade_by_hand_ends_the_span_and_keeps_the_trace() {
    let test = test();
    let tracer = test.tracer().clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let tracer = tracer.clone();
        async move {
            let context = ServerSpan::of(request.extensions())
                .unwrap()
                .context()
                .clone();
            let upgraded = hyper::upgrade::on(&mut request);
            tokio::spawn(
                async move {
                    let mut stream = TokioIo::new(upgraded.await.unwrap());
                    let _span = tracer.start_span("talk");
                    stream.write_all(b"hello").await.unwrap();
                }
                .in_context(context),
            );
            let response = Response::builder()
                .status(StatusCode::SWITCHING_PROTOCOLS)
                .header("connection", "upgrade")
                .header("upgrade", "talk");
            Ok::<_, Infallible>(response.body(Empty::<Bytes>::new()).unwrap())
        }
    });
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let address = serve(ServiceBuilder::new().layer(layer).service(service)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: talk\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("hello"), "{text}");
    test.settled_with(2).await;
    assert_trace!(
        test,
        "
        GET {http.status_code=101}
          talk
        "
    );
}

#[tokio::test]
async fn a_tunnel_ends_with_its_head() {
    let test = test();
    let service = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let address = serve(ServiceBuilder::new().layer(layer).service(service)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"CONNECT shop:443 HTTP/1.1\r\nhost: shop:443\r\n\r\n")
        .await
        .unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    test.settled_with(1).await;
    assert_trace!(test, "CONNECT {http.status_code=200}");
}

#[tokio::test]
async fn dropped_without_a_server_the_future_says_so_and_an_unread_body_does_not() {
    let test = test();
    let dropped = Arc::new(());
    let held = Arc::clone(&dropped);
    let service = service_fn(move |_: Request<()>| {
        let held = Arc::clone(&held);
        async move {
            tokio::task::yield_now().await;
            drop(held);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("order")))
        }
    });
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let service = ServiceBuilder::new().layer(layer).service(service);
    // Never polled.
    drop(service.clone().oneshot(Request::new(())));
    // Polled, not to the end.
    let mut future = Box::pin(service.clone().oneshot(Request::new(())));
    assert!(futures_util::poll!(&mut future).is_pending());
    drop(future);
    // The body not polled, as by a layer that has another one for it, and polled to its end.
    drop(service.clone().oneshot(Request::new(())).await.unwrap());
    service
        .oneshot(Request::new(()))
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    assert_eq!(Arc::strong_count(&dropped), 1);
    assert_trace!(
        test,
        "
        GET {cancelled=true, http.client_gone=before}
        GET {http.status_code=200}
        GET {http.status_code=200}
        "
    );
}
