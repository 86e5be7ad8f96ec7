//! `sampling.priority`: above zero a span is reported whatever the sampler said, at zero it is not.

use tracer_core::{Decision, Sampler, TagValue};
use tracer_testing::{TestTracer, assert_trace};

fn refusing() -> TestTracer {
    TestTracer::with("it", |builder| builder.sampler(Sampler::constant(false)))
}

#[test]
fn every_integer_type_is_understood() {
    let values: [TagValue<'_>; 9] = [
        1u8.into(),
        1u16.into(),
        1u32.into(),
        1u64.into(),
        1usize.into(),
        1i8.into(),
        1i16.into(),
        1i32.into(),
        1i64.into(),
    ];
    for value in values {
        let test = refusing();
        test.tracer()
            .start_span("forced")
            .set_tag("sampling.priority", value);
        assert_trace!(test, "forced");
    }
}

#[test]
fn priority_comes_before_the_other_tags_of_a_builder() {
    let test = refusing();
    let builder = test
        .tracer()
        .build_span("forced")
        .tag("before", 1)
        .tag("sampling.priority", 1)
        .tag("after", 2);
    let span = builder.start();
    assert_eq!(span.context().decision(), Decision::Debug);
    span.finish();
    assert_trace!(test, "forced {after=2, before=1}");
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.finished), (1, 1));
}

#[test]
fn forced_span_has_its_times_references_and_later_children() {
    let test = refusing();
    let root = test.tracer().start_active_span("root");
    let early = test.tracer().start_span("early");
    root.set_tag("sampling.priority", 1).set_tag("kept", true);
    let late = test.tracer().start_active_span("late");
    test.tracer().start_span("leaf").finish();
    drop((late, early, root));
    let spans = test.spans();
    assert!(
        spans
            .iter()
            .all(|span| span.duration().as_secs() < 60
                && span.context().decision() == Decision::Debug)
    );
    assert_trace!(
        spans,
        "
        root {kept=true}
          late
            leaf
        "
    );
}

#[test]
fn span_that_is_not_active_can_be_forced() {
    let test = refusing();
    let mut span = test.tracer().start_span("forced");
    span.set_tag("lost", 1)
        .set_tag("sampling.priority", 5)
        .set_tag("kept", 2);
    assert!(span.is_recording());
    let scope = span.activate();
    test.tracer().start_active_span("child").set_tag("n", 1);
    drop(scope);
    assert_trace!(
        test,
        "
        forced {kept=2}
          child {n=1}
        "
    );
}

#[test]
fn zero_withdraws_the_span_and_its_later_children() {
    let test = TestTracer::new("it");
    let root = test.tracer().start_active_span("root");
    test.tracer().start_span("early").finish();
    root.set_tag("sampling.priority", 0);
    assert!(!root.is_recording() && !root.context().is_sampled());
    test.tracer().start_active_span("late").set_tag("n", 1);
    drop(root);
    assert_trace!(test, "early (parent elsewhere)");
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.finished, stats.withdrawn), (2, 2, 1));
}

#[test]
fn last_priority_counts() {
    let test = TestTracer::new("it");
    for start in [false, true] {
        let mut span = test.tracer().start_span("wavering");
        if start {
            span.set_tag("sampling.priority", 1);
        }
        span.set_tag("a", 1)
            .set_tag("sampling.priority", 0)
            .set_tag("b", 2)
            .set_tag("sampling.priority", 1)
            .set_tag("c", 3);
        span.finish();
        assert_trace!(test, "wavering {a=1, c=3}");
    }
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.finished, stats.withdrawn), (2, 2, 0));
}

#[test]
fn what_is_no_integer_is_a_tag() {
    let test = TestTracer::new("it").strict();
    test.tracer()
        .start_span("root")
        .set_tag("sampling.priority", "high");
    assert_trace!(test, "root {sampling.priority=high}");
}
