//! Where nothing is recorded, nothing is allocated: without a tracer, with a disabled one, and in refused traces.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use allocation_counter::measure;
use tracer_core::{
    NullReporter, Sampler, SpanKind, TraceFuture, Tracer, active_span, carry, traced,
};

#[traced]
fn plain(n: u32) -> u32 {
    n + 1
}

#[traced(name = "with tags", tags(n, text = %n))]
fn with_tags(n: u32) -> u32 {
    n + 1
}

#[traced]
async fn asynchronous(n: u32) -> u32 {
    n + 1
}

/// Everything users do with spans of a tracer, in one request.
fn request(tracer: &Tracer) {
    let root = tracer.start_active_span("root");
    root.set_tag("k", 7)
        .set_tag("text", "value")
        .log((("event", "x"), ("n", 7)))
        .set_operation_name("other");
    for _ in 0..3 {
        let child = tracer.start_active_span("child");
        child.log([("event", "y")]);
        active_span().set_tag("k", true);
    }
    let mut span = tracer.start_span("span");
    span.set_tag("k", 0.5).log_error(&std::fmt::Error);
    black_box(span.context());
    span.finish();
    tracer
        .build_span("built")
        .kind(SpanKind::Client)
        .ignore_active()
        .start()
        .finish();
    let future = pin!(
        async { active_span().set_tag("k", "v").is_recording() }
            .in_span(tracer.start_span("future"))
    );
    assert!(
        future
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    );
    carry(|| tracer.start_active_span("carried").finish())();
}

fn traced_functions() {
    black_box(plain(1));
    black_box(with_tags(1));
    let future = pin!(asynchronous(1));
    assert!(
        future
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    );
}

/// Allocations of a hundred rounds, after one that may set things up.
fn allocations(mut work: impl FnMut()) -> u64 {
    work();
    measure(|| (0..100).for_each(|_| work())).count_total
}

fn build(sampler: Sampler) -> Tracer {
    Tracer::builder("off")
        .sampler(sampler)
        .reporter(NullReporter)
        .build()
        .unwrap()
}

#[test]
fn without_a_tracer_nothing_is_allocated() {
    assert_eq!(
        measure(traced_functions).count_total,
        0,
        "not even the first time"
    );
    assert_eq!(allocations(traced_functions), 0);
    assert_eq!(allocations(|| request(&tracer_core::tracer())), 0);
}

#[test]
fn disabled_tracer_allocates_nothing() {
    let tracer = Tracer::disabled();
    assert_eq!(
        measure(|| request(&tracer)).count_total,
        0,
        "not even the first time"
    );
    let _default = tracer.set_default();
    assert_eq!(allocations(traced_functions), 0);
}

#[test]
fn refused_traces_allocate_nothing() {
    for sampler in [
        Sampler::constant(false),
        Sampler::probabilistic(0.0).unwrap(),
        Sampler::rate_limiting(0.0).unwrap(),
    ] {
        let tracer = build(sampler);
        assert_eq!(allocations(|| request(&tracer)), 0);
        let _default = tracer.set_default();
        assert_eq!(allocations(traced_functions), 0);
        let _active = tracer.start_active_span("refused");
        assert_eq!(allocations(traced_functions), 0);
    }
}

#[test]
fn sampled_spans_without_tags_allocate_nothing_in_the_steady_state() {
    let tracer = build(Sampler::constant(true));
    let allocated = allocations(|| {
        let _root = tracer.start_active_span("root");
        tracer.start_active_span("child").finish();
        plain(1);
    });
    assert_eq!(allocated, 0);
}
