//! Whose children calls are, and what the other side is told.

use tracer_core::{Propagation, TraceFuture};
use tracer_reqwest::{Client, SendTraced};
use tracer_testing::{TestTracer, assert_trace};
use tracer_tower::client::TraceLayer;

use crate::server::shop;

fn test() -> TestTracer {
    TestTracer::new("cart")
        .hide("http.*")
        .hide("peer.*")
        .hide("component")
}

#[tokio::test]
async fn a_call_is_a_child_of_the_active_span() {
    let test = test();
    let url = shop().await;
    let http = Client::new().with_tracer(test.tracer());
    let work = async {
        http.get(format!("{url}/orders"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    assert_eq!(
        work.in_span(test.tracer().start_span("checkout")).await,
        "[1,2]"
    );
    test.settled().await;
    assert_trace!(
        test,
        "
        checkout
          GET {span.kind=client} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn the_tracer_of_the_active_span_is_used_without_one_of_its_own() {
    let test = test();
    let url = shop().await;
    let client = reqwest::Client::new();
    let work = async {
        client
            .get(format!("{url}/orders"))
            .send_traced()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    work.in_span(test.tracer().start_span("checkout")).await;
    test.settled().await;
    assert_trace!(
        test,
        "
        checkout
          GET {span.kind=client} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn a_future_that_is_spawned_belongs_to_who_made_it() {
    let test = test();
    let url = shop().await;
    let http = Client::new();
    let send = {
        let _scope = test.tracer().start_active_span("checkout");
        http.get(format!("{url}/orders")).send()
    };
    tokio::spawn(send)
        .await
        .unwrap()
        .unwrap()
        .bytes()
        .await
        .unwrap();
    // What is active where it is awaited goes before.
    let send = {
        let _scope = test.tracer().start_active_span("made");
        http.get(format!("{url}/orders")).send()
    };
    send.in_span(test.tracer().start_span("awaited"))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    test.settled().await;
    assert_trace!(
        test,
        "
        checkout
          GET {span.kind=client} [event=\"response started\"]
        made
        awaited
          GET {span.kind=client} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn calls_at_the_same_time_are_siblings() {
    let test = test();
    let url = format!("{}/orders", shop().await);
    let http = Client::new().with_tracer(test.tracer());
    let call = |name: &'static str| {
        let (http, url) = (http.clone(), url.clone());
        async move {
            http.get(url)
                .operation(name)
                .send()
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap()
        }
    };
    let both = async { tokio::join!(call("first"), call("second")) };
    both.in_span(test.tracer().start_span("checkout")).await;
    test.settled().await;
    assert_trace!(
        test,
        "
        checkout
          first {span.kind=client} [event=\"response started\"]
          second {span.kind=client} [event=\"response started\"]
        "
    );
}

#[tokio::test]
async fn the_other_side_is_told_in_all_formats_of_the_tracer() {
    let test = test();
    let url = format!("{}/headers", shop().await);
    let http = Client::new().with_tracer(test.tracer());
    // A header that is there already, such as one passed on from elsewhere, is replaced.
    let request = http.get(&url).header(
        "traceparent",
        "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-00",
    );
    let told = request.send().await.unwrap().text().await.unwrap();
    test.settled().await;
    let spans = test.spans();
    let (trace, span) = (spans[0].trace_id(), spans[0].span_id());
    assert_eq!(told, format!("00-{trace}-{span}-03|{trace}:{span}:0:1"));

    let layer = TraceLayer::new().propagation([Propagation::Jaeger]);
    let http = Client::new().with_layer(layer).with_tracer(test.tracer());
    let told = http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(told.starts_with('|') && told.len() > 1, "{told}");
    let http = http.with_layer(TraceLayer::new().with_tracer(test.tracer()).propagation([]));
    assert_eq!(
        http.get(&url).send().await.unwrap().text().await.unwrap(),
        "|"
    );
    test.settled().await;
    test.forget();
}

#[tokio::test]
async fn an_unsampled_trace_travels_on_and_leaves_no_spans() {
    let test = test();
    let url = format!("{}/headers", shop().await);
    let unsampled = test.service_with("cart", |builder| {
        builder.sampler(tracer_core::Sampler::constant(false))
    });
    let http = Client::new().with_tracer(&unsampled);
    let told = http.get(url).send().await.unwrap().text().await.unwrap();
    let (traceparent, _) = told.split_once('|').unwrap();
    assert!(traceparent.ends_with("-02"), "{traceparent}");
    assert_trace!(test, "");
}

#[tokio::test]
async fn calls_the_filter_refuses_pass_the_active_context_on() {
    let test = test();
    let url = format!("{}/headers", shop().await);
    let layer = TraceLayer::new()
        .with_tracer(test.tracer())
        .filter(|head| head.uri.path() != "/headers");
    let http = Client::new().with_layer(layer);
    let work = async {
        let told = http.get(url).send().await.unwrap().text().await.unwrap();
        let context = tracer_core::active_span().context().unwrap();
        assert_eq!(
            told.split_once('|').unwrap().0,
            format!("00-{}-{}-03", context.trace_id(), context.span_id())
        );
    };
    work.in_span(test.tracer().start_span("checkout")).await;
    test.settled().await;
    assert_trace!(test, "checkout");
}

#[tokio::test]
async fn without_a_tracer_nothing_is_sent_along() {
    let url = format!("{}/headers", shop().await);
    assert_eq!(
        Client::new()
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "|"
    );
}

#[tokio::test]
async fn a_future_that_is_spawned_tells_the_other_side_whose_it_is() {
    let test = test();
    let url = format!("{}/headers", shop().await);
    let filtered = TraceLayer::new().filter(|_| false);
    for http in [Client::new(), Client::new().with_layer(filtered)] {
        let (send, made_in) = {
            let scope = test.tracer().start_active_span("checkout");
            (
                http.get(&url).send(),
                scope.context().trace_id().to_string(),
            )
        };
        let told = tokio::spawn(send)
            .await
            .unwrap()
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(told.contains(&made_in), "{made_in} is not in {told:?}");
    }
    test.settled().await;
    assert_trace!(
        test,
        "
        checkout
          GET {span.kind=client} [event=\"response started\"]
        checkout
        "
    );
}
