//! What many spans share, set at once.

use tracer_core::{Sampler, SpanTemplate, is_refused};
use tracer_testing::{TestTracer, assert_trace};

fn template() -> SpanTemplate {
    SpanTemplate::new()
        .tag("text", "replaced")
        .tag("number", 7)
        .tag("text", "told")
        .operation_name("GET user")
        .tag("truth", true)
}

#[test]
fn a_template_gives_a_span_its_name_and_tags() {
    let test = TestTracer::new("it").strict();
    let template = template();
    for _ in 0..2 {
        let scope = test.tracer().start_active_span("unnamed");
        test.tracer().active_span().apply(&template);
        scope.set_tag("own", 1).set_tag("number", 8);
    }
    assert_trace!(
        test,
        "
        GET user {number=8, own=1, text=told, truth=true}
        GET user {number=8, own=1, text=told, truth=true}
        "
    );
}

#[test]
fn a_template_joins_what_the_span_has() {
    let test = TestTracer::new("it").strict();
    let scope = test.tracer().start_active_span("unnamed".to_owned());
    scope
        .set_tag("own", 1)
        .set_tag("number", 1)
        .log([("event", "before")]);
    test.tracer().active_span().apply(&template());
    scope.set_operation_name("GET it");
    drop(scope);
    assert_trace!(
        test,
        "GET it {number=7, own=1, text=told, truth=true} [event=before]"
    );
}

#[test]
fn a_long_template_is_copied_whole() {
    let test = TestTracer::new("it").strict();
    let text = "x".repeat(4000);
    let template = SpanTemplate::default().tag("a", &text).tag("b", &text);
    let _ = test.tracer().start_active_span("long");
    let scope = test.tracer().start_active_span("long");
    test.tracer().active_span().apply(&template);
    drop(scope);
    let span = &test.spans()[1];
    for key in ["a", "b"] {
        assert_eq!(span.tag(key).unwrap().as_str(), Some(&*text));
    }
    assert_eq!(span.tag("truncated"), None);
}

#[test]
fn the_limits_of_the_tracer_hold_for_templates() {
    for (test, expected) in [
        (
            TestTracer::with("it", |builder| builder.max_tags(2)),
            "GET user {number=7, text=told, truncated=true}",
        ),
        (
            TestTracer::with("it", |builder| builder.max_value_bytes(3)),
            "GET user {number=7, text=tol, truncated=true, truth=true}",
        ),
    ] {
        let scope = test.tracer().start_active_span("unnamed");
        test.tracer().active_span().apply(&template());
        drop(scope);
        assert_trace!(test, expected);
    }
}

#[test]
fn a_template_is_nothing_where_nothing_is_recorded() {
    let test = TestTracer::with("it", |builder| builder.sampler(Sampler::constant(false)));
    test.tracer().active_span().apply(&template());
    let root = test.tracer().start_active_span("root");
    let child = test.tracer().start_active_span("child");
    test.tracer().active_span().apply(&template());
    drop((child, root));
    assert_trace!(test, "");
    assert_eq!(test.tracer().stats().tags_ignored, 0);
}

#[test]
fn refused_is_what_is_under_a_trace_that_is_not_sampled() {
    let (sampled, refused) = (
        TestTracer::new("it"),
        TestTracer::with("it", |builder| builder.sampler(Sampler::constant(false))),
    );
    assert!(!is_refused());
    let root = sampled.tracer().start_active_span("root");
    assert!(!is_refused());
    let other = refused
        .tracer()
        .build_span("other")
        .ignore_active()
        .start_active();
    assert!(is_refused());
    other.set_tag("sampling.priority", 1);
    assert!(!is_refused());
    drop((other, root));
    assert!(!is_refused());
    assert_trace!(sampled, "root");
    assert_trace!(refused, "other");
}
