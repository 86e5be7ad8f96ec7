//! Traces that the sampler refused and that are kept for what became of them.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, SystemTime};

use tracer_core::{
    Decision, KeepPolicy, MemoryReporter, Sampler, SpanContext, SpanRecord, SpanSlot, TagValue,
    TextMap, TraceFuture, Tracer, TracerBuilder, active_span, carry, traced,
};
use tracer_testing::{TestTracer, assert_trace};

use crate::{Dice, PATIENCE, assert_ledger};

const SLOW: Duration = Duration::from_millis(500);
const POLICY: KeepPolicy = KeepPolicy::errors().or_slower_than(SLOW);

fn test() -> TestTracer {
    TestTracer::with("it", |builder| {
        builder.sampler(Sampler::constant(false)).keep(POLICY)
    })
    .strict()
    .show("sampler.*")
}

/// Starts a root a time before now.
fn root_since(tracer: &Tracer, ago: Duration) -> tracer_core::Scope {
    let start = SystemTime::now() - ago;
    tracer.build_span("root").start_time(start).start_active()
}

#[test]
fn failing_and_slow_traces_are_kept_whole() {
    let test = test();
    let request = |took: Duration, error: bool| {
        // Each later than the one before, for trees stand in the order of time.
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000) + took;
        let root = test.tracer().build_span("root").start_time(start);
        let root = root.start_active();
        root.set_tag("took", took.as_millis() as i64);
        test.tracer()
            .start_active_span("first")
            .log([("event", "x")]);
        {
            let _outer = test.tracer().start_active_span("outer");
            test.tracer()
                .start_active_span("inner")
                .set_tag("error", error);
        }
        test.tracer().start_span("last").finish();
        root.finish_at(start + took);
    };
    request(Duration::from_millis(3), false);
    request(Duration::from_millis(5), true);
    request(SLOW, false);
    request(SLOW + Duration::from_millis(1), false);
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.finished), (20, 20));
    assert_eq!((stats.not_kept, stats.no_room, stats.held), (10, 0, 0));
    assert_eq!(stats.refused, 4);
    assert_ledger(&stats);
    assert_trace!(
        test,
        "
        root {sampler.param=error, sampler.type=tail, took=5}
          first [event=x]
          outer
            inner {error=true}
          last
        root {sampler.param=slow, sampler.type=tail, took=501}
          first [event=x]
          outer
            inner {error=false}
          last
        "
    );
}

#[test]
fn head_decision_travels_and_records_say_sampled() {
    let test = test();
    let root = root_since(test.tracer(), 2 * SLOW);
    let inject = |context: &SpanContext| {
        let mut map = BTreeMap::new();
        test.tracer().inject(context, &mut TextMap(&mut map));
        (map["traceparent"].clone(), map["uber-trace-id"].clone())
    };
    let context = root.context();
    assert!(root.is_recording() && context.is_recorded() && !context.is_sampled());
    let before = inject(&context);
    assert!(
        before.0.ends_with("-02") && before.1.ends_with(":0"),
        "{before:?}"
    );
    test.tracer()
        .start_active_span("child")
        .set_tag("error", true);
    assert_eq!(inject(&context), before, "others have dropped their spans");
    assert_eq!(context.decision(), Decision::Refused);
    drop(root);
    for span in test.spans() {
        assert_eq!(span.context().flags(), 1, "backends are to store it");
    }
    // What the caller decided is kept to, too.
    let map = BTreeMap::from([("uber-trace-id".to_owned(), "1234:5678:0:0".to_owned())]);
    let caller = test.tracer().extract(&TextMap(&map)).unwrap().unwrap();
    let server = test
        .tracer()
        .build_span("server")
        .child_of(&caller)
        .start_active();
    assert!(inject(&server.context()).1.ends_with(":0"));
    server.set_tag("error", true);
    drop(server);
    assert_trace!(
        test,
        "server {error=true, sampler.param=error, sampler.type=tail} (parent elsewhere)"
    );
}

#[test]
fn sampled_traces_are_not_held() {
    let test = TestTracer::with("it", |builder| builder.keep(POLICY)).show("sampler.*");
    let root = test.tracer().start_active_span("root");
    test.tracer().start_span("child").finish();
    assert_eq!(test.tracer().stats().held, 0);
    root.set_tag("error", true);
    drop(root);
    assert_trace!(
        test,
        "
        root {error=true, sampler.param=true, sampler.type=const}
          child
        "
    );
}

