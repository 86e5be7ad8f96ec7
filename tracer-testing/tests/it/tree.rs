use std::time::{Duration, UNIX_EPOCH};

use tracer_core::{Decision, SpanContext};
use tracer_testing::{TestTracer, TreeStyle, assert_trace, render};

use crate::complaint;

#[test]
fn patterns_hide_mask_and_show() {
    let test = TestTracer::new("it")
        .hide("http.*")
        .mask("peer.port")
        .show("sampler.type");
    let mut span = test.tracer().start_span("call");
    span.set_tag("http.method", "GET")
        .set_tag("http.url", "/")
        .set_tag("peer.port", 40_123)
        .set_tag("db.pool_wait_us", 17);
    span.log((("event", "x"), ("peer.port", 1), ("http.status", 200)));
    span.finish();
    assert_trace!(
        test,
        "call {db.pool_wait_us=_, peer.port=_, sampler.type=const} [event=x, peer.port=_]"
    );
}

#[test]
fn siblings_stand_in_the_order_of_their_starts() {
    let test = TestTracer::new("it");
    let root = test.tracer().start_active_span("root");
    let children: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|name| test.tracer().start_span(name))
        .collect();
    children
        .into_iter()
        .rev()
        .for_each(tracer_core::Span::finish);
    drop(root);
    assert_trace!(test, "root\n  a\n  b\n  c");
}

#[test]
fn times_of_the_caller_order_spans_too() {
    let test = TestTracer::new("it");
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    test.tracer().start_span("now").finish();
    test.tracer()
        .build_span("later")
        .start_time(at(20))
        .start()
        .finish_at(at(21));
    test.tracer()
        .build_span("earlier")
        .start_time(at(10))
        .start()
        .finish_at(at(11));
    assert_trace!(test, "earlier\nlater\nnow");
}

#[test]
fn one_line_per_span_whatever_its_text() {
    let test = TestTracer::new("it");
    test.tracer()
        .start_span("two\nlines")
        .set_tag("k\n", "v\nw")
        .log([("event\t", "\u{1b}[31m")]);
    test.tracer().start_span("").set_tag("", "");
    assert_trace!(
        test,
        r#"
        "two\nlines" {"k\n"="v\nw"} ["event\t"="\u{1b}[31m"]
        "" {""=""}
        "#
    );
}

#[test]
fn very_deep_traces_can_be_rendered() {
    let test = TestTracer::new("it");
    let scopes: Vec<_> = (0..2_000)
        .map(|_| test.tracer().start_active_span("deeper"))
        .collect();
    scopes
        .into_iter()
        .rev()
        .for_each(tracer_core::Scope::finish);
    let tree = test.tree();
    let last = tree.lines().last().unwrap();
    assert_eq!(last.len() - last.trim_start().len(), 2 * 1_999);
}

#[test]
fn spans_whose_parents_are_missing_or_in_a_circle_are_all_there() {
    let test = TestTracer::new("it");
    let remote = SpanContext::remote(1.into(), 2.into(), Decision::Sampled);
    test.tracer()
        .build_span("lost")
        .child_of(&remote)
        .start()
        .finish();
    test.tracer().start_span("root").finish();
    let spans = test.spans();
    assert_eq!(render(&spans), "lost (parent elsewhere)\nroot");
    let twice: Vec<_> = spans.iter().chain(&spans).cloned().collect();
    assert_eq!(
        render(&twice).lines().count(),
        4,
        "reported twice, shown twice"
    );
    assert_eq!(render(&[]), "");
    assert_eq!(TreeStyle::new().hide("*").render(&spans[1..]), "root");
}

#[test]
fn difference_is_shown_by_line_and_the_whole_tree_below() {
    let test = TestTracer::new("it");
    let root = test.tracer().start_active_span("root");
    test.tracer().start_active_span("child").set_tag("n", 2);
    drop(root);
    let said = complaint(|| {
        assert_trace!(
            test,
            "
            root
              child {n=1}
            "
        );
    });
    assert!(
        said.contains("  root\n-   child {n=1}\n+   child {n=2}\n"),
        "{said}"
    );
    assert!(
        said.ends_with("all spans:\nroot\n  child {n=2}\n"),
        "{said}"
    );
}
