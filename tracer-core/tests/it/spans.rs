//! One span: tags, logs, names, times, the end.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracer_core::{Span, SpanKind, TagValue, active_span};
use tracer_testing::{TestTracer, assert_trace};

#[test]
fn children_of_the_active_span_form_a_tree() {
    let test = TestTracer::new("it").strict();
    {
        let root = test.tracer().start_active_span("root");
        root.set_tag("user", "bryan");
        test.tracer()
            .start_active_span("first")
            .log((("event", "x"), ("n", 7)));
        let second = test.tracer().start_active_span("second");
        test.tracer().start_span("leaf").finish();
        second.finish();
    }
    assert_trace!(
        test,
        "
        root {user=bryan}
          first [event=x, n=7]
          second
            leaf
        "
    );
    let stats = test.tracer().stats();
    assert_eq!(
        (stats.started, stats.finished, stats.open(), stats.queued),
        (4, 4, 0, 0)
    );
}

#[test]
fn tags_keep_their_types_and_the_last_value_of_a_key() {
    let test = TestTracer::new("it").strict();
    let mut span = test.tracer().start_span("tags");
    span.set_tag("bool", true)
        .set_tag("i64", -7)
        .set_tag("u8", 255u8)
        .set_tag("f64", 0.5)
        .set_tag("text", "a b");
    span.set_tag("bytes", vec![1u8, 2])
        .set_tag("over", "long value")
        .set_tag("over", 1)
        .set_tag("unicode \u{200b}", "å");
    span.set_tag(String::from("made at run time"), String::from("too"));
    span.finish();
    assert_trace!(
        test,
        r#"tags {bool=true, bytes=0x0102, f64=0.5, i64=-7, made at run time=too, over=1, text="a b", u8=255, "unicode \u{200b}"=å}"#
    );
}

#[test]
fn later_value_keeps_the_place_of_the_key() {
    let test = TestTracer::new("it");
    test.tracer()
        .start_span("order")
        .set_tag("a", 1)
        .set_tag("b", 2)
        .set_tag("a", "three");
    let spans = test.spans();
    let tags: Vec<_> = spans[0]
        .tags()
        .filter(|(key, _)| !key.starts_with("sampler."))
        .collect();
    assert_eq!(
        tags,
        [("a", TagValue::from("three")), ("b", TagValue::from(2))]
    );
}

#[test]
fn logs_take_tuples_arrays_vectors_and_maps() {
    let test = TestTracer::new("it").strict();
    let mut span = test.tracer().start_span("logs");
    span.log((("event", "tuple"), ("n", 1), ("half", 0.5), ("yes", true)));
    span.log([("event", "array"), ("more", "text")]);
    span.log(vec![("event", String::from("vec"))]);
    span.log(BTreeMap::from([("a", 1), ("b", 2)]));
    span.finish();
    assert_trace!(
        test,
        "logs [event=tuple, n=1, half=0.5, yes=true] [event=array, more=text] [event=vec] [a=1, b=2]"
    );
}

#[test]
fn logs_have_the_time_of_the_call_or_the_one_given() {
    let test = TestTracer::new("it").strict();
    let given = UNIX_EPOCH + Duration::from_millis(1_234_567_891);
    let mut span = test.tracer().start_span("times");
    span.log([("event", "now")])
        .log_at(given, [("event", "then")]);
    span.finish();
    let span = &test.spans()[0];
    let times: Vec<_> = span.logs().map(|log| log.time).collect();
    assert!(
        span.start() <= times[0] && times[0] <= span.start() + span.duration(),
        "{times:?}"
    );
    assert_eq!(times[1], given);
}

#[test]
fn errors_are_logged_with_their_causes() {
    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no amount")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let test = TestTracer::new("it").strict().mask("error.kind");
    test.tracer()
        .start_span("charge")
        .log_error(&Outer("x".parse::<i32>().unwrap_err()));
    assert_trace!(
        test,
        r#"charge {error=true} [event=error, error.kind=_, message="no amount: invalid digit found in string"]"#
    );
}

#[test]
fn operation_name_can_change_until_the_end() {
    let test = TestTracer::new("it").strict();
    let mut span = test.tracer().start_span("GET");
    span.set_operation_name("GET /orders/{id}");
    span.finish();
    let mut span = test.tracer().start_span(format!("made {}", 1));
    span.set_operation_name("made before")
        .set_operation_name(String::from("made at run time"));
    span.finish();
    let mut span = test.tracer().start_span(String::from("owned"));
    span.set_operation_name("borrowed");
    span.finish();
    assert_trace!(
        test,
        "
        GET /orders/{id}
        made at run time
        borrowed
        "
    );
}

