//! Spans of streams.

use futures_util::stream::{self, iter};
use futures_util::{Stream, StreamExt};
use tracer_core::{TraceStream, active_span};
use tracer_testing::{TestTracer, assert_trace};

#[tokio::test]
async fn stream_read_to_its_end_is_complete() {
    let test = TestTracer::new("it").strict();
    let tracer = test.tracer().clone();
    let numbers = iter(0..3).map(|n| tracer.start_span("item").set_tag("n", n).elapsed());
    let mut numbers = numbers.in_span(test.tracer().start_span("rows"));
    assert_eq!(numbers.size_hint(), (3, Some(3)));
    while numbers.next().await.is_some() {
        assert!(active_span().context().is_none());
    }
    assert!(numbers.next().await.is_none(), "it stays at its end");
    assert_trace!(
        test,
        "
        rows {complete=true}
          item {n=0}
          item {n=1}
          item {n=2}
        "
    );
}

#[tokio::test]
async fn stream_dropped_before_its_end_is_not() {
    let test = TestTracer::new("it").strict();
    let mut numbers = iter(0..3).in_span(test.tracer().start_span("rows"));
    numbers.next().await;
    drop(numbers);
    assert_trace!(test, "rows {complete=false}");
}

#[tokio::test]
async fn panic_of_a_stream_says_so_instead() {
    let test = TestTracer::new("it").strict();
    let work = stream::poll_fn(|_| -> std::task::Poll<Option<()>> {
        std::panic::resume_unwind(Box::new("quietly"))
    });
    let work = work.in_span(test.tracer().start_span("rows"));
    let task = tokio::spawn(work.collect::<Vec<_>>());
    assert!(task.await.unwrap_err().is_panic());
    assert_trace!(
        test,
        r#"rows {error=true} [event=error, error.kind=panic, message="the function panicked"]"#
    );
}

#[tokio::test]
async fn stream_in_a_context_has_no_span_of_its_own() {
    let test = TestTracer::new("it").strict();
    let parent = test.tracer().start_active_span("parent").into_span();
    let tracer = test.tracer().clone();
    let items = iter(0..2).map(move |_| tracer.start_span("item").finish());
    items.in_context(parent.context()).collect::<Vec<_>>().await;
    parent.finish();
    assert_trace!(
        test,
        "
        parent
          item
          item
        "
    );
}
