//! Services in a row: one trace, whatever formats those in between know.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Service, ServiceBuilder, service_fn};
use tracer_core::{Propagation, Tracer};
use tracer_testing::{TestTracer, assert_trace};
use tracer_tower::{client, server};

use crate::hyper_server::serve;

/// Serves a service that asks `next`, if there is one, before it answers.
async fn service(tracer: &Tracer, next: Option<SocketAddr>) -> SocketAddr {
    let layer = client::TraceLayer::new().with_tracer(tracer);
    let service = service_fn(move |_: Request<Incoming>| {
        let layer = layer.clone();
        async move {
            if let Some(next) = next {
                ask(&layer, next).await;
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("done")))
        }
    });
    serve(
        ServiceBuilder::new()
            .layer(server::TraceLayer::new().with_tracer(tracer))
            .service(service),
    )
    .await
}

async fn ask(layer: &client::TraceLayer, address: SocketAddr) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut client = ServiceBuilder::new().layer(layer.clone()).service(client);
    let request = Request::get(format!("http://{address}/"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    client
        .call(request)
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_service_that_knows_one_format_does_not_break_the_trace() {
    for format in [Propagation::W3c, Propagation::Jaeger] {
        let test = TestTracer::new("front").hide("*");
        let middle = test.service_with("middle", |builder| builder.propagation([format]));
        let back = test.service("back");
        let back = service(&back, None).await;
        let middle = service(&middle, Some(back)).await;
        ask(
            &client::TraceLayer::new().with_tracer(test.tracer()),
            middle,
        )
        .await;
        test.settled().await;
        assert_trace!(
            test,
            "
            GET [] @front
              GET @middle
                GET [] @middle
                  GET @back
            "
        );
    }
}