#[test]
fn times_of_the_caller_are_kept() {
    let test = TestTracer::new("it").strict();
    let start = UNIX_EPOCH + Duration::from_nanos(1_600_000_000_123_456_789);
    let took = Duration::from_micros(1_500);
    test.tracer()
        .build_span("both")
        .start_time(start)
        .start()
        .finish_at(start + took);
    test.tracer()
        .build_span("backwards")
        .start_time(start)
        .start()
        .finish_at(start - took);
    test.tracer()
        .build_span("scope")
        .start_time(start)
        .start_active()
        .finish_at(start + took);
    let spans = test.spans();
    let times: Vec<_> = spans
        .iter()
        .map(|span| (span.operation_name(), span.start(), span.duration()))
        .collect();
    let mut expected = [
        ("both", start, took),
        ("backwards", start, Duration::ZERO),
        ("scope", start, took),
    ];
    let mut times = times;
    times.sort_unstable();
    expected.sort_unstable();
    assert_eq!(times, expected);
}

#[test]
fn one_time_of_the_caller_meets_the_clock_at_the_other_end() {
    let test = TestTracer::new("it").strict();
    let hour = Duration::from_secs(3600);
    test.tracer()
        .build_span("began")
        .start_time(SystemTime::now() - hour)
        .start()
        .finish();
    test.tracer()
        .start_span("ends")
        .finish_at(SystemTime::now() + hour);
    for span in test.spans() {
        let slack = Duration::from_secs(60);
        assert!(
            span.duration() > hour - slack && span.duration() < hour + slack,
            "{span:?}"
        );
    }
}

#[test]
fn kind_is_a_tag() {
    let test = TestTracer::new("it").strict();
    for kind in [
        SpanKind::Client,
        SpanKind::Server,
        SpanKind::Producer,
        SpanKind::Consumer,
    ] {
        test.tracer()
            .build_span(kind.as_str())
            .kind(kind)
            .start()
            .finish();
    }
    assert_trace!(
        test,
        "
        client {span.kind=client}
        server {span.kind=server}
        producer {span.kind=producer}
        consumer {span.kind=consumer}
        "
    );
}

#[test]
fn after_the_end_a_handle_sets_nothing_and_is_counted() {
    let test = TestTracer::new("it");
    let scope = test.tracer().start_active_span("ended");
    let handle = active_span();
    handle.set_tag("in", "time");
    let context = scope.context();
    scope.finish();
    handle
        .set_tag("too", "late")
        .log([("event", "late")])
        .set_operation_name("late")
        .set_baggage_item("k", "late");
    assert!(!handle.is_recording() && handle.context().is_none());
    assert!(context.is_valid(), "the context outlives the span");
    assert_trace!(test, "ended {in=time}");
    assert_eq!(test.tracer().stats().tags_ignored, 4);
}

#[test]
fn handle_never_reaches_another_span_in_the_same_place() {
    let test = TestTracer::new("it");
    let first = test.tracer().start_active_span("first");
    let handle = active_span();
    first.finish();
    let second = test.tracer().start_active_span("second");
    handle.set_tag("of", "first");
    second.finish();
    assert_trace!(test, "first\nsecond");
}

#[test]
fn elapsed_time_grows_while_the_span_is_open() {
    let test = TestTracer::new("it").strict();
    let span = test.tracer().start_span("timed");
    let first = span.elapsed();
    assert!(span.elapsed() >= first);
    assert_eq!(Span::disabled().elapsed(), Duration::ZERO);
    span.finish();
    test.forget();
}

#[test]
fn spans_and_contexts_go_to_other_threads() {
    fn sends<T: Send>() {}
    fn shares<T: Send + Sync>() {}
    fn unwinds<T: std::panic::UnwindSafe>() {}
    sends::<Span>();
    shares::<tracer_core::SpanContext>();
    shares::<tracer_core::Tracer>();
    unwinds::<&tracer_core::Tracer>();
    sends::<tracer_core::SpanBuilder<'static>>();
}

#[test]
fn starts_follow_the_wall_clock() {
    let test = TestTracer::new("it").strict();
    let mut times = Vec::new();
    for _ in 0..200 {
        let before = SystemTime::now();
        test.tracer().start_span("root").finish();
        times.push((before, SystemTime::now()));
    }
    let slack = Duration::from_millis(50); // drift within the second an anchor serves, and calibration of the counter
    for (span, (before, after)) in test.spans().iter().zip(times) {
        assert!(
            before - slack <= span.start() && span.start() <= after + slack,
            "{span:?}"
        );
    }
}
