//! Names and tags of calls.

use http::HeaderName;
use tracer_reqwest::{Client, Conventions};
use tracer_testing::{TestTracer, assert_trace};
use tracer_tower::client::TraceLayer;

use crate::server::shop;

#[tokio::test]
async fn a_call_says_whom_it_called_and_what_came_of_it() {
    let test = TestTracer::new("cart").mask("peer.port").mask("http.url");
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    http.get(format!("{url}/orders"))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "GET {component=reqwest, http.method=GET, http.status_code=200, http.ttfb_us=_, http.url=_, \
         peer.hostname=\"127.0.0.1\", peer.ipv4=\"127.0.0.1\", peer.port=_, span.kind=client} \
         [event=\"response started\", http.ttfb_us=_]"
    );
}

#[tokio::test]
async fn urls_have_neither_user_info_nor_query() {
    let test = TestTracer::new("cart");
    let url = shop().await;
    let layer = TraceLayer::new().query_key("page");
    let http = Client::new().with_layer(layer).with_tracer(test.tracer());
    let secret = url.replace("http://", "http://user:secret@");
    http.get(format!("{secret}/orders?token=secret&page=2"))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    test.settled().await;
    let spans = test.spans();
    let (_, kept) = spans[0].tags().find(|(key, _)| *key == "http.url").unwrap();
    assert_eq!(kept.as_str().unwrap(), format!("{url}/orders?page=2"));
    assert!(!format!("{spans:?}").contains("secret"), "{spans:?}");
}

#[tokio::test]
async fn a_long_url_is_cut_in_the_tag_and_nowhere_else() {
    let test = TestTracer::new("cart");
    let url = format!("{}/{}", shop().await, "p".repeat(60_000));
    let http = Client::new().with_tracer(test.tracer());
    let answer = http.get(&url).send().await.unwrap();
    assert_eq!(
        (answer.status(), answer.url().as_str()),
        (404.try_into().unwrap(), &*url)
    );
    answer.bytes().await.unwrap();
    test.settled().await;
    let spans = test.spans();
    let kept = spans[0].tag("http.url").unwrap();
    let kept = kept.as_str().unwrap();
    assert_eq!((kept.len(), url.starts_with(kept)), (4_096, true));
}

#[tokio::test]
async fn a_url_too_long_to_be_sent_is_in_no_tag() {
    let test = TestTracer::new("cart");
    let url = format!("{}/{}", shop().await, "p".repeat(10_000_000));
    let http = Client::new().with_tracer(test.tracer());
    assert!(http.get(url).send().await.unwrap_err().is_builder());
    test.settled().await;
    assert_trace!(
        test,
        "GET {component=reqwest, error=true, http.method=GET, http.url=/, span.kind=client} \
         [event=error, error.kind=builder, message=\"Parsed Url is not a valid Uri\"]"
    );
}

#[tokio::test]
async fn an_operation_is_named_by_the_user() {
    let test = TestTracer::new("cart").hide("*");
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    http.get(format!("{url}/orders"))
        .operation("list orders")
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    test.settled().await;
    assert_eq!(test.spans()[0].operation_name(), "list orders");
}

