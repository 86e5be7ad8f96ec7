//! The active span of a thread.

use tracer_core::{active_span, carry};
use tracer_testing::{TestTracer, assert_trace};

#[test]
fn closing_a_scope_makes_the_one_before_active_again() {
    let test = TestTracer::new("it").strict();
    assert!(active_span().context().is_none());
    let outer = test.tracer().start_active_span("outer");
    let inner = test.tracer().start_active_span("inner");
    assert_eq!(
        active_span().context().unwrap().span_id(),
        inner.context().span_id()
    );
    drop(inner);
    assert_eq!(
        active_span().context().unwrap().span_id(),
        outer.context().span_id()
    );
    drop(outer);
    assert!(active_span().context().is_none());
    test.forget();
}

#[test]
fn a_span_may_be_active_several_times() {
    let test = TestTracer::new("it").strict();
    let mut span = test.tracer().start_span("work");
    for piece in ["first", "second"] {
        let scope = span.activate();
        test.tracer().start_span(piece).finish();
        span = scope.into_span();
        assert!(active_span().context().is_none());
    }
    span.set_tag("pieces", 2);
    span.finish();
    assert_trace!(
        test,
        "
        work {pieces=2}
          first
          second
        "
    );
}

#[test]
fn scopes_closed_out_of_order_are_put_right_and_counted() {
    let test = TestTracer::new("it");
    let (a, b) = (
        test.tracer().start_active_span("a"),
        test.tracer().start_active_span("b"),
    );
    let c = test.tracer().start_active_span("c");
    drop(b);
    assert_eq!(
        active_span().context().unwrap().span_id(),
        c.context().span_id()
    );
    c.set_tag("still", "open");
    drop(a);
    test.tracer().start_span("d").finish();
    drop(c);
    assert!(active_span().context().is_none());
    test.tracer().start_span("e").finish();
    assert_trace!(
        test,
        "
        a
          b
            c {still=open}
              d
        e
        "
    );
    assert_eq!(test.tracer().stats().out_of_order, 2);
}

#[test]
fn every_order_of_closing_ends_with_an_empty_stack() {
    let orders = [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [1, 3, 0, 2],
        [2, 0, 3, 1],
        [0, 3, 1, 2],
        [3, 0, 2, 1],
    ];
    for order in orders {
        let test = TestTracer::new("it");
        let mut scopes: Vec<_> = ["a", "b", "c", "d"]
            .into_iter()
            .map(|name| Some(test.tracer().start_active_span(name)))
            .collect();
        for at in order {
            scopes[at].take().unwrap().finish();
        }
        assert!(active_span().context().is_none(), "{order:?}");
        assert_trace!(test, "a\n  b\n    c\n      d");
        assert_eq!(test.tracer().stats().open(), 0);
    }
}

#[test]
fn span_taken_from_below_goes_on() {
    let test = TestTracer::new("it");
    let a = test.tracer().start_active_span("a");
    let b = test.tracer().start_active_span("b");
    let mut a = a.into_span();
    a.set_tag("taken", true);
    test.tracer().start_span("c").finish();
    drop(b);
    assert!(active_span().context().is_none());
    a.finish();
    assert_trace!(
        test,
        "
        a {taken=true}
          b
            c
        "
    );
}

#[test]
fn scope_of_a_disabled_span_leaves_the_active_one() {
    let test = TestTracer::new("it").strict();
    let outer = test.tracer().start_active_span("outer");
    let nothing = tracer_core::Span::disabled().activate();
    nothing.set_tag("k", "v").log([("event", "x")]);
    assert!(!nothing.context().is_valid());
    test.tracer().start_span("child").finish();
    assert!(!nothing.into_span().is_recording());
    drop(outer);
    assert_trace!(test, "outer\n  child");
}

#[test]
fn context_of_a_surrounding_span_finds_it() {
    let test = TestTracer::new("it").strict();
    let outer = test.tracer().start_active_span("outer");
    let context = outer.context();
    let inner = test.tracer().start_active_span("inner");
    context.active_span().set_tag("from", "inner");
    drop(inner);
    let elsewhere = std::thread::spawn({
        let context = context.clone();
        move || context.active_span().context().is_none()
    });
    assert!(
        elsewhere.join().unwrap(),
        "on other threads there is no such span"
    );
    drop(outer);
    assert!(context.active_span().context().is_none());
    assert_trace!(test, "outer {from=inner}\n  inner");
}

#[test]
fn where_only_a_context_is_active_tags_are_counted() {
    let test = TestTracer::new("it");
    let outer = test.tracer().start_active_span("outer");
    let context = outer.context();
    std::thread::spawn(carry(move || {
        let active = active_span();
        assert_eq!(active.context(), Some(context));
        assert!(!active.is_recording());
        active
            .set_tag("nobody", "has it")
            .log([("event", "x")])
            .set_operation_name("other");
        active.set_baggage_item("k", "v");
        assert_eq!(
            active_span().baggage_item("k").as_deref(),
            Some("v"),
            "contexts carry baggage"
        );
    }))
    .join()
    .unwrap();
    drop(outer);
    assert_trace!(test, "outer");
    assert_eq!(test.tracer().stats().tags_ignored, 3);
}

#[test]
fn deep_nesting_is_no_problem() {
    let test = TestTracer::new("it").strict();
    let mut scopes: Vec<_> = (0..1_000)
        .map(|_| test.tracer().start_active_span("deeper"))
        .collect();
    while let Some(scope) = scopes.pop() {
        drop(scope);
    }
    let spans = test.spans();
    assert_eq!(spans.len(), 1_000);
    assert!(
        spans
            .windows(2)
            .all(|pair| pair[1].parent_id() == pair[0].span_id())
    );
}

#[test]
fn tags_of_a_scope_below_the_active_one_are_its_own() {
    let test = TestTracer::new("it").strict();
    let outer = test.tracer().start_active_span("outer");
    let inner = test.tracer().start_active_span("inner");
    outer.set_tag("n", 1).log([("event", "below")]);
    inner.set_tag("n", 2);
    drop(inner);
    drop(outer);
    assert_trace!(test, "outer {n=1} [event=below]\n  inner {n=2}");
}
