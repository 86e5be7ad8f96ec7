//! Layers inside of nested routers, and layers twice.

use axum::Router;
use axum::routing::{any, get};
use tracer_axum::{Conventions, ServerSpan, TraceLayer};
use tracer_testing::{TestTracer, assert_trace};

use crate::serve::{Raw, serve};

fn test() -> TestTracer {
    TestTracer::new("shop").hide("component").hide("span.kind")
}

fn orders() -> Router {
    Router::new()
        .route("/orders/{id}", get(|| async { "order" }))
        .route("/health", get(|| async { "order" }))
}

async fn ask(app: Router, path: &str) {
    let mut client = Raw::connect(serve(app).await).await;
    client.send("GET", path, "").await;
    client.read_until("order").await;
}

#[tokio::test]
async fn the_url_of_a_nested_route_is_whole() {
    let test = test();
    let layer = TraceLayer::new().with_tracer(test.tracer());
    ask(
        Router::new().nest("/v1", orders().layer(layer)),
        "/v1/orders/7",
    )
    .await;
    test.settled().await;
    assert_trace!(
        test,
        "GET /v1/orders/{id} {http.method=GET, http.status_code=200, http.url=http://shop/v1/orders/7}"
    );
}

#[tokio::test]
async fn a_filter_sees_the_whole_path_of_a_nested_route() {
    let test = test();
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .filter(|head| head.uri.path() != "/v1/health");
    ask(
        Router::new().nest("/v1", orders().layer(layer)),
        "/v1/health",
    )
    .await;
    test.settled().await;
    assert_trace!(test, "");
}

#[tokio::test]
async fn what_the_outer_layer_does_not_want_has_no_span_inside() {
    let test = test();
    let inner = TraceLayer::new().with_tracer(test.tracer());
    let outer = inner.clone().filter(|head| head.uri.path() != "/health");
    ask(orders().route_layer(inner).layer(outer), "/health").await;
    test.settled().await;
    assert_trace!(test, "");
}

#[tokio::test]
async fn a_named_span_has_its_route_from_the_layer_inside() {
    let test = test().hide("url.*").hide("server.*").hide("http.re*");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .conventions(Conventions::OpenTelemetry)
        .operation(|_| Some("orders".into()));
    let around = tower::ServiceBuilder::new()
        .layer(layer.clone())
        .service(orders().route_layer(layer));
    ask(Router::new().fallback_service(around), "/orders/7").await;
    test.settled().await;
    assert_trace!(test, "orders {http.route=\"/orders/{id}\"}");
}

async fn call_grpc(app: Router) {
    let address = serve(app).await;
    reqwest::Client::new()
        .post(format!("http://{address}/nested.Orders/Place"))
        .header("content-type", "application/grpc")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_name_that_a_refusing_handler_gave_stays() {
    let test = test().hide("http.*");
    let refuse = async |span: ServerSpan| {
        span.set_operation_name("place order");
        [("content-type", "application/grpc"), ("grpc-status", "7")]
    };
    let layer = TraceLayer::grpc().with_tracer(test.tracer());
    call_grpc(Router::new().fallback(any(refuse)).layer(layer)).await;
    test.settled().await;
    assert_trace!(test, "place order {grpc.status=7}");
}

#[tokio::test]
async fn two_layers_for_grpc_name_by_method() {
    let test = test().hide("http.*");
    let place = || async { [("content-type", "application/grpc"), ("grpc-status", "0")] };
    let layer = TraceLayer::grpc().with_tracer(test.tracer());
    let app = Router::new()
        .route("/{service}/{*method}", any(place))
        .route_layer(layer.clone())
        .layer(layer);
    call_grpc(app).await;
    test.settled().await;
    assert_trace!(test, "nested.Orders/Place {grpc.status=0}");
}
