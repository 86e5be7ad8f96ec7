//! Which span is the parent, and what is said of the others.

use std::borrow::Cow;

use tracer_core::{Decision, KeepPolicy, ReferenceKind, Span, SpanContext, SpanId, TraceId};
use tracer_testing::{TestTracer, assert_trace};

#[test]
fn first_child_of_is_the_parent() {
    let test = TestTracer::new("it").strict();
    let tracer = test.tracer();
    let (a, b, c) = (
        tracer.start_span("a"),
        tracer.start_span("b"),
        tracer.start_span("c"),
    );
    let builder = tracer
        .build_span("joined")
        .follows_from(&a.context())
        .child_of(&b.context())
        .child_of(&c.context());
    builder.start().finish();
    let parent = b.context();
    drop((a, b, c));
    let spans = test.spans();
    let joined = spans
        .iter()
        .find(|span| span.operation_name() == "joined")
        .unwrap();
    assert_eq!(
        (joined.trace_id(), joined.parent_id()),
        (parent.trace_id(), parent.span_id())
    );
    let kinds: Vec<_> = joined
        .references()
        .iter()
        .map(|reference| reference.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            ReferenceKind::FollowsFrom,
            ReferenceKind::ChildOf,
            ReferenceKind::ChildOf
        ]
    );
    assert_trace!(
        spans,
        "
        a
        b
          joined (follows_from a, child_of b, child_of c)
        c
        "
    );
}

#[test]
fn without_child_of_the_first_follows_from_is_the_parent() {
    let test = TestTracer::new("it").strict();
    let tracer = test.tracer();
    let (a, b) = (tracer.start_span("a"), tracer.start_span("b"));
    tracer
        .build_span("consume")
        .follows_from(&a.context())
        .follows_from(&b.context())
        .start()
        .finish();
    drop((a, b));
    assert_trace!(
        test,
        "
        a
          consume (follows_from a, follows_from b)
        b
        "
    );
}

#[test]
fn reference_wins_over_the_active_span() {
    let test = TestTracer::new("it").strict();
    let other = test.tracer().start_span("other");
    let _active = test.tracer().start_active_span("active");
    test.tracer()
        .build_span("child")
        .child_of(&other.context())
        .start()
        .finish();
    drop((_active, other));
    assert_trace!(
        test,
        "
        other
          child
        active
        "
    );
}

#[test]
fn ignore_active_begins_a_trace_unless_there_is_a_reference() {
    let test = TestTracer::new("it").strict();
    let active = test.tracer().start_active_span("active");
    test.tracer()
        .build_span("root")
        .ignore_active()
        .start()
        .finish();
    test.tracer()
        .build_span("child")
        .ignore_active()
        .child_of(&active.context())
        .start()
        .finish();
    drop(active);
    assert_trace!(
        test,
        "
        active
          child
        root
        "
    );
}

#[test]
fn continuing_a_trace_is_building_a_span_for_its_caller() {
    let remote =
        |decision| SpanContext::remote(TraceId::from(0xabc_u128), SpanId::from(0xdef), decision);
    let nowhere = |decision| {
        SpanContext::remote(TraceId::NONE, SpanId::NONE, decision).with_random_flag(true)
    };
    let callers = [
        None,
        Some(Span::disabled().context()),
        Some(remote(Decision::Sampled).with_baggage_item("k", "v")),
        Some(remote(Decision::Debug).with_trace_state("a=1")),
        Some(remote(Decision::Refused)),
        Some(remote(Decision::Deferred)),
        Some(nowhere(Decision::Refused)),
        Some(nowhere(Decision::Deferred).with_debug_id("ticket-17")),
    ];
    for keep in [None, Some(KeepPolicy::errors())] {
        let test = TestTracer::with("it", |builder| match keep {
            Some(keep) => builder.keep(keep),
            None => builder,
        });
        let tracer = test.tracer();
        let active = tracer.start_active_span("active");
        for caller in &callers {
            let caller = caller.as_ref();
            for name in [Cow::Borrowed("short"), Cow::Owned("made".to_owned())] {
                let continued = tracer.continue_trace(name.clone(), caller);
                let built = tracer
                    .build_span(name)
                    .ignore_active()
                    .child_of(caller)
                    .start();
                let said = |span: &Span| {
                    let context = span.context();
                    let trace_id = (!context.parent_id().is_none()).then(|| context.trace_id());
                    (
                        (
                            trace_id,
                            context.parent_id(),
                            context.decision(),
                            context.is_recorded(),
                        ),
                        (
                            span.is_recording(),
                            context.baggage().clone(),
                            context.trace_state().to_owned(),
                        ),
                    )
                };
                assert_eq!(said(&continued), said(&built), "{caller:?} {keep:?}");
            }
        }
        drop(active);
        test.forget();
    }
}

