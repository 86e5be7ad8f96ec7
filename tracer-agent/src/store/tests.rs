//! The store by itself: bounds, eviction, searching.

use std::sync::Arc;
use std::time::Duration;

use super::{Query, Store};
use crate::model::{Process, RefType, Reference, Span, SpanId, Tag, TagValue, TraceId};

fn process(service: &str) -> Arc<Process> {
    Arc::new(Process {
        service: service.into(),
        tags: Box::default(),
    })
}

fn span(trace: u128, id: u64, operation: &str) -> Span {
    Span {
        trace_id: TraceId::new(trace),
        span_id: SpanId::new(id),
        parent_span_id: None,
        operation: operation.into(),
        references: Box::default(),
        flags: 1,
        tags: Box::new([Tag::new("n", TagValue::Int(id as i64))]),
        logs: Box::default(),
        process: process("shop"),
        start_micros: trace as u64 * 1_000,
        duration_micros: id,
    }
}

fn of_service(service: &str, span: Span) -> Span {
    Span {
        process: process(service),
        ..span
    }
}

fn store() -> Store {
    Store::new(16 << 20, 1_000)
}

fn ids(traces: &[Arc<crate::model::Trace>]) -> Vec<u128> {
    traces.iter().map(|trace| trace.id().get()).collect()
}

#[test]
fn each_span_keeps_its_own_process() {
    let store = store();
    store.insert(vec![span(1, 1, "a")]);
    // As a file has them, one beside the other.
    let (shop, db) = (process("shop"), process("db"));
    let of = |process: &Arc<Process>, id| Span {
        process: Arc::clone(process),
        ..span(1, id, "b")
    };
    store.insert(vec![of(&shop, 2), of(&db, 3), of(&shop, 4), of(&db, 5)]);
    let trace = store.trace(TraceId::new(1)).unwrap();
    let services: Vec<_> = trace.spans().map(Span::service).collect();
    assert_eq!(services, ["shop", "shop", "db", "shop", "db"]);
    let mut processes: Vec<_> = trace
        .spans()
        .map(|span| Arc::as_ptr(&span.process))
        .collect();
    processes.sort_unstable();
    processes.dedup();
    assert_eq!(processes.len(), 2, "each is there once");
}

#[test]
fn a_span_that_says_its_parent_in_another_way_is_the_same() {
    let (parent, child) = (SpanId::new(1), span(1, 2, "child"));
    let reference = |ref_type, span_id| Reference {
        ref_type,
        trace_id: child.trace_id,
        span_id,
    };
    let by_id = Span {
        parent_span_id: Some(parent),
        ..child.clone()
    };
    let child_of = reference(RefType::ChildOf, parent);
    let by_reference = Span {
        references: Box::new([child_of]),
        ..child.clone()
    };
    let by_both = Span {
        parent_span_id: Some(parent),
        ..by_reference.clone()
    };
    let of_another = Span {
        references: Box::new([child_of, reference(RefType::FollowsFrom, SpanId::new(7))]),
        ..child.clone()
    };
    let store = store();
    store.insert(vec![by_id, by_reference, by_both]);
    assert_eq!(
        (store.stats().spans_kept, store.stats().spans_repeated),
        (1, 2)
    );
    store.insert(vec![of_another, child]);
    assert_eq!(store.stats().spans_kept, 3);
}

#[test]
fn a_refused_span_is_counted_and_sent_on_once() {
    let store = Store::new(16 << 20, 1);
    let batch = || vec![span(1, 1, "kept"), span(1, 2, "refused")];
    let new = |new: Vec<Arc<[Span]>>| new.iter().map(|spans| spans.len()).sum::<usize>();
    assert_eq!(new(store.insert(batch())), 2);
    assert_eq!(new(store.insert(batch())), 0);
    let stats = store.stats();
    assert_eq!((stats.spans_refused, stats.spans_repeated), (1, 2));
    assert_eq!(store.trace(TraceId::new(1)).unwrap().refused(), 1);
}

#[test]
fn a_trace_of_which_nothing_is_kept_is_none() {
    let store = Store::new(10_000, 1_000);
    let mut large = span(1, 1, "large");
    large.tags = Box::new([Tag::new("text", TagValue::String("x".repeat(9_000).into()))]);
    store.insert(vec![large]);
    assert!(store.trace(TraceId::new(1)).is_none());
    let stats = store.stats();
    assert_eq!(
        (stats.traces_kept, stats.spans_refused, stats.bytes),
        (0, 1, 0)
    );
}