#[test]
fn late_children_of_a_kept_trace_are_reported_and_of_others_counted() {
    let test = test();
    for error in [true, false] {
        let root = test.tracer().start_span("root");
        let context = root.context();
        let mut open = context.in_scope(|| test.tracer().start_span("open"));
        let mut first = context.in_scope(|| test.tracer().start_span("first"));
        first.set_tag("error", error);
        first.finish();
        root.finish();
        // Too late to count.
        open.set_tag("error", true);
        open.finish();
        let late = test.tracer().build_span("late").child_of(&context).start();
        assert_eq!(late.is_recording(), error);
        assert_eq!(late.context().is_recorded(), error);
        assert!(!late.context().is_sampled());
        late.context()
            .in_scope(|| test.tracer().start_span("under late").finish());
    }
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.not_kept, stats.held), (8, 3, 0));
    assert_ledger(&stats);
    assert_trace!(
        test,
        "
        root {sampler.param=error, sampler.type=tail}
          open {error=true}
          first {error=true}
          late
            under late
        "
    );
}

#[test]
fn priority_after_the_trace_was_kept_tells_others() {
    let test = test();
    let root = test.tracer().start_active_span("root");
    test.tracer()
        .start_active_span("child")
        .set_tag("error", true);
    assert_eq!(root.context().decision(), Decision::Refused);
    root.set_tag("sampling.priority", 1);
    assert_eq!(root.context().decision(), Decision::Debug);
    drop(root);
    assert_trace!(
        test,
        "
        root {sampler.param=error, sampler.type=tail}
          child {error=true}
        "
    );
}

#[test]
fn priority_above_zero_reports_and_zero_forbids() {
    let test = test();
    for priority in [0, 1] {
        let root = test.tracer().start_active_span("root");
        test.tracer()
            .start_active_span("child")
            .set_tag("n", priority);
        root.set_tag("sampling.priority", priority);
        root.set_tag("error", true);
        test.tracer()
            .start_active_span("later")
            .set_tag("error", true);
    }
    assert_trace!(
        test,
        "
        root {error=true}
          child {n=1}
          later {error=true}
        "
    );
}

#[test]
fn functions_threads_and_futures_belong_to_the_trace() {
    #[traced]
    fn sync(fail: bool) {
        active_span().set_tag("error", fail);
    }
    #[traced]
    async fn asynchronous(fail: bool) {
        sync(fail);
    }
    #[traced(err)]
    fn failing() -> Result<(), String> {
        Err("broken".into())
    }
    fn run(future: impl Future<Output = ()>) {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(future).poll(&mut cx).is_ready());
    }

    let test = test().hide("code.*");
    let _default = test.tracer().set_default();
    for fail in [false, true] {
        let root = test.tracer().start_span("root");
        let work = async {
            sync(false);
            asynchronous(false).await;
            let task = carry(|| test.tracer().start_span("on a thread").finish());
            thread::scope(|scope| scope.spawn(task).join()).unwrap();
            run(async { sync(fail) }.in_current_context());
        };
        run(work.in_span(root));
    }
    {
        let _root = test.tracer().start_active_span("root");
        assert!(failing().is_err());
    }
    let stats = test.tracer().stats();
    assert_eq!((stats.not_kept, stats.held), (6, 0), "{stats:?}");
    assert_ledger(&stats);
    assert_trace!(
        test,
        "
        root {sampler.param=error, sampler.type=tail}
          sync {error=false}
          asynchronous
            sync {error=false}
          on a thread
          sync {error=true}
        root {sampler.param=error, sampler.type=tail}
          failing {error=true} [event=error, error.kind=alloc::string::String, message=broken]
        "
    );
}