#[tokio::test]
async fn errors_are_statuses_from_400_unless_the_user_says_so() {
    let test = TestTracer::new("cart")
        .hide("component")
        .hide("peer.*")
        .hide("http.url")
        .hide("http.ttfb_us");
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    for path in ["/orders", "/missing", "/broken"] {
        http.get(format!("{url}{path}"))
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
    }
    let layer = TraceLayer::new().error_if(|response| response.status.is_server_error());
    let http = http.with_layer(layer.with_tracer(test.tracer()));
    http.get(format!("{url}/missing"))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "
        GET {http.method=GET, http.status_code=200, span.kind=client} [event=\"response started\"]
        GET {error=true, http.method=GET, http.status_code=404, span.kind=client} [event=\"response started\"]
        GET {error=true, http.method=GET, http.status_code=500, span.kind=client} [event=\"response started\"]
        GET {http.method=GET, http.status_code=404, span.kind=client} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn opentelemetry_names_every_tag() {
    let test = TestTracer::new("cart")
        .mask("*port")
        .mask("url.full")
        .hide("http.ttfb_us");
    let url = shop().await;
    let layer = TraceLayer::new()
        .conventions(Conventions::OpenTelemetry)
        .with_tracer(test.tracer());
    let http = Client::new().with_layer(layer);
    for path in ["/missing", "/moved"] {
        let response = http.get(format!("{url}{path}")).send().await.unwrap();
        response.bytes().await.unwrap();
    }
    test.settled().await;
    assert_trace!(
        test,
        "
        GET {component=tower, error=true, error.type=\"404\", http.request.method=GET, http.response.status_code=404, \
         network.peer.address=\"127.0.0.1\", network.peer.port=_, server.address=\"127.0.0.1\", server.port=_, \
         span.kind=client, url.full=_} [event=\"response started\"]
        GET {component=tower, http.request.method=GET, http.response.status_code=200, \
         network.peer.address=\"127.0.0.1\", network.peer.port=_, server.address=\"127.0.0.1\", server.port=_, \
         span.kind=client, url.full=_} [event=redirected, url.full=_] [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn headers_and_services_are_named_by_choice() {
    let test = TestTracer::new("cart")
        .hide("component")
        .hide("http.url")
        .hide("http.ttfb_us")
        .hide("peer.port");
    let url = shop().await;
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .peer_service("shop")
        .request_header(HeaderName::from_static("x-tenant"))
        .request_header(http::header::AUTHORIZATION)
        .response_header(http::header::CONTENT_TYPE)
        .on_request(|request, span| {
            span.set_tag("path", request.uri.path());
        })
        .on_response(|response, span| {
            span.set_tag("version", format!("{:?}", response.version));
        });
    let http = Client::new().with_layer(layer);
    // reqwest marks credentials as sensitive: they are left out even if they are allowed.
    let request = http
        .get(format!("{url}/orders"))
        .header("x-tenant", "acme")
        .bearer_auth("secret");
    request.send().await.unwrap().bytes().await.unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "GET {http.method=GET, http.request.header.x-tenant=acme, \
         http.response.header.content-type=\"text/plain; charset=utf-8\", http.status_code=200, path=/orders, \
         peer.hostname=\"127.0.0.1\", peer.ipv4=\"127.0.0.1\", peer.service=shop, span.kind=client, version=HTTP/1.1} [event=\"response started\"]"
    );
}

#[tokio::test]
async fn a_redirect_is_a_log_of_one_span() {
    let test = TestTracer::new("cart")
        .hide("component")
        .hide("http.ttfb_us")
        .hide("peer.*")
        .mask("http.url");
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    let response = http.get(format!("{url}/moved")).send().await.unwrap();
    assert_eq!(response.url().path(), "/orders");
    response.bytes().await.unwrap();
    test.settled().await;
    let spans = test.spans();
    let said = format!("{spans:?} {:?}", spans[0].logs().collect::<Vec<_>>());
    assert!(!said.contains("secret"), "{said}");
    let style = tracer_testing::TreeStyle::new()
        .hide("component")
        .hide("http.ttfb_us")
        .hide("peer.*")
        .mask("http.url");
    tracer_testing::assert_tree(
        &style.render(&spans),
        "GET {http.method=GET, http.status_code=200, http.url=_, span.kind=client} [event=redirected, http.url=_] \
         [event=\"response started\"]",
    );
}

/// It does not come back: the other side never sees it.
#[tokio::test]
async fn a_fragment_is_no_redirect() {
    let test = TestTracer::new("cart")
        .hide("component")
        .hide("http.ttfb_us")
        .hide("peer.*")
        .mask("http.url");
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    let response = http.get(format!("{url}/orders#first")).send();
    response.await.unwrap().bytes().await.unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "GET {http.method=GET, http.status_code=200, http.url=_, span.kind=client} [event=\"response started\"]"
    );
}
