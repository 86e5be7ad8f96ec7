//! Contexts from elsewhere: with a trace, without one, undecided, refused.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tracer_core::{
    Binary, Decision, Propagation, Sample, Sampler, Sampling, SamplingRequest, SpanContext,
    TextMap, TraceId,
};
use tracer_testing::{TestTracer, assert_trace};

/// Says yes or no and counts how often it was asked.
#[derive(Clone, Debug, Default)]
struct Asked {
    times: Arc<AtomicU32>,
    says: bool,
}

impl Sample for Asked {
    fn sample(&self, _: &SamplingRequest<'_>) -> Sampling {
        self.times.fetch_add(1, Ordering::Relaxed);
        if self.says {
            Sampling::sampled()
        } else {
            Sampling::refused()
        }
    }
}

fn test_with(says: bool) -> (TestTracer, Asked) {
    let asked = Asked {
        says,
        ..Asked::default()
    };
    let sampler = Sampler::custom(asked.clone());
    let formats = [Propagation::W3c, Propagation::Jaeger, Propagation::B3Multi];
    (
        TestTracer::with("it", |builder| {
            builder.sampler(sampler).propagation(formats)
        }),
        asked,
    )
}

fn extract(test: &TestTracer, pairs: &[(&str, &str)]) -> SpanContext {
    let map: BTreeMap<String, String> = pairs
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    test.tracer().extract(&TextMap(&map)).unwrap().unwrap()
}

#[test]
fn sampler_is_asked_for_roots_alone() {
    let (test, asked) = test_with(true);
    let root = test.tracer().start_active_span("root");
    test.tracer().start_active_span("child").finish();
    test.tracer()
        .build_span("other")
        .child_of(&root.context())
        .start()
        .finish();
    drop(root);
    assert_eq!(asked.times.load(Ordering::Relaxed), 1);
    test.forget();
}

#[test]
fn decision_of_the_caller_holds() {
    for decision in [Decision::Refused, Decision::Sampled, Decision::Debug] {
        let (test, asked) = test_with(decision == Decision::Refused);
        let caller = SpanContext::remote(TraceId::from(1), 2.into(), decision);
        let server = test
            .tracer()
            .build_span("server")
            .child_of(&caller)
            .start_active();
        assert_eq!(server.context().decision(), decision);
        assert_eq!(
            test.tracer().start_span("child").context().decision(),
            decision
        );
        drop(server);
        assert_eq!(asked.times.load(Ordering::Relaxed), 0);
        let expected = if decision == Decision::Refused {
            ""
        } else {
            "server (parent elsewhere)\n  child"
        };
        assert_trace!(test, expected);
    }
}

#[test]
fn undecided_caller_leaves_it_to_the_sampler() {
    for says in [true, false] {
        let (test, asked) = test_with(says);
        let caller = extract(
            &test,
            &[
                ("x-b3-traceid", "463ac35c9f6413ad"),
                ("x-b3-spanid", "a2fb4a1d1a96d312"),
            ],
        );
        assert_eq!(caller.decision(), Decision::Deferred);
        let server = test
            .tracer()
            .build_span("server")
            .child_of(&caller)
            .start_active();
        assert_eq!(server.context().is_sampled(), says);
        assert_eq!(server.context().trace_id(), caller.trace_id());
        test.tracer().start_span("child").finish();
        drop(server);
        assert_eq!(asked.times.load(Ordering::Relaxed), 1, "once for the trace");
        assert_trace!(
            test,
            if says {
                "server (parent elsewhere)\n  child"
            } else {
                ""
            }
        );
    }
}

#[test]
fn refusal_without_a_trace_begins_a_refused_one() {
    let (test, asked) = test_with(true);
    let caller = extract(&test, &[("x-b3-sampled", "0")]);
    assert!(!caller.is_valid());
    let root = test.tracer().build_span("root").child_of(&caller).start();
    assert!(root.context().is_valid() && !root.is_recording());
    assert_eq!(asked.times.load(Ordering::Relaxed), 0);
}

