//! The handle of the span in handlers.

use axum::Router;
use axum::routing::get;
use tracer_axum::{ServerSpan, TraceLayer};
use tracer_core::{TraceFuture, Tracer};
use tracer_testing::{TestTracer, assert_trace};

use crate::serve::{self, serve};

fn test() -> TestTracer {
    TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("http.*")
}

#[tokio::test]
async fn the_extractor_reaches_the_server_span_from_under_others() {
    let test = test();
    let tracer = test.tracer().clone();
    let show = async move |span: ServerSpan| {
        let load = async {
            tracer_core::active_span().set_tag("rows", 1);
            tokio::task::yield_now().await;
            span.set_tag("tenant", "acme")
                .set_operation_name("show order");
        };
        load.in_span(tracer.start_span("load")).await;
        span.context().trace_id().to_string()
    };
    let app = Router::new()
        .route("/orders/{id}", get(show))
        .layer(TraceLayer::new().with_tracer(test.tracer()));
    let trace_id = serve::get(serve(app).await, "/orders/7").await;
    test.settled().await;
    let spans = test.spans();
    assert_eq!(spans[0].trace_id().to_string(), trace_id);
    tracer_testing::assert_tree(
        &tracer_testing::TreeStyle::new()
            .hide("component")
            .hide("span.kind")
            .hide("http.*")
            .render(&spans),
        "
        show order {tenant=acme}
          load {rows=1}
        ",
    );
}

#[tokio::test]
async fn the_context_goes_on_into_tasks() {
    let test = test();
    let tracer = test.tracer().clone();
    let show = async move |span: ServerSpan| {
        let work = async move { tracer.start_span("after").finish() };
        tokio::spawn(work.in_context(span.context())).await.unwrap();
    };
    let app = Router::new()
        .route("/", get(show))
        .layer(TraceLayer::new().with_tracer(test.tracer()));
    serve::get(serve(app).await, "/").await;
    test.settled().await;
    assert_trace!(
        test,
        "
        GET /
          after
        "
    );
}

#[tokio::test]
async fn without_a_layer_or_a_tracer_nothing_is_rejected() {
    async fn show(span: ServerSpan) -> String {
        span.set_tag("tenant", "acme").set_operation_name("x");
        span.context().is_valid().to_string()
    }
    let bare = Router::new().route("/", get(show));
    let disabled = bare
        .clone()
        .layer(TraceLayer::new().with_tracer(&Tracer::disabled()));
    assert_eq!(serve::get(serve(bare).await, "/").await, "false");
    assert_eq!(serve::get(serve(disabled).await, "/").await, "false");
}
