//! `root`, `child_of` and `follows_from`: the parent, where it is not the active span.

use futures::executor::block_on;
use tracer_core::{SpanContext, traced};
use tracer_testing::{TestTracer, assert_trace};

#[traced]
fn leaf() {}

#[traced(root)]
fn fresh() {
    leaf();
}

#[traced(root)]
async fn fresh_async() {
    leaf();
}

#[traced(child_of = context)]
fn owned(context: SpanContext) {
    leaf();
}

#[traced(child_of = context)]
fn optional(context: Option<&SpanContext>) {}

#[traced(child_of = job.cause.as_ref())]
async fn of_field(job: &Job) {}

#[traced(follows_from = causes)]
fn batch(causes: &[SpanContext]) {}

#[traced(root, follows_from = cause)]
async fn later(cause: Option<SpanContext>) {
    leaf();
}

struct Job {
    cause: Option<SpanContext>,
}

#[test]
fn root_begins_a_trace_under_an_active_span() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    {
        let _outer = test.tracer().start_active_span("outer");
        fresh();
        block_on(fresh_async());
        leaf();
    }
    let spans = test.spans();
    let traces: std::collections::BTreeSet<_> = spans.iter().map(|span| span.trace_id()).collect();
    assert_eq!(traces.len(), 3);
    assert_trace!(
        spans,
        "
        outer
          leaf
        fresh
          leaf
        fresh_async
          leaf
    "
    );
}

#[test]
fn child_of_takes_contexts_of_many_forms() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let cause = test.tracer().start_span("cause");
    {
        let _other = test.tracer().start_active_span("other");
        owned(cause.context());
        optional(Some(&cause.context()));
        optional(None);
        block_on(of_field(&Job {
            cause: Some(cause.context()),
        }));
        block_on(of_field(&Job { cause: None }));
    }
    drop(cause);
    assert_trace!(
        test,
        "
        cause
          owned
            leaf
          optional
          of_field
        other
          optional
          of_field
    "
    );
}

#[test]
fn follows_from_takes_many_causes() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let (one, two) = (
        test.tracer().start_span("one"),
        test.tracer().start_span("two"),
    );
    batch(&[one.context(), two.context()]);
    block_on(later(Some(one.context())));
    {
        let _active = test.tracer().start_active_span("active");
        block_on(later(None));
    }
    drop((one, two));
    assert_trace!(
        test,
        "
        one
          batch (follows_from one, follows_from two)
        two
        later (follows_from one)
          leaf
        active
        later
          leaf
    "
    );
}