#[test]
fn debug_id_makes_a_debug_trace_with_its_tag() {
    let (test, asked) = test_with(false);
    let caller = extract(&test, &[("jaeger-debug-id", "why is it slow")]);
    let root = test
        .tracer()
        .build_span("root")
        .child_of(&caller)
        .start_active();
    assert_eq!(root.context().decision(), Decision::Debug);
    assert_eq!(
        root.context().debug_id(),
        "",
        "it is not passed on: the decision is"
    );
    test.tracer().start_span("child").finish();
    drop(root);
    assert_eq!(asked.times.load(Ordering::Relaxed), 0);
    assert_trace!(test, "root {jaeger-debug-id=\"why is it slow\"}\n  child");
}

#[test]
fn debug_id_beside_a_trace_is_ignored() {
    let (test, _) = test_with(false);
    let caller = extract(
        &test,
        &[("uber-trace-id", "1:2:0:0"), ("jaeger-debug-id", "x")],
    );
    assert!(
        !test
            .tracer()
            .build_span("server")
            .child_of(&caller)
            .start()
            .is_recording()
    );
}

#[test]
fn baggage_without_a_trace_goes_to_the_new_one() {
    let (test, asked) = test_with(true);
    let caller = extract(&test, &[("jaeger-baggage", "k1=v1, k2=v2")]);
    assert!(!caller.is_valid());
    let root = test.tracer().build_span("root").child_of(&caller).start();
    assert_eq!(
        (root.baggage_item("k1"), root.baggage_item("k2")),
        (Some("v1"), Some("v2"))
    );
    assert!(root.context().parent_id().is_none());
    root.finish();
    assert_eq!(asked.times.load(Ordering::Relaxed), 1);
    assert_trace!(test, "root");
}

#[test]
fn refused_traces_travel() {
    let (test, _) = test_with(false);
    let root = test.tracer().start_active_span("root");
    let child = test.tracer().start_active_span("child");
    let context = child.context();
    assert!(context.is_valid() && !context.is_sampled());
    assert_eq!(context.trace_id(), root.context().trace_id());
    let mut blob = Vec::new();
    test.tracer().inject(&context, &mut Binary(&mut blob));
    let read = test.tracer().extract(&Binary(&blob)).unwrap().unwrap();
    assert_eq!(
        (read.span_id(), read.decision()),
        (context.span_id(), Decision::Refused)
    );
    drop((child, root));
    let stats = test.tracer().stats();
    assert_eq!(
        (stats.started, stats.refused),
        (0, 1),
        "one root was refused, and its child asked nobody"
    );
}

#[test]
fn damage_is_counted_and_no_context() {
    let (test, _) = test_with(true);
    let map = BTreeMap::from([("traceparent".to_owned(), "garbage".to_owned())]);
    assert!(test.tracer().extract(&TextMap(&map)).is_err());
    assert!(
        test.tracer()
            .extract(&TextMap(&BTreeMap::<String, String>::new()))
            .unwrap()
            .is_none()
    );
    assert_eq!(test.tracer().stats().extract_failures, 1);
}

#[test]
fn closure_runs_in_a_context_and_leaves_it_by_a_panic_too() {
    let (test, _) = test_with(true);
    let parent = test.tracer().start_span("parent");
    let context = parent.context();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        context.in_scope(|| {
            test.tracer().start_span("child").finish();
            std::panic::resume_unwind(Box::new("quietly"));
        });
    }));
    assert!(caught.is_err());
    assert!(tracer_core::active_span().context().is_none());
    parent.finish();
    assert_trace!(test, "parent\n  child");
}

#[test]
fn undecided_context_made_active_decides_once_for_its_children() {
    let (test, asked) = test_with(true);
    let caller = SpanContext::remote(TraceId::from(1), 2.into(), Decision::Deferred);
    caller.in_scope(|| {
        test.tracer().start_active_span("first").finish();
        test.tracer().start_active_span("second").finish();
    });
    assert!(asked.times.load(Ordering::Relaxed) >= 1);
    assert_trace!(test, "first (parent elsewhere)\nsecond (parent elsewhere)");
}
