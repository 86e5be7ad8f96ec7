//! What every sampler must do.

use std::collections::HashSet;

use tracer_core::{Decision, Sampler, SpanContext, TraceId, tags};

use crate::test_tracer::TestTracer;

/// Roots of each check: enough that a sampler that decides by chance does both.
const ROOTS: usize = 200;

/// Checks a sampler, one of a kind or [`custom`](Sampler::custom).
///
/// ```
/// use tracer_core::Sampler;
///
/// tracer_testing::contract::sampler(&Sampler::rate_limiting(10.0)?);
/// # Ok::<(), tracer_core::InitError>(())
/// ```
///
/// # Panics
/// When a property does not hold; the message names it.
pub fn sampler(sampler: &Sampler) {
    decides_once_for_a_whole_trace(sampler);
    does_not_overrule_the_caller(sampler);
    decides_on_many_threads(sampler);
}

fn test_with(sampler: &Sampler) -> TestTracer {
    TestTracer::with("contract", |builder| builder.sampler(sampler.clone()))
}

fn decides_once_for_a_whole_trace(sampler: &Sampler) {
    let test = test_with(sampler);
    let mut expected = HashSet::new();
    for n in 0..ROOTS {
        let root = test
            .tracer()
            .start_active_span(format!("operation {}", n % 7));
        let child = test.tracer().start_active_span("child");
        let (root_context, context) = (root.context(), child.context());
        assert!(
            root_context.is_valid(),
            "{sampler:?}: a refused trace travels, too"
        );
        assert_eq!(context.trace_id(), root_context.trace_id());
        assert_eq!(
            context.decision(),
            root_context.decision(),
            "{sampler:?}: a trace is sampled as a whole"
        );
        assert_ne!(
            root_context.decision(),
            Decision::Deferred,
            "{sampler:?} decides"
        );
        if root_context.is_sampled() {
            expected.extend([root_context.span_id(), context.span_id()]);
        }
    }
    let spans = test.spans();
    let reported: HashSet<_> = spans.iter().map(tracer_core::SpanRecord::span_id).collect();
    assert_eq!(
        reported, expected,
        "{sampler:?}: what is sampled is reported, and nothing else"
    );
    for span in &spans {
        let tags = [span.tag(tags::SAMPLER_TYPE), span.tag(tags::SAMPLER_PARAM)];
        if span.parent_id().is_none() {
            let kind = tags[0].as_ref();
            assert!(
                kind.is_none_or(|kind| kind.as_str().is_some()),
                "{sampler:?}: `sampler.type` is text"
            );
        } else {
            assert_eq!(
                tags,
                [None, None],
                "{sampler:?}: only roots say who decided"
            );
        }
    }
    let stats = test.tracer().stats();
    assert_eq!(
        stats.refused as usize + expected.len() / 2,
        ROOTS,
        "{sampler:?}: roots are started or refused"
    );
}

fn does_not_overrule_the_caller(sampler: &Sampler) {
    let test = test_with(sampler);
    for decision in [Decision::Refused, Decision::Sampled, Decision::Debug] {
        let caller = SpanContext::remote(TraceId::from(7), 8.into(), decision);
        let span = test.tracer().build_span("server").child_of(&caller).start();
        assert_eq!(
            span.context().decision(),
            decision,
            "{sampler:?}: the caller's decision holds"
        );
    }
    assert!(
        test.spans()
            .iter()
            .all(|span| span.tag(tags::SAMPLER_TYPE).is_none())
    );
}

fn decides_on_many_threads(sampler: &Sampler) {
    let test = test_with(sampler);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..ROOTS {
                    test.tracer().start_active_span("root").finish();
                }
            });
        }
    });
    let stats = test.tracer().stats();
    // A root that was left undecided had a span of its own until it was refused.
    assert_eq!(
        (stats.started - stats.not_kept + stats.refused) as usize,
        4 * ROOTS,
        "{sampler:?}: each root is sampled or refused, and once: {stats:?}"
    );
    test.forget();
}
