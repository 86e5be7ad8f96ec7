//! The waterfall as text, compared whole.

use tracer_agent::TraceId;
use tracer_agent::show::{Waterfall, read_json, waterfall};
use tracer_agent::{Trace, trace_json};

use crate::client::{report, start};
use crate::datagram::{Span, Tag};

fn trace(services: &[(&str, Vec<Span>)]) -> Trace {
    let agent = start();
    for (service, spans) in services {
        report(&agent, service, spans);
    }
    let id = TraceId::new(services[0].1[0].trace);
    (*agent.store().trace(id).unwrap()).clone()
}

fn checkout() -> Trace {
    let at = 1_600_000_000_000_000;
    trace(&[
        (
            "shop",
            vec![
                Span::new(7, 1, 0, "GET /checkout", at, 12_000),
                Span::new(7, 2, 1, "load cart", at + 500, 3_000),
                Span::new(7, 4, 1, "charge", at + 4_000, 7_500).tag("error", Tag::Bool(true)),
            ],
        ),
        (
            "db",
            vec![Span::new(7, 3, 2, "SELECT cart", at + 1_000, 2_000)],
        ),
        (
            "bank",
            vec![Span::new(
                7,
                5,
                4,
                "authorise a very long operation name indeed",
                at + 5_000,
                6_000,
            )],
        ),
        ("mail", vec![Span::new(7, 6, 99, "lost", at + 11_000, 20)]),
    ])
}

#[test]
fn waterfall_is_a_tree_with_bars_on_one_axis() {
    let expected = "\
trace 0000000000000007: 6 spans, 4 services, 12.0ms, 1 error, at 2020-09-13 12:26:40.000 UTC
shop GET /checkout                   12.0ms  ██████████████████████████████
├─ shop load cart                    3.00ms   ████████
│  └─ db SELECT cart                 2.00ms     █████
└─ shop charge                   !   7.50ms            ███████████████████
   └─ bank authorise a very lon…     6.00ms               ███████████████
(parent missing) mail lost             20us                              ▏
";
    assert_eq!(
        waterfall(&checkout(), 75),
        expected,
        "\n{}",
        waterfall(&checkout(), 75)
    );
}

#[test]
fn lines_never_exceed_the_width_whatever_the_tree() {
    use unicode_width::UnicodeWidthStr as _;
    let deep = (1..=300)
        .map(|id| {
            Span::new(
                9,
                id,
                id - 1,
                "\u{4e2d}\u{6587}\u{4e2d}\u{6587}\u{4e2d}\u{6587}",
                1_000 + id as i64,
                1,
            )
        })
        .collect();
    let deep = trace(&[("service", deep)]);
    for width in [0, 40, 41, 79, 200, usize::MAX] {
        for trace in [&deep, &checkout()] {
            for line in waterfall(trace, width).lines().skip(1) {
                assert!(
                    line.width() <= width.max(40),
                    "{width}: {} {line:?}",
                    line.width()
                );
            }
        }
    }
    assert_eq!(waterfall(&deep, 80).lines().count(), 301);
}

#[test]
fn a_tree_of_short_names_is_drawn_whole() {
    let at = 1_600_000_000_000_000;
    let spans = vec![
        Span::new(8, 1, 0, "b", at, 4),
        Span::new(8, 2, 1, "c", at, 3),
        Span::new(8, 3, 2, "d", at + 1, 1),
        Span::new(8, 4, 1, "e", at + 3, 1),
    ];
    let expected = "\
trace 0000000000000008: 4 spans, 1 service, 4us, at 2020-09-13 12:26:40.000 UTC
a b               4us  █████████████████
├─ a c            3us  █████████████
│  └─ a d         1us      █████
└─ a e            1us               ████
";
    let drawn = waterfall(&trace(&[("a", spans)]), 40);
    assert_eq!(drawn, expected, "\n{drawn}");
}

#[test]
fn circles_of_parents_and_extreme_times_are_shown_all_the_same() {
    let spans = vec![
        Span::new(3, 1, 2, "a", i64::MAX, i64::MAX),
        Span::new(3, 2, 1, "b", i64::MIN, i64::MIN),
        Span::new(3, 4, 4, "self", 0, 0),
    ];
    let text = waterfall(&trace(&[("s", spans)]), 100);
    assert_eq!(text.lines().count(), 4, "{text}");
    for name in ["s a", "s b", "s self"] {
        assert!(text.contains(name), "{text}");
    }
    assert!(!text.contains("missing"), "all parents are here: {text}");
}

#[test]
fn names_cannot_reach_the_terminal_raw_and_colours_only_come_when_asked_for() {
    let spans = vec![Span::new(
        4,
        1,
        0,
        "\u{1b}[2J\u{9b}31m\u{202e}evil\r\n",
        1,
        1,
    )];
    let trace = trace(&[("\u{7}bell", spans)]);
    let plain = Waterfall::new(&trace).to_string();
    assert!(
        plain.contains(r"\u{7}bell \u{1b}[2J\u{9b}31m\u{202e}evil\r\n"),
        "{plain}"
    );
    assert!(
        plain.chars().all(|c| c == '\n' || !c.is_control()),
        "{plain:?}"
    );
    let coloured = Waterfall::new(&trace).colour(true).to_string();
    assert!(coloured.contains("\u{1b}[36m"), "{coloured:?}");
}

#[test]
fn a_trace_survives_the_way_through_json() {
    let trace = checkout();
    let read = read_json(&trace_json(&trace)).unwrap();
    assert_eq!(trace_json(&read[0]), trace_json(&trace));
    assert_eq!(waterfall(&read[0], 100), waterfall(&trace, 100));
    for (json, error) in [
        (" \n", "it is empty"),
        (
            r#"{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}"#,
            "trace not found",
        ),
        (
            r#"{"data":[{"traceID":"x","spans":[],"processes":{}}]}"#,
            "traceID \"x\": expected 1 to 32 hexadecimal digits, not all zero",
        ),
    ] {
        assert_eq!(read_json(json).unwrap_err().to_string(), error);
    }
}