#[test]
fn new_trace_records_references_and_takes_nothing_over() {
    let test = TestTracer::new("it").strict();
    let mut caller = test.tracer().start_span("caller");
    caller.set_baggage_item("k", "v");
    let span = test
        .tracer()
        .build_span("edge")
        .child_of(&caller.context())
        .new_trace()
        .start();
    assert_ne!(span.context().trace_id(), caller.context().trace_id());
    assert_eq!(span.baggage_item("k"), None);
    drop((span, caller));
    assert_trace!(
        test,
        "
        caller [event=baggage, key=k, value=v]
        edge (child_of caller)
        "
    );
}

#[test]
fn empty_contexts_and_none_are_no_references() {
    let test = TestTracer::new("it").strict();
    let nothing = tracer_core::Tracer::disabled()
        .start_span("nothing")
        .context();
    let absent: Option<&SpanContext> = None;
    let span = test
        .tracer()
        .build_span("root")
        .child_of(&nothing)
        .child_of(absent)
        .follows_from(absent)
        .start();
    assert!(span.context().parent_id().is_none());
    span.finish();
    assert_trace!(test, "root");
}

#[test]
fn root_has_the_low_half_of_its_trace_id_as_span_id() {
    for wide in [false, true] {
        let test = TestTracer::with("it", |builder| builder.trace_id_128bit(wide)).strict();
        let root = test.tracer().start_span("root");
        let context = root.context();
        assert_eq!(u64::from(context.span_id()), context.trace_id().low());
        assert_eq!(context.trace_id().high() != 0, wide);
        assert!(
            context.parent_id().is_none()
                && context.trace_id() != TraceId::NONE
                && !context.is_remote()
        );
        root.finish();
        test.forget();
    }
}

#[test]
fn child_of_a_finished_span_is_its_child() {
    let test = TestTracer::new("it").strict();
    let parent = test.tracer().start_span("parent");
    let context = parent.context();
    parent.finish();
    test.tracer()
        .build_span("late")
        .child_of(&context)
        .start()
        .finish();
    assert_trace!(test, "parent\n  late");
}

#[test]
fn parent_of_another_process_is_said_to_be_elsewhere() {
    let test = TestTracer::new("it").strict();
    let remote = SpanContext::remote(TraceId::from(7), 8.into(), Decision::Sampled);
    test.tracer()
        .build_span("serve")
        .child_of(&remote)
        .start()
        .finish();
    assert_trace!(test, "serve (parent elsewhere)");
}

#[test]
fn self_reference_takes_the_context_over_as_it_is() {
    let test = TestTracer::with("it", |builder| {
        builder.sampler(tracer_core::Sampler::constant(false))
    });
    for flags in [1, 9, 0] {
        let context = SpanContext::remote(0xabc.into(), 0xdef.into(), Decision::Refused)
            .with_parent_id(7.into())
            .with_flags(flags)
            .with_baggage_item("k", "v");
        let root = test
            .tracer()
            .build_span("given")
            .self_reference(&context)
            .start_active();
        assert_eq!(root.context(), context);
        assert_eq!(root.is_recording(), flags & 1 == 1);
        let child = test.tracer().start_span("child").context();
        assert_eq!(child.parent_id(), context.span_id());
        assert_eq!(child.trace_id(), context.trace_id());
        drop(root);
        let expected = if flags & 1 == 1 {
            "given (parent elsewhere)\n  child"
        } else {
            ""
        };
        assert_trace!(test, expected);
    }
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.finished, stats.refused), (4, 4, 0));
}

#[test]
fn self_reference_without_a_trace_changes_nothing() {
    let test = TestTracer::new("it").strict();
    let none = SpanContext::remote(0.into(), 0.into(), Decision::Deferred);
    let builder = test.tracer().build_span("root").self_reference(None);
    let root = builder.self_reference(&none).start();
    assert!(root.context().is_valid() && root.context().parent_id().is_none());
    drop(root);
    assert_trace!(test, "root");
}
