//! That spans of refused traces which are only noted cannot be told from others.

use std::time::Duration;

use crate::tags;
use crate::{MemoryReporter, Sampler, Scope, Tracer, active_span};

fn refusing() -> (Tracer, MemoryReporter) {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("pending")
        .sampler(Sampler::constant(false))
        .reporter(memory.clone())
        .build()
        .unwrap();
    (tracer, memory)
}

fn chain(tracer: &Tracer, depth: usize) -> Vec<Scope> {
    (0..depth)
        .map(|_| tracer.start_active_span("inner"))
        .collect()
}

fn drop_from_the_inside(mut scopes: Vec<Scope>) {
    while scopes.pop().is_some() {}
}

#[test]
fn contexts_descend_from_each_other_however_late_they_are_asked_for() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    for depth in [1, 2, super::MOST, super::MOST + 1, 40] {
        let scopes = chain(&tracer, depth);
        let contexts: Vec<_> = scopes.iter().rev().map(Scope::context).collect();
        assert_eq!(active_span().context().as_ref(), contexts.first());
        let above = root.context();
        for (context, parent) in contexts.iter().zip(contexts[1..].iter().chain([&above])) {
            assert_eq!(context.parent_id(), parent.span_id());
            assert_eq!(context.trace_id(), above.trace_id());
        }
        drop_from_the_inside(scopes);
        assert_eq!(active_span().context(), Some(root.context()));
    }
    assert_eq!(tracer.stats().out_of_order, 0);
}

#[test]
fn a_scope_may_be_asked_before_and_after_others_come_and_go() {
    let (tracer, _) = refusing();
    let _root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    drop(tracer.start_active_span("gone"));
    let id = outer.context().span_id();
    let inner = tracer.start_active_span("inner");
    assert_eq!(inner.context().parent_id(), id);
    drop(inner);
    drop(tracer.start_active_span("gone"));
    assert_eq!(active_span().context().unwrap().span_id(), id);
    assert_eq!(outer.context().span_id(), id);
}

#[test]
fn baggage_is_that_of_one_span_and_its_children() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    outer.set_baggage_item("who", "outer");
    let inner = tracer.start_active_span("inner");
    assert_eq!(inner.baggage_item("who").as_deref(), Some("outer"));
    assert_eq!(root.baggage_item("who"), None);
}

#[test]
fn priority_makes_a_recorded_span_with_its_name() {
    let (tracer, memory) = refusing();
    let _root = tracer.start_active_span("root");
    let _outer = tracer.start_active_span("outer");
    let inner = tracer.start_active_span("inner");
    inner.set_tag("too early", true);
    assert!(!inner.is_recording());
    active_span().set_tag(tags::SAMPLING_PRIORITY, 1);
    assert!(inner.is_recording());
    inner.set_tag("kept", true);
    tracer.start_active_span("child").finish();
    inner.finish();
    tracer.flush(Duration::from_secs(30)).unwrap();
    let spans = memory.take();
    let names: Vec<_> = spans.iter().map(|span| span.operation_name()).collect();
    assert_eq!(names, ["child", "inner"]);
    assert_eq!(spans[0].parent_id(), spans[1].span_id());
    assert_eq!(
        (spans[1].tag("too early"), spans[1].tag("kept").is_some()),
        (None, true)
    );
}

#[test]
fn other_orders_are_put_right_and_counted() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    let (outer, inner) = (
        tracer.start_active_span("outer"),
        tracer.start_active_span("inner"),
    );
    drop(outer);
    let id = inner.context().span_id();
    assert_eq!(active_span().context().unwrap().span_id(), id);
    drop(inner);
    assert_eq!(active_span().context(), Some(root.context()));
    assert_eq!(tracer.stats().out_of_order, 1);
}

#[test]
fn a_scope_that_was_leaked_and_comes_back_ends_nobody_elses_span() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    let lost = tracer.start_active_span("lost");
    let span = outer.into_span();
    drop(root);
    let next = tracer.start_active_span("next");
    let child = tracer.start_active_span("child");
    let id = next.context().span_id();
    drop(lost);
    drop(child);
    assert_eq!(active_span().context().unwrap().span_id(), id);
    drop((span, next));
    assert_eq!(active_span().context(), None);
}

#[test]
fn two_tracers_may_refuse_under_each_other() {
    let ((one, _), (two, memory)) = (refusing(), refusing());
    let _root = one.start_active_span("root");
    let outer = one.start_active_span("outer");
    let inner = two.start_active_span("inner");
    assert_eq!(inner.context().parent_id(), outer.context().span_id());
    inner.set_tag(tags::SAMPLING_PRIORITY, 1);
    inner.finish();
    two.flush(Duration::from_secs(30)).unwrap();
    assert_eq!(memory.take()[0].operation_name(), "inner");
}

#[test]
fn a_span_of_its_own_may_be_taken_out_of_its_scope() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    let span = tracer.start_active_span("child").into_span();
    assert_eq!(span.context().parent_id(), root.context().span_id());
    assert_eq!(active_span().context(), Some(root.context()));
}
