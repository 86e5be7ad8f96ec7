//! The tags of a request, and what the options make of them.

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use tracer_axum::{Conventions, TraceLayer};
use tracer_testing::{TestTracer, assert_trace};

use crate::serve::{Raw, serve, serve_with_peers};

fn routes() -> Router {
    Router::new()
        .route(
            "/orders/{id}",
            get(|| async { ([("x-cache", "miss"), ("set-cookie", "secret")], "order") }),
        )
        .route(
            "/broken",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        )
        .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT }))
}

async fn request(layer: TraceLayer, path: &str, headers: &str) -> String {
    let address = serve(routes().layer(layer)).await;
    let mut client = Raw::connect(address).await;
    client
        .send("GET", path, &format!("connection: close\r\n{headers}"))
        .await;
    client.read_until("\r\n\r\n").await
}

#[tokio::test]
async fn urls_have_neither_query_nor_user_info() {
    let test = TestTracer::new("shop");
    request(
        TraceLayer::new().with_tracer(test.tracer()),
        "/orders/7?token=secret&page=2",
        "",
    )
    .await;
    test.settled().await;
    assert_trace!(
        test,
        "GET /orders/{id} {component=axum, http.method=GET, http.status_code=200, http.url=http://shop/orders/7, \
         span.kind=server}"
    );
}

#[tokio::test]
async fn a_layer_that_has_served_can_be_given_another_component() {
    let test = TestTracer::new("shop")
        .hide("http.method")
        .hide("http.url")
        .hide("http.status_code");
    let layer = TraceLayer::new().with_tracer(test.tracer());
    request(layer.clone(), "/orders/7", "").await;
    test.settled().await;
    request(layer.component("orders"), "/orders/7", "").await;
    test.settled().await;
    assert_trace!(
        test,
        "
        GET /orders/{id} {component=axum, span.kind=server}
        GET /orders/{id} {component=orders, span.kind=server}
        "
    );
}

#[tokio::test]
async fn allowed_keys_of_a_query_are_kept() {
    let test = TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.method");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .query_key("page")
        .query_key("sort");
    request(layer, "/orders/7?token=secret&page=2", "").await;
    test.settled().await;
    assert_trace!(
        test,
        "GET /orders/{id} {http.status_code=200, http.url=\"http://shop/orders/7?page=2\"}"
    );
}

#[tokio::test]
async fn opentelemetry_names_every_tag() {
    let test = TestTracer::new("shop");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .conventions(Conventions::OpenTelemetry);
    request(layer.clone(), "/orders/7?token=secret", "").await;
    let layer = layer.query_key("page");
    request(layer, "/broken?token=secret&page=2", "").await;
    test.settled().await;
    assert_trace!(
        test,
        "
        GET /orders/{id} {component=axum, http.request.method=GET, http.response.status_code=200, http.route=\"/orders/{id}\", server.address=shop, server.port=80, span.kind=server, url.path=/orders/7, url.scheme=http}
        GET /broken {component=axum, error=true, error.type=\"500\", http.request.method=GET, http.response.status_code=500, http.route=/broken, server.address=shop, server.port=80, span.kind=server, url.path=/broken, url.query=\"page=2\", url.scheme=http}
        "
    );
}

#[tokio::test]
async fn opentelemetry_tells_the_client_from_the_proxy() {
    let test = TestTracer::new("shop")
        .hide("component")
        .hide("http.*")
        .hide("url.*")
        .hide("server.*")
        .mask("*port");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .conventions(Conventions::OpenTelemetry)
        .trust_forwarded();
    let address = serve_with_peers(routes().layer(layer)).await;
    let mut client = Raw::connect(address).await;
    client
        .send("BREW", "/orders/7", "x-forwarded-for: 203.0.113.9\r\n")
        .await;
    client.read_until("\r\n\r\n").await;
    test.settled().await;
    assert_trace!(
        test,
        "HTTP /orders/{id} {client.address=\"203.0.113.9\", network.peer.address=\"127.0.0.1\", network.peer.port=_, \
         span.kind=server}"
    );
}

#[tokio::test]
async fn headers_are_recorded_by_allow_list_alone() {
    let test = TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.url")
        .hide("http.method");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .request_header(header::USER_AGENT)
        .request_header(HeaderName::from_static("x-tenant"))
        .request_header(HeaderName::from_static("x-absent"))
        .response_header(HeaderName::from_static("x-cache"));
    let headers = "user-agent: raw\r\nx-tenant: a\r\nx-tenant: b\r\ncookie: secret\r\nauthorization: secret\r\n";
    request(layer, "/orders/7", headers).await;
    test.settled().await;
    assert_trace!(
        test,
        "GET /orders/{id} {http.request.header.user-agent=raw, http.request.header.x-tenant=\"a, b\", \
         http.response.header.x-cache=miss, http.status_code=200}"
    );
}

#[tokio::test]
async fn unwanted_requests_have_no_span_and_no_children() {
    let test = TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.*");
    let tracer = test.tracer().clone();
    let show = || async move { tracer.start_span("load").finish() };
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .filter(|head| head.uri.path() != "/health");
    let app = Router::new()
        .route("/health", get(show.clone()))
        .route("/", get(show))
        .layer(layer);
    let address = serve(app).await;
    let mut client = Raw::connect(address).await;
    client.send("GET", "/health", "").await;
    client.read_until("\r\n\r\n").await;
    // Of a caller that is traced, the work is the caller's.
    client
        .send(
            "GET",
            "/health",
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
        )
        .await;
    client.read_until("\r\n\r\n").await;
    client.send("GET", "/", "").await;
    client.read_until("\r\n\r\n").await;
    test.settled().await;
    let spans = test.spans();
    let named: Vec<_> = spans
        .iter()
        .map(|span| {
            (
                span.operation_name(),
                span.context().parent_id().to_string(),
            )
        })
        .collect();
    assert_eq!(named.len(), 3, "{named:?}");
    assert_eq!(named[0], ("load", "00f067aa0ba902b7".to_owned()));
}

#[tokio::test]
async fn errors_are_what_the_user_says() {
    let test = TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.url")
        .hide("http.method");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .error_if(|response| response.status == StatusCode::IM_A_TEAPOT);
    request(layer.clone(), "/teapot", "").await;
    request(layer, "/broken", "").await;
    test.settled().await;
    assert_trace!(
        test,
        "
        GET /teapot {error=true, http.status_code=418}
        GET /broken {http.status_code=500}
        "
    );
}

#[tokio::test]
async fn users_add_tags_of_their_own() {
    let test = TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.*");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .on_request(|request, span| {
            span.set_tag("version", format!("{:?}", request.version));
        })
        .on_response(|response, span| {
            span.set_tag("cache", response.headers["x-cache"].to_str().unwrap());
        });
    request(layer, "/orders/7", "").await;
    test.settled().await;
    assert_trace!(test, "GET /orders/{id} {cache=miss, version=HTTP/1.1}");
}