#[test]
fn panic_makes_a_trace_worth_keeping() {
    let test = test();
    let tracer = test.tracer();
    let caught = std::panic::catch_unwind(|| {
        let _root = tracer.start_active_span("root");
        let _child = tracer.start_active_span("child");
        panic!("as planned");
    });
    assert!(caught.is_err());
    assert_trace!(
        test,
        "
        root {error=true, sampler.param=error, sampler.type=tail} [event=error, error.kind=panic, message=\"the function panicked\"]
          child {error=true} [event=error, error.kind=panic, message=\"the function panicked\"]
        "
    );
}

#[test]
fn scopes_closed_out_of_order_are_held_too() {
    let test = TestTracer::with("it", |builder| {
        builder.sampler(Sampler::constant(false)).keep(POLICY)
    });
    let root = test.tracer().start_active_span("root");
    let outer = test.tracer().start_active_span("outer");
    let inner = test.tracer().start_active_span("inner");
    drop(outer);
    inner.set_tag("error", true);
    drop(inner);
    let mut slot = SpanSlot::new(root.into_span());
    #[expect(clippy::mem_forget, reason = "what is tested")]
    slot.enter(|| std::mem::forget(test.tracer().start_active_span("leaked")));
    slot.finish();
    assert_trace!(
        test,
        "
        root
          outer
            inner {error=true}
          leaked
        "
    );
}

#[test]
fn trace_without_room_is_dropped_and_counted() {
    let memory = MemoryReporter::new();
    let tracer = refusing(&memory).held_spans(10).build().unwrap();
    let large = tracer.start_span("large");
    let small = tracer.start_span("small");
    let child = |parent: &SpanContext, error: bool| {
        let mut child = tracer.build_span("child").child_of(parent).start();
        child.set_tag("error", error);
        child.finish();
    };
    child(&small.context(), false);
    for _ in 0..9 {
        child(&large.context(), false);
    }
    assert_eq!(tracer.stats().held, 10);
    // One more than there is room for: the trace it is of is given up, and does not come back.
    child(&large.context(), false);
    let stats = tracer.stats();
    assert_eq!((stats.held, stats.no_room), (1, 10), "{stats:?}");
    assert!(!large.context().is_recorded());
    child(&large.context(), true);
    large.finish();
    assert_eq!(tracer.stats().no_room, 11);
    child(&small.context(), true);
    small.finish();
    tracer.flush(PATIENCE).unwrap();
    assert_trace!(
        memory.take(),
        "
        small
          child {error=false}
          child {error=true}
        "
    );
    let stats = tracer.stats();
    assert_eq!((stats.held, stats.held_bytes, stats.lost()), (0, 0, 11));
    assert_ledger(&stats);
}

#[test]
fn bytes_are_bounded_with_what_spans_own() {
    const MOST: u64 = 100_000;
    let memory = MemoryReporter::new();
    let tracer = refusing(&memory).held_bytes(MOST as usize).build().unwrap();
    let roots: Vec<_> = (0..10).map(|_| tracer.start_span("root")).collect();
    let mut most = 0;
    for _ in 0..10 {
        for root in &roots {
            let mut child = tracer.build_span("child").child_of(&root.context()).start();
            child.set_tag("text", "x".repeat(3000));
            child.finish();
            most = most.max(tracer.stats().held_bytes);
        }
    }
    let stats = tracer.stats();
    assert!(most > MOST / 2 && most <= MOST, "{most}");
    assert!(stats.no_room > 10, "{stats:?}");
    drop(roots);
    let stats = tracer.stats();
    assert_eq!((stats.held, stats.held_bytes), (0, 0));
    assert_ledger(&stats);
}

#[test]
fn spans_that_another_tracer_starts_follow_what_is_decided() {
    let test = test();
    let other = test.service("other");
    for error in [true, false] {
        let root = test.tracer().start_active_span("root");
        other.start_span("early").finish();
        test.tracer()
            .start_active_span("child")
            .set_tag("error", error);
        other.start_active_span("late").set_tag("n", 1);
        drop(root);
    }
    assert_trace!(
        test,
        "
        root {sampler.param=error, sampler.type=tail} @it
          child {error=true} @it
          late {n=1} @other
        "
    );
    for stats in [test.tracer().stats(), other.stats()] {
        assert_eq!((stats.open(), stats.held), (0, 0));
        assert_ledger(&stats);
    }
    assert_eq!(other.stats().not_kept, 3);
}

#[test]
fn what_is_kept_after_the_shutdown_is_counted() {
    let memory = MemoryReporter::new();
    let tracer = refusing(&memory).build().unwrap();
    let root = tracer.start_active_span("root");
    tracer.start_span("child").finish();
    tracer.shutdown(PATIENCE).unwrap();
    assert_eq!(tracer.stats().held, 1);
    root.set_tag("error", true);
    drop(root);
    let stats = tracer.stats();
    assert_eq!(
        (stats.held, stats.after_shutdown, stats.held_bytes),
        (0, 2, 0)
    );
    assert_ledger(&stats);
}

fn refusing(memory: &MemoryReporter) -> TracerBuilder {
    let builder = Tracer::builder("shop").sampler(Sampler::constant(false));
    builder.reporter(memory.clone()).keep(POLICY)
}

const MOST_BYTES: usize = 1 << 20;

/// A request of five spans, with times of its own. Some end before the one that failed, some after it.
fn request(tracer: &Tracer, number: u64, took: Duration, fails: bool) {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + number);
    let root = tracer
        .build_span("request")
        .start_time(start)
        .tag("number", number);
    let root = root.start_active();
    tracer
        .start_active_span("read")
        .log([("event", "row"), ("id", "7")]);
    {
        let _charge = tracer.start_active_span("charge");
        tracer.start_active_span("call").set_tag("error", fails);
    }
    tracer.start_active_span("write").set_tag("rows", 3);
    root.finish_at(start + took);
}

#[test]
fn of_100_000_requests_exactly_the_100_that_matter_arrive_complete() {
    const REQUESTS: u64 = 100_000;
    const THREADS: u64 = 4;
    let memory = MemoryReporter::with_capacity(10_000);
    let tracer = refusing(&memory).held_bytes(MOST_BYTES).build().unwrap();
    // Which ones is drawn, the same ones each time.
    let mut dice = Dice(7);
    let mut fates = HashMap::new();
    while fates.len() < 100 {
        let fails = fates.len() % 2 == 0;
        fates.entry(dice.roll(REQUESTS)).or_insert(fails);
    }
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (tracer, fates) = (&tracer, &fates);
            scope.spawn(move || {
                for number in (thread..REQUESTS).step_by(THREADS as usize) {
                    match fates.get(&number) {
                        Some(true) => request(tracer, number, SLOW / 10, true),
                        Some(false) => request(tracer, number, SLOW * 2, false),
                        None => request(tracer, number, SLOW / 10, false),
                    }
                    if number % 64 == thread {
                        let stats = tracer.stats();
                        assert!(stats.held_bytes <= MOST_BYTES as u64, "{stats:?}");
                    }
                }
            });
        }
    });
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_eq!(
        (stats.started, stats.finished),
        (5 * REQUESTS, 5 * REQUESTS)
    );
    assert_eq!(
        (stats.not_kept, stats.refused),
        (5 * REQUESTS - 500, REQUESTS)
    );
    assert_eq!((stats.no_room, stats.held, stats.held_bytes), (0, 0, 0));
    assert_eq!(stats.reporters[0].reported, 500);
    assert_ledger(&stats);

    let mut traces: HashMap<_, Vec<SpanRecord>> = HashMap::new();
    for span in memory.take() {
        traces.entry(span.trace_id()).or_default().push(span);
    }
    let mut found = HashMap::new();
    for spans in traces.into_values() {
        let root = spans
            .iter()
            .find(|span| span.parent_id().is_none())
            .unwrap();
        let number = root.tag("number").and_then(|tag| tag.as_i64()).unwrap();
        let fails = fates[&(number as u64)];
        let why = if fails { "error" } else { "slow" };
        assert_eq!(root.tag("sampler.type"), Some(TagValue::from("tail")));
        assert_eq!(root.tag("sampler.param"), Some(TagValue::from(why)));
        let tree = format!(
            "
            request {{number={number}}}
              read [event=row, id=\"7\"]
              charge
                call {{error={fails}}}
              write {{rows=3}}
            "
        );
        assert_trace!(spans, &tree);
        found.insert(number as u64, fails);
    }
    assert_eq!(found, fates);
}

#[test]
fn a_span_of_a_given_identity_is_part_of_the_trace_that_is_held() {
    let test = test();
    let root = test.tracer().start_active_span("root");
    let own = test.tracer().start_span("forgotten").context();
    let given = test.tracer().build_span("given").self_reference(&own);
    given.tag("error", true).start().finish();
    drop(root);
    let names: Vec<_> = test
        .spans()
        .iter()
        .map(|span| span.operation_name().to_owned())
        .collect();
    assert!(names.contains(&"given".to_owned()), "{names:?}");
    assert_ledger(&test.tracer().stats());
    test.forget();
}
