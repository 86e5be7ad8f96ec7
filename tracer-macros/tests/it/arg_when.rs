//! `when` and `skip_without_parent`: calls that are not worth a span.

use futures::executor::block_on;
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

#[traced]
fn leaf() {}

#[traced(when = size > 10, tags(size), ret)]
fn copy(size: usize) -> usize {
    leaf();
    size
}

#[traced(when = !quiet, err)]
async fn poll(quiet: bool) -> Result<(), &'static str> {
    leaf();
    Err("empty")
}

#[test]
fn without_a_span_the_function_is_as_untraced() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    {
        let _outer = test.tracer().start_active_span("outer");
        copy(10);
        copy(11);
        block_on(poll(true)).unwrap_err();
        block_on(poll(false)).unwrap_err();
    }
    assert_trace!(
        test,
        r#"
        outer
          leaf
          copy {return="11", size=11}
            leaf
          leaf
          poll {error=true} [event=error, error.kind="&str", message=empty]
            leaf
    "#
    );
}

#[traced(skip_without_parent)]
fn cache_lookup() {
    leaf();
}

#[traced(skip_without_parent)]
async fn cache_store() {}

#[traced(skip_without_parent, child_of = cause)]
fn handle(cause: Option<tracer_core::SpanContext>) {}

#[test]
fn skip_without_parent_begins_no_trace() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    cache_lookup();
    block_on(cache_store());
    handle(None);
    let context = {
        let outer = test.tracer().start_active_span("outer");
        cache_lookup();
        block_on(cache_store());
        outer.context()
    };
    handle(Some(context));
    assert_trace!(
        test,
        "
        leaf
        outer
          cache_lookup
            leaf
          cache_store
          handle
    "
    );
}
