//! Everything a span holds is bounded, and what is cut says so.

use tracer_core::Baggage;
use tracer_testing::{TestTracer, assert_trace};

#[test]
fn tags_beyond_the_limit_are_left_out() {
    let test = TestTracer::with("it", |builder| builder.max_tags(2));
    let mut span = test.tracer().start_span("tags");
    span.set_tag("a", 1)
        .set_tag("b", 2)
        .set_tag("c", 3)
        .set_tag("a", 4);
    span.finish();
    assert_trace!(test, "tags {a=4, b=2, truncated=true}");
}

#[test]
fn logs_beyond_the_limit_are_left_out() {
    let test = TestTracer::with("it", |builder| builder.max_logs(2));
    let mut span = test.tracer().start_span("logs");
    for n in 0..5 {
        span.log([("n", n)]);
    }
    span.finish();
    assert_trace!(
        test,
        r#"logs {truncated=true} [n=0] [n=1] [event="dropped logs"]"#
    );
}

#[test]
fn values_are_cut_between_characters() {
    let test = TestTracer::with("it", |builder| builder.max_value_bytes(5));
    let mut span = test.tracer().start_span("values");
    span.set_tag("fits", "abcde")
        .set_tag("ascii", "abcdefgh")
        .set_tag("wide", "abcd\u{20ac}")
        .set_tag("all", "\u{1f980}\u{1f980}");
    span.set_tag("bytes", vec![0u8; 9])
        .log([("message", "\u{e9}\u{e9}\u{e9}")]);
    span.finish();
    assert_trace!(
        test,
        "values {all=\"\u{1f980}\", ascii=abcde, bytes=0x0000000000, fits=abcde, truncated=true, wide=abcd} [message=\u{e9}\u{e9}]"
    );
}

#[test]
fn nothing_that_fits_is_marked() {
    let test = TestTracer::new("it").strict();
    test.tracer()
        .start_span("fits")
        .set_tag("text", "x".repeat(4096));
    assert_eq!(test.spans()[0].tag("truncated"), None);
}

#[test]
fn all_text_of_a_span_is_bounded() {
    let test = TestTracer::with("it", |builder| builder.max_tags(1000).max_logs(1000)).strict();
    let mut span = test.tracer().start_span("much");
    for n in 0..500 {
        span.set_tag(format!("key-{n}"), "x".repeat(4096))
            .log([("message", "y".repeat(4096))]);
    }
    // Whatever came before, small things that need no room still fit.
    span.set_tag("number", 7);
    span.finish();
    let span = &test.spans()[0];
    let bytes: usize = span
        .tags()
        .map(|(key, value)| key.len() + value.to_string().len())
        .sum();
    assert!(bytes < 100_000, "{bytes}");
    assert_eq!(span.tag("truncated").unwrap().as_bool(), Some(true));
    assert_eq!(span.tag("number").unwrap().as_i64(), Some(7));
}

#[test]
fn overwriting_a_tag_forever_stays_within_the_bounds() {
    let test = TestTracer::new("it");
    let mut span = test.tracer().start_span("progress");
    for percent in 0..100_000 {
        span.set_tag(
            "progress",
            format!("{percent} of 100000 rows are done by now"),
        );
    }
    span.set_tag("rows", 100_000);
    span.finish();
    let span = &test.spans()[0];
    assert_eq!(span.tag("rows").unwrap().as_i64(), Some(100_000));
    assert_eq!(
        span.tag("progress").unwrap().as_str(),
        Some("99999 of 100000 rows are done by now")
    );
}

#[test]
fn renaming_forever_keeps_the_last_name() {
    let test = TestTracer::new("it");
    let mut span = test.tracer().start_span("first");
    for n in 0..100_000 {
        span.set_operation_name(format!("name number {n}"));
    }
    span.finish();
    assert_trace!(test, "name number 99999");
}

#[test]
fn baggage_beyond_the_limits_is_left_out_and_logged() {
    let test = TestTracer::new("it");
    let mut span = test.tracer().start_span("baggage");
    for n in 0..Baggage::MAX_ITEMS {
        span.set_baggage_item(&format!("k{n}"), "v");
    }
    span.set_baggage_item("one more", "v")
        .set_baggage_item("k0", &"x".repeat(Baggage::MAX_BYTES));
    assert_eq!(span.baggage_item("one more"), None);
    assert_eq!(span.baggage_item("k0"), Some("v"));
    span.finish();
    let span = &test.spans()[0];
    let refused = span
        .logs()
        .filter(|log| log.fields.iter().any(|(key, _)| *key == "invalid"))
        .count();
    assert_eq!(refused, 2);
}

#[test]
fn name_of_any_length_is_bounded_and_whole_characters() {
    let test = TestTracer::new("it");
    test.tracer()
        .start_span("\u{20ac}".repeat(1_000_000))
        .finish();
    let span = &test.spans()[0];
    let name = span.operation_name();
    assert!(!name.is_empty() && name.len() <= 60_000, "{}", name.len());
    assert!(name.chars().all(|c| c == '\u{20ac}'));
}

#[test]
fn long_keys_are_cut_and_stay_one_key() {
    let test = TestTracer::new("it");
    let mut span = test.tracer().start_span("keys");
    for n in 0..3 {
        span.set_tag("k".repeat(5_000), n);
    }
    span.finish();
    let span = &test.spans()[0];
    let long: Vec<_> = span
        .tags()
        .filter(|(key, _)| key.starts_with("kk"))
        .collect();
    assert_eq!(long.len(), 1);
    assert_eq!((long[0].0.len(), long[0].1.as_i64()), (1024, Some(2)));
}

#[test]
fn names_and_logs_survive_a_tag_that_is_set_again_and_again() {
    let test = TestTracer::with("it", |builder| builder.max_logs(1000)).strict();
    let mut span = test.tracer().start_span(String::from("owned name"));
    span.set_tag(String::from("owned key"), "first");
    for n in 0..10_000 {
        span.set_tag("progress", format!("{n:0>1000}"));
        if n % 1_000 == 0 {
            span.log([(String::from("owned field"), format!("at {n}"))]);
        }
    }
    span.finish();
    let span = &test.spans()[0];
    assert_eq!(span.operation_name(), "owned name");
    assert_eq!(span.tag("owned key").unwrap().as_str(), Some("first"));
    assert!(
        span.tag("progress")
            .unwrap()
            .as_str()
            .unwrap()
            .ends_with("09999")
    );
    let logs: Vec<_> = span.logs().map(|log| log.fields[0].1.to_string()).collect();
    assert_eq!(
        logs,
        (0..10)
            .map(|n| format!("at {}", n * 1_000))
            .collect::<Vec<_>>()
    );
    assert_eq!(span.tag("truncated"), None);
}
