//! Baggage goes to later descendants, and to nobody else.

use tracer_core::{Tracer, active_span};
use tracer_testing::{TestTracer, assert_trace};

#[test]
fn contexts_taken_earlier_keep_what_they_had() {
    let test = TestTracer::new("it").strict();
    let mut span = test.tracer().start_span("root");
    let before = span.context();
    span.set_baggage_item("Kiff-loves", "tracing");
    let between = span.context();
    span.set_baggage_item("Kiff-loves", "spans");
    assert_eq!(before.baggage_item("Kiff-loves"), None);
    assert_eq!(between.baggage_item("Kiff-loves"), Some("tracing"));
    assert_eq!(span.context().baggage_item("Kiff-loves"), Some("spans"));
    assert_eq!(
        span.baggage_item("kiff-loves"),
        None,
        "the case of a key is kept"
    );
    span.finish();
    assert_eq!(
        between.baggage_item("Kiff-loves"),
        Some("tracing"),
        "also after the end"
    );
    test.forget();
}

#[test]
fn items_reach_later_children_and_neither_parent_nor_siblings() {
    let test = TestTracer::new("it").strict();
    let root = test.tracer().start_active_span("root");
    let before = test.tracer().start_span("before");
    root.set_baggage_item("k", "v");
    let mut after = test.tracer().start_span("after");
    assert_eq!(
        (before.baggage_item("k"), after.baggage_item("k")),
        (None, Some("v"))
    );
    after.set_baggage_item("k", "changed");
    assert_eq!(root.baggage_item("k").as_deref(), Some("v"));
    assert_eq!(
        test.tracer()
            .build_span("grandchild")
            .child_of(&after.context())
            .start()
            .baggage_item("k"),
        Some("changed")
    );
    drop((before, after, root));
    test.forget();
}

#[test]
fn setting_is_logged() {
    let test = TestTracer::new("it").strict();
    let mut span = test.tracer().start_span("root");
    span.set_baggage_item("k", "v")
        .set_baggage_item("k", "w")
        .set_baggage_item("k", "");
    assert_eq!(span.baggage_item("k"), None, "an empty value removes");
    assert!(span.context().baggage().is_empty());
    span.finish();
    assert_trace!(
        test,
        r#"root [event=baggage, key=k, value=v] [event=baggage, key=k, value=w, override="true"] [event=baggage, key=k, value="", override="true"]"#
    );
}

#[test]
fn unsampled_traces_carry_baggage_too() {
    let test = TestTracer::with("it", |builder| {
        builder.sampler(tracer_core::Sampler::constant(false))
    });
    let root = test.tracer().start_active_span("root");
    root.set_baggage_item("k", "v");
    assert_eq!(
        test.tracer().start_span("child").baggage_item("k"),
        Some("v")
    );
    assert_eq!(active_span().baggage_item("k").as_deref(), Some("v"));
}

#[test]
fn baggage_of_the_chosen_parent_alone_is_taken() {
    let test = TestTracer::new("it").strict();
    let (mut a, mut b) = (test.tracer().start_span("a"), test.tracer().start_span("b"));
    a.set_baggage_item("from", "a")
        .set_baggage_item("only", "a");
    b.set_baggage_item("from", "b");
    let joined = test
        .tracer()
        .build_span("joined")
        .follows_from(&a.context())
        .child_of(&b.context())
        .start();
    assert_eq!(
        (joined.baggage_item("from"), joined.baggage_item("only")),
        (Some("b"), None)
    );
    drop((a, b, joined));
    test.forget();
}

#[test]
fn without_a_tracer_nothing_is_kept() {
    let mut span = Tracer::disabled().start_span("nothing");
    span.set_baggage_item("k", "v");
    assert_eq!(span.baggage_item("k"), None);
}