#[tokio::test]
async fn callers_are_told_their_trace() {
    let test = TestTracer::new("shop");
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let w3c = layer
        .clone()
        .send_trace_id(HeaderName::from_static("traceresponse"));
    let plain = layer.send_trace_id(HeaderName::from_static("x-trace-id"));
    for layer in [w3c, plain] {
        let response = request(layer, "/orders/7", "").await;
        test.settled().await;
        let spans = test.spans();
        let (trace, span) = (spans[0].trace_id(), spans[0].span_id());
        let w3c = format!("traceresponse: 00-{trace}-{span}-03\r\n");
        let plain = format!("x-trace-id: {trace}\r\n");
        assert!(
            response.contains(&w3c) || response.contains(&plain),
            "{response}"
        );
    }
}

#[tokio::test]
async fn callers_of_unwanted_requests_are_not_told_their_own_span() {
    let test = TestTracer::new("shop");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .send_trace_id(HeaderName::from_static("traceresponse"))
        .filter(|_| false);
    let caller = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let response = request(layer, "/orders/7", caller).await;
    assert!(!response.contains("traceresponse"), "{response}");
    test.settled().await;
    assert_trace!(test, "");
}

#[tokio::test]
async fn the_peer_is_the_other_end_of_the_connection() {
    let test = TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.*")
        .mask("peer.port");
    let layer = TraceLayer::new().with_tracer(test.tracer());
    let address = serve_with_peers(routes().layer(layer.clone())).await;
    let mut client = Raw::connect(address).await;
    client
        .send("GET", "/orders/7", "x-forwarded-for: 203.0.113.9\r\n")
        .await;
    client.read_until("order").await;
    let address = serve_with_peers(routes().layer(layer.trust_forwarded())).await;
    let mut client = Raw::connect(address).await;
    client
        .send("GET", "/orders/7", "forwarded: for=\"[2001:db8::7]\"\r\n")
        .await;
    client.read_until("order").await;
    test.settled().await;
    assert_trace!(
        test,
        "
        GET /orders/{id} {peer.ipv4=\"127.0.0.1\", peer.port=_}
        GET /orders/{id} {peer.ipv6=\"2001:db8::7\"}
        "
    );
}

#[tokio::test]
async fn hostile_requests_are_bounded() {
    let test = TestTracer::new("shop");
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .request_header(HeaderName::from_static("x-big"));
    let address = serve(routes().layer(layer)).await;
    let mut client = Raw::connect(address).await;
    let (path, big) = (format!("/{}", "a".repeat(60_000)), "b".repeat(20_000));
    client
        .send("GET", &path, &format!("x-big: {big}\r\n"))
        .await;
    client.read_until("\r\n\r\n").await;
    client
        .send("GET", "/orders/%00%ff\u{e9}", "x-big: \u{ff}\u{1F600}\r\n")
        .await;
    client.read_until("HTTP/1.1").await;
    test.settled().await;
    for span in test.spans() {
        for (key, value) in span.tags() {
            assert!(
                value.to_string().len() <= 4096,
                "{key} has {} bytes",
                value.to_string().len()
            );
        }
    }
}
