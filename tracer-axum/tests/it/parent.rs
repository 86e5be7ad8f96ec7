//! Whose traces requests belong to.

use axum::Router;
use axum::routing::get;
use tracer_axum::TraceLayer;
use tracer_core::{Decision, HttpHeaders, Propagation, TraceFuture};
use tracer_testing::{TestTracer, assert_trace};

use crate::serve::serve;

fn test() -> TestTracer {
    TestTracer::new("shop").hide("component").hide("http.*")
}

fn app(test: &TestTracer, layer: TraceLayer) -> Router {
    let tracer = test.tracer().clone();
    let show = move || async move {
        tracer.start_span("load").finish();
        "order"
    };
    Router::new().route("/orders/{id}", get(show)).layer(layer)
}

/// Calls the server with the headers of a span of another service, written in `format`, and gives that span's trace.
async fn call(test: &TestTracer, app: Router, format: Propagation) {
    let address = serve(app).await;
    let caller = test.service_with("caller", |builder| builder.propagation([format]));
    let span = caller.start_span("call");
    let mut headers = reqwest::header::HeaderMap::new();
    caller.inject(&span.context(), &mut HttpHeaders(&mut headers));
    let client = reqwest::Client::new();
    client
        .get(format!("http://{address}/orders/7"))
        .headers(headers)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    drop(span);
    test.settled().await;
}

#[tokio::test]
async fn the_caller_is_the_parent_in_either_format() {
    for format in [Propagation::W3c, Propagation::Jaeger] {
        let test = test();
        let app = app(&test, TraceLayer::new().with_tracer(test.tracer()));
        call(&test, app, format).await;
        assert_trace!(
            test,
            "
            call @caller
              GET /orders/{id} {span.kind=server} @shop
                load @shop
            "
        );
    }
}

#[tokio::test]
async fn a_layer_may_read_other_formats_than_its_tracer() {
    let test = test();
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .propagation([Propagation::B3Single]);
    let app = app(&test, layer);
    call(&test, app, Propagation::B3Single).await;
    assert_trace!(
        test,
        "
        call @caller
          GET /orders/{id} {span.kind=server} @shop
            load @shop
        "
    );
}

#[tokio::test]
async fn a_public_endpoint_refers_to_its_caller_and_begins_a_trace() {
    let test = test();
    let app = app(
        &test,
        TraceLayer::new()
            .with_tracer(test.tracer())
            .public_endpoint(),
    );
    call(&test, app, Propagation::W3c).await;
    let spans = test.spans();
    let find = |name: &str| {
        spans
            .iter()
            .find(|span| span.operation_name() == name)
            .unwrap()
    };
    let (call, request) = (find("call"), find("GET /orders/{id}"));
    assert_ne!(request.trace_id(), call.trace_id());
    assert!(request.context().parent_id().is_none());
    let references = request.references();
    assert_eq!(references.len(), 1);
    assert_eq!(references[0].context.span_id(), call.span_id());
    assert_eq!(references[0].context.trace_id(), call.trace_id());
    assert_eq!(find("load").trace_id(), request.trace_id());
}

#[tokio::test]
async fn a_public_endpoint_takes_nothing_over_from_strangers() {
    let test = test();
    let tracer = test.tracer().clone();
    let show = move || async move {
        tracer
            .active_span()
            .baggage_item("tenant")
            .unwrap_or_default()
    };
    // A decision against the trace, a debug trace, and baggage.
    for headers in [
        [
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            ),
            ("baggage", "tenant=acme"),
        ],
        [("jaeger-debug-id", "stranger"), ("uberctx-tenant", "acme")],
    ] {
        let layer = TraceLayer::new()
            .with_tracer(test.tracer())
            .public_endpoint();
        let app = Router::new().route("/", get(show.clone())).layer(layer);
        let mut request = reqwest::Client::new().get(format!("http://{}/", serve(app).await));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let told = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(told, "");
        test.settled().await;
        let spans = test.spans();
        assert_eq!(spans[0].context().decision(), Decision::Sampled);
        assert!(spans[0].context().parent_id().is_none());
        assert!(spans[0].tag("jaeger-debug-id").is_none());
    }
}

#[tokio::test]
async fn damaged_headers_begin_a_trace_and_are_counted() {
    let test = test();
    let address = serve(app(&test, TraceLayer::new().with_tracer(test.tracer()))).await;
    for header in [
        "",
        "00-zz-zz-01",
        "00-00000000000000000000000000000000-0000000000000000-01",
        "\u{7f}",
    ] {
        let request = reqwest::Client::new().get(format!("http://{address}/orders/7"));
        let Ok(request) = request.header("traceparent", header.as_bytes()).build() else {
            continue;
        };
        reqwest::Client::new()
            .execute(request)
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        test.settled().await;
        assert_trace!(
            test,
            "
            GET /orders/{id} {span.kind=server}
              load
            "
        );
    }
    assert!(test.tracer().stats().extract_failures >= 2);
}

#[tokio::test]
async fn what_is_active_on_the_server_is_not_the_parent() {
    let test = test();
    let app = app(&test, TraceLayer::new().with_tracer(test.tracer()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
    let server = tokio::spawn(async { server.await }.in_span(test.tracer().start_span("main")));
    reqwest::get(format!("http://{address}/orders/7"))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    drop(stop);
    server.await.unwrap().unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "
        main
        GET /orders/{id} {span.kind=server}
          load
        "
    );
}

#[tokio::test]
async fn an_unsampled_caller_stays_unsampled() {
    let test = test();
    let address = serve(app(&test, TraceLayer::new().with_tracer(test.tracer()))).await;
    let client = reqwest::Client::new();
    let request = client.get(format!("http://{address}/orders/7")).header(
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    );
    request.send().await.unwrap().bytes().await.unwrap();
    test.settled().await;
    assert_trace!(test, "");
}