#[test]
fn the_overflow_list_is_found_by_its_name() {
    let store = store();
    let names = (0..=500).map(|n| of_service(&format!("s{n}"), span(n + 1, 1, "op")));
    store.insert(names.collect());
    let found = store.find(&Query::new().service("__overflow__"));
    assert_eq!(ids(&found), [501]);
}

#[test]
fn the_newest_is_the_one_that_started_last() {
    let store = store();
    // A packet brings the spans of one thread after those of another.
    for trace in [1, 3, 4, 2] {
        store.insert(vec![span(trace, 1, "op")]);
    }
    assert_eq!(ids(&store.find(&Query::new().limit(1))), [4]);
    assert_eq!(ids(&store.find(&Query::new().limit(3))), [4, 3, 2]);
    assert!(store.find(&Query::new().limit(0)).is_empty());
}

#[test]
fn numbers_are_found_in_any_form() {
    let store = store();
    let tagged = |trace, value| Span {
        tags: Box::new([Tag::new("n", value)]),
        ..span(trace, 1, "op")
    };
    store.insert(vec![
        tagged(1, TagValue::Float(1.0)),
        tagged(2, TagValue::Float(1e21)),
        tagged(3, TagValue::Int(5)),
        tagged(4, TagValue::Int(i64::MAX)),
    ]);
    for (text, expected) in [
        ("1", &[1][..]),
        ("1.0", &[1]),
        ("1e21", &[2]),
        ("1e+21", &[2]),
        ("5.0", &[3]),
        ("9223372036854775807", &[4]),
        ("9223372036854775806.0", &[]),
        ("five", &[]),
    ] {
        assert_eq!(
            ids(&store.find(&Query::new().tag("n", text))),
            expected,
            "{text}"
        );
    }
}

#[test]
fn a_trace_is_put_together_from_batches_of_several_processes() {
    let store = store();
    store.insert(vec![span(1, 1, "a"), span(2, 1, "b"), span(1, 2, "c")]);
    store.insert(vec![of_service("db", span(1, 3, "d"))]);
    let trace = store.trace(TraceId::new(1)).unwrap();
    let operations: Vec<_> = trace.spans().map(|span| &*span.operation).collect();
    assert_eq!(operations, ["a", "c", "d"]);
    assert_eq!(trace.services(), ["db", "shop"]);
    assert_eq!(store.services(), ["db", "shop"]);
    assert_eq!(store.operations("shop"), ["a", "b", "c"]);
    assert!(store.trace(TraceId::new(3)).is_none());
}

#[test]
fn repeated_spans_are_kept_once_and_different_ones_of_the_same_id_both() {
    let store = store();
    store.insert(vec![span(1, 1, "a")]);
    store.insert(vec![
        span(1, 1, "a"),
        span(1, 1, "b"),
        of_service("db", span(1, 1, "a")),
    ]);
    assert_eq!(store.trace(TraceId::new(1)).unwrap().len(), 3);
    assert_eq!(
        (store.stats().spans_repeated, store.stats().spans_kept),
        (1, 3)
    );
}

#[test]
fn spans_without_ids_are_counted_and_left_out() {
    let store = store();
    store.insert(vec![span(0, 1, "a"), span(1, 0, "a"), span(1, 1, "a")]);
    let stats = store.stats();
    assert_eq!(
        (stats.spans_received, stats.spans_invalid, stats.spans_kept),
        (3, 2, 1)
    );
}

#[test]
fn the_oldest_traces_go_when_the_cap_is_reached() {
    let store = Store::new(64 << 10, 1_000);
    for trace in 1..=1_000 {
        store.insert(vec![span(trace, 1, &format!("op-{}", trace % 10))]);
        // The first trace goes on all the time and must outlive those between.
        store.insert(vec![of_service("loop", span(1, trace as u64, "tick"))]);
    }
    let stats = store.stats();
    assert!(stats.bytes <= 64 << 10, "{stats:?}");
    assert!(stats.traces_evicted > 800, "{stats:?}");
    assert_eq!(stats.traces_kept + stats.traces_evicted, 1_000);
    let sum = stats.spans_kept
        + stats.spans_evicted
        + stats.spans_refused
        + stats.spans_repeated
        + stats.spans_invalid;
    assert_eq!(stats.spans_received, sum);
    assert!(store.trace(TraceId::new(1_000)).is_some() && store.trace(TraceId::new(2)).is_none());
    assert!(
        store.trace(TraceId::new(1)).is_some(),
        "evicted by last update"
    );
}

#[test]
fn an_evicted_trace_leaves_nothing_behind() {
    let store = Store::new(8 << 10, 1_000);
    store.insert(vec![of_service("gone", span(1, 1, "gone"))]);
    for trace in 2..100 {
        store.insert(vec![span(trace, 1, "stays")]);
    }
    assert_eq!(store.services(), ["shop"]);
    assert_eq!(store.operations("shop"), ["stays"]);
    assert!(store.operations("gone").is_empty());
    assert!(store.find(&Query::new().service("gone")).is_empty());
}

