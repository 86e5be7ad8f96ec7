//! How spans are named, wherever the layer lies.

use std::time::Duration;

use axum::Router;
use axum::http::{Method, Request};
use axum::routing::{get, post};
use tokio::io::AsyncWriteExt;
use tower::ServiceExt;
use tracer_axum::TraceLayer;
use tracer_testing::{TestTracer, assert_trace};

use crate::serve::{self, Raw, serve};

fn test() -> TestTracer {
    TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.url")
        .hide("http.method")
}

fn routes() -> Router {
    Router::new()
        .route("/orders/{id}", get(|| async { "order" }))
        .route("/orders", post(|| async {}))
}

#[tokio::test]
async fn a_route_names_its_requests() {
    let test = test();
    let address = serve(routes().layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    serve::get(address, "/orders/7").await;
    test.settled().await;
    assert_trace!(test, "GET /orders/{id} {http.status_code=200}");
}

#[tokio::test]
async fn nested_routers_add_their_prefix() {
    let test = test();
    let app = Router::new()
        .nest("/v1", routes())
        .layer(TraceLayer::new().with_tracer(test.tracer()));
    let address = serve(app).await;
    serve::get(address, "/v1/orders/7").await;
    test.settled().await;
    assert_trace!(test, "GET /v1/orders/{id} {http.status_code=200}");
}

#[tokio::test]
async fn a_layer_inside_of_a_nested_router_knows_the_whole_route() {
    let test = test();
    let inner = routes().layer(TraceLayer::new().with_tracer(test.tracer()));
    let address = serve(Router::new().nest("/v1", inner)).await;
    serve::get(address, "/v1/orders/7").await;
    test.settled().await;
    assert_trace!(test, "GET /v1/orders/{id} {http.status_code=200}");
}

#[tokio::test]
async fn what_no_route_takes_is_named_by_its_method() {
    let test = test();
    let app = routes().layer(TraceLayer::new().with_tracer(test.tracer()));
    let address = serve(app).await;
    serve::get(address, "/wp-admin/login.php").await;
    serve::get(address, "/orders").await;
    let app = routes()
        .fallback(|| async { "not here" })
        .layer(TraceLayer::new().with_tracer(test.tracer()));
    serve::get(serve(app).await, "/wp-admin/login.php").await;
    test.settled().await;
    assert_trace!(
        test,
        "
        GET {http.status_code=404}
        GET /orders {http.status_code=405}
        GET {http.status_code=200}
        "
    );
}

#[tokio::test]
async fn a_nested_service_is_named_by_the_method() {
    let test = test();
    let files = tower::service_fn(|_| async {
        Ok::<_, std::convert::Infallible>(axum::response::Response::<axum::body::Body>::default())
    });
    let app = Router::new()
        .nest_service("/files", files)
        .layer(TraceLayer::new().with_tracer(test.tracer()));
    serve::get(serve(app).await, "/files/of/somebody").await;
    test.settled().await;
    assert_trace!(test, "GET {http.status_code=200}");
}

#[tokio::test]
async fn a_route_layer_sees_its_routes_alone() {
    let test = test();
    let address = serve(routes().route_layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    serve::get(address, "/nothing").await;
    serve::get(address, "/orders/7").await;
    test.settled().await;
    assert_trace!(test, "GET /orders/{id} {http.status_code=200}");
}

#[tokio::test]
async fn around_the_router_the_route_is_not_known() {
    let test = test();
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let app = tower::ServiceBuilder::new().layer(layer).service(routes());
    let request = Request::get("/orders/7")
        .body(axum::body::Body::empty())
        .unwrap();
    drop(app.oneshot(request).await.unwrap());
    test.settled().await;
    assert_trace!(test, "GET {http.status_code=200}");
}

#[tokio::test]
async fn a_second_layer_names_the_span_of_the_first() {
    let test = test();
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let app = Router::new().fallback_service(
        tower::ServiceBuilder::new()
            .layer(layer.clone())
            .service(routes().route_layer(layer)),
    );
    let address = serve(app).await;
    serve::get(address, "/orders/7").await;
    serve::get(address, "/nothing").await;
    test.settled().await;
    assert_trace!(
        test,
        "
        GET /orders/{id} {http.status_code=200}
        GET {http.status_code=404}
        "
    );
}

#[tokio::test]
async fn strangers_cannot_make_names() {
    let test = test();
    let address = serve(routes().layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    let mut client = Raw::connect(address).await;
    for portion in 0..20 {
        let mut asked = String::new();
        for number in (0..250).map(|number| 250 * portion + number) {
            for path in [format!("/p{number}"), format!("/orders/{number}")] {
                asked.push_str(&format!(
                    "BREW{number} {path} HTTP/1.1\r\nhost: shop\r\n\r\n"
                ));
            }
        }
        client.0.write_all(asked.as_bytes()).await.unwrap();
        client.send("GET", &format!("/orders/{portion}"), "").await;
        client.read_until("order").await;
        // A queue has room for some thousand.
        test.tracer().flush(Duration::from_secs(10)).unwrap();
    }
    test.settled().await;
    let mut names: Vec<_> = test
        .spans()
        .iter()
        .map(|span| span.operation_name().to_owned())
        .collect();
    assert_eq!(names.len(), 10_020);
    names.sort();
    names.dedup();
    assert_eq!(names, ["GET /orders/{id}", "_OTHER", "_OTHER /orders/{id}"]);
}

#[tokio::test]
async fn an_unknown_method_is_kept_as_a_tag_and_cut() {
    let test = TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.url");
    let address = serve(routes().layer(TraceLayer::new().with_tracer(test.tracer()))).await;
    let method = Method::from_bytes("X".repeat(60).as_bytes()).unwrap();
    reqwest::Client::new()
        .request(method, format!("http://{address}/"))
        .send()
        .await
        .unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "_OTHER {http.method=\"_OTHER\", http.request.method_original=XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX, http.status_code=404}"
    );
}

#[tokio::test]
async fn a_name_of_the_users_own_wins() {
    let test = test();
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .operation(|head| {
            head.uri
                .path()
                .starts_with("/orders")
                .then(|| "orders".into())
        });
    let address = serve(routes().layer(layer)).await;
    serve::get(address, "/orders/7").await;
    serve::get(address, "/nothing").await;
    test.settled().await;
    assert_trace!(
        test,
        "
        orders {http.status_code=200}
        GET {http.status_code=404}
        "
    );
}