#[test]
fn a_huge_trace_is_bounded_and_marked() {
    let store = Store::new(1 << 20, 100);
    store.insert((1..=150).map(|id| span(1, id, "many")).collect());
    let trace = store.trace(TraceId::new(1)).unwrap();
    assert_eq!((trace.len(), trace.refused()), (100, 50));
    assert_eq!(store.stats().spans_refused, 50);

    let store = Store::new(64 << 10, 1_000_000);
    store.insert(vec![span(2, 1, "other")]);
    store.insert((1..=1_000).map(|id| span(1, id, "many")).collect());
    assert!(
        store.trace(TraceId::new(2)).is_some(),
        "one trace takes at most half"
    );
    assert!(store.stats().bytes <= 64 << 10);
}

#[test]
fn names_are_bounded_and_what_is_beyond_is_still_found() {
    let store = Store::new(256 << 20, 100_000);
    for n in 1..=5_000 {
        store.insert(vec![span(n, 1, &format!("GET /{n}"))]);
    }
    for n in 1..=1_000 {
        store.insert(vec![of_service(
            &format!("service-{n}"),
            span(10_000 + n, 1, "op"),
        )]);
    }
    let operations = store.operations("shop");
    assert_eq!(operations.len(), 2_001);
    assert_eq!(operations.last().map(String::as_str), Some("__overflow__"));
    assert_eq!(store.services().len(), 501);
    assert_eq!(
        ids(&store.find(&Query::new().service("shop").operation("GET /4321"))),
        [4_321]
    );
    assert_eq!(
        ids(&store.find(&Query::new().service("service-999"))),
        [10_999]
    );

    let long = "x".repeat(10_000);
    store.insert(vec![span(20_000, 1, &long)]);
    assert!(store.operations("shop").iter().all(|name| name.len() < 300));
    assert_eq!(
        ids(&store.find(&Query::new().service("shop").operation(long))),
        [20_000]
    );
}

#[test]
fn a_search_finds_the_newest_that_meet_every_condition_in_one_span() {
    let store = store();
    for trace in 1..=600 {
        let operation = if trace % 100 == 0 { "rare" } else { "common" };
        store.insert(vec![
            span(trace, trace as u64, operation),
            of_service("db", span(trace, 1_000, "SELECT")),
        ]);
    }
    let at = |trace: u64| std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(trace);
    let shop = || Query::new().service("shop");
    for (query, expected) in [
        (Query::new().limit(3), vec![600, 599, 598]),
        (shop().limit(2), vec![600, 599]),
        (shop().operation("rare").limit(3), vec![600, 500, 400]),
        (shop().operation("SELECT"), vec![]),
        (shop().tag("n", "7"), vec![7]),
        (shop().tag("n", "1000"), vec![]),
        (shop().tag("n", "7").tag("n", "8"), vec![]),
        (
            shop().min_duration(Duration::from_micros(599)),
            vec![600, 599],
        ),
        (shop().max_duration(Duration::from_micros(2)), vec![2, 1]),
        (shop().start_min(at(599)), vec![600, 599]),
        (shop().start_max(at(2)), vec![2, 1]),
        (shop().limit(0), vec![]),
        (Query::new().service("nobody"), vec![]),
    ] {
        assert_eq!(ids(&store.find(&query)), expected, "{query:?}");
    }
}

#[test]
fn waiting_ends_when_the_spans_are_there_or_the_time_is_up() {
    let store = store();
    let sender = store.clone();
    let thread = std::thread::spawn(move || {
        for id in 1..=50 {
            sender.insert(vec![span(1, id, "a")]);
        }
    });
    let found = store
        .wait_for_spans(TraceId::new(1), 50, Duration::from_secs(20))
        .unwrap();
    assert_eq!(found.len(), 50);
    thread.join().unwrap();
    let found = store.wait_for(
        &Query::new().service("shop"),
        |trace| trace.len() == 50,
        Duration::ZERO,
    );
    assert!(found.is_ok());

    let error = store
        .wait_for_spans(TraceId::new(1), 51, Duration::from_millis(1))
        .unwrap_err();
    let text = "waited 1ms for 51 spans of trace 0000000000000001: 50 spans arrived, and the condition is not met";
    assert_eq!(error.to_string(), text);
    let error = store
        .wait_for_trace(TraceId::new(2), |_| true, Duration::from_millis(1))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "waited 1ms for trace 0000000000000002: nothing arrived"
    );
}
