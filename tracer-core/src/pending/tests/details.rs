//! That tags and logs are kept alike of spans that are noted and of those that are not.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::{assert_balanced, refused, sampling};
use crate::{MemoryReporter, Scope, Span, Tracer, active_span, tags};

/// What is done on a thread. Spans are counted from the active one down.
#[derive(Clone, Debug)]
enum Step {
    Enter,
    Leave,
    LeaveAnother(usize),
    Tag(usize, usize, i64),
    LongTag(usize),
    Log(usize),
    LogAt(usize),
    Rename(usize),
    Ask(usize),
    /// Goes on under a caller whose trace is refused.
    EnterRefused,
    /// Sets the priority of a span: to be kept, or not.
    Prioritise(usize, bool),
    /// Has a span be active no more, and open until the end.
    TakeOut(usize),
}

const KEYS: [&str; 4] = ["a", "b", "http.method", "http.url"];

fn step() -> impl Strategy<Value = Step> {
    let below = 0..3usize;
    prop_oneof![
        8 => Just(Step::Enter),
        6 => Just(Step::Leave),
        1 => (1..3usize).prop_map(Step::LeaveAnother),
        8 => (below.clone(), 0..KEYS.len(), any::<i64>()).prop_map(|(at, key, value)| Step::Tag(at, key, value)),
        1 => below.clone().prop_map(Step::LongTag),
        4 => below.clone().prop_map(Step::Log),
        1 => below.clone().prop_map(Step::LogAt),
        1 => below.clone().prop_map(Step::Rename),
        1 => below.clone().prop_map(Step::Ask),
        1 => Just(Step::EnterRefused),
        1 => (below.clone(), any::<bool>()).prop_map(|(at, kept)| Step::Prioritise(at, kept)),
        1 => below.prop_map(Step::TakeOut),
    ]
}

/// Does it all. Whoever asks for the context of a span at once has it made of its note.
fn perform(tracer: &Tracer, steps: &[Step], ask_at_once: bool) {
    let mut scopes: Vec<Scope> = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    let enter = |scopes: &mut Vec<Scope>| {
        let scope = tracer.start_active_span("span");
        if ask_at_once {
            let _ = scope.context();
        }
        scopes.push(scope);
    };
    enter(&mut scopes);
    for step in steps {
        let count = scopes.len();
        let at = |below: usize| count.checked_sub(1 + below);
        match *step {
            Step::Enter => enter(&mut scopes),
            Step::Leave => drop(scopes.pop()),
            Step::LeaveAnother(below) => drop(at(below).map(|at| scopes.remove(at))),
            Step::Tag(below, key, value) => {
                if let Some(at) = at(below) {
                    scopes[at].set_tag(KEYS[key], value);
                }
            }
            Step::LongTag(below) => {
                if let Some(at) = at(below) {
                    scopes[at].set_tag("long", "x".repeat(3000));
                }
            }
            Step::Log(below) => {
                if let Some(at) = at(below) {
                    scopes[at].log((("event", "retry"), ("depth", at)));
                }
            }
            Step::LogAt(below) => {
                if let Some(at) = at(below) {
                    scopes[at].log_at(SystemTime::UNIX_EPOCH, [("event", "then")]);
                }
            }
            Step::Rename(below) => {
                if let Some(at) = at(below) {
                    scopes[at].set_operation_name(format!("renamed {at}"));
                }
            }
            Step::Ask(below) => {
                if let Some(at) = at(below) {
                    let _ = scopes[at].context();
                }
            }
            Step::EnterRefused => scopes.push(refused(tracer)),
            Step::Prioritise(below, kept) => {
                if let Some(at) = at(below) {
                    scopes[at].set_tag(tags::SAMPLING_PRIORITY, i64::from(kept));
                }
            }
            Step::TakeOut(below) => {
                if let Some(at) = at(below) {
                    spans.push(scopes.remove(at).into_span());
                }
            }
        }
    }
    while scopes.pop().is_some() {}
    assert!(active_span().context().is_none());
}

/// The spans in the order they were finished, each with all it has and where its parent is.
fn reported(tracer: &Tracer, memory: &MemoryReporter) -> Vec<String> {
    tracer.flush(Duration::from_secs(30)).unwrap();
    let spans = memory.take();
    let line = |span: &crate::SpanRecord| {
        let tags: Vec<_> = span
            .tags()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let logs: Vec<_> = span
            .logs()
            .map(|log| {
                assert!(log.time == SystemTime::UNIX_EPOCH || log.time >= span.start());
                format!("{:?}", log.fields)
            })
            .collect();
        let parent = spans
            .iter()
            .position(|other| other.span_id() == span.parent_id());
        format!("{} {tags:?} {logs:?} < {parent:?}", span.operation_name())
    };
    spans.iter().map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn noted_spans_keep_the_tags_and_logs_that_others_keep(steps in proptest::collection::vec(step(), 0..60)) {
        let (tracer, memory) = sampling();
        perform(&tracer, &steps, true);
        let expected = reported(&tracer, &memory);
        perform(&tracer, &steps, false);
        prop_assert_eq!(reported(&tracer, &memory), expected);
        assert_balanced(&tracer);
    }
}

#[test]
fn details_that_find_no_room_are_counted_and_those_after_them_arrive() {
    let (tracer, memory) = sampling();
    let before = tracer.stats();
    for _ in 0..100 {
        let _root = tracer.start_active_span("root");
        for _ in 0..100 {
            tracer
                .start_active_span("child")
                .set_tag("text", "x".repeat(2000));
        }
    }
    assert_eq!(tracer.stats().finished - before.finished, 10_100);
    tracer.flush(Duration::from_secs(30)).unwrap();
    let arrived = memory.take();
    assert_eq!(arrived.len() as u64 + tracer.stats().queue_full, 10_100);
    let children = arrived
        .iter()
        .filter(|span| span.operation_name() == "child");
    assert!(children.clone().all(|span| span.tag("text").is_some()));
    tracer.start_active_span("after").set_tag("a", 1);
    tracer.flush(Duration::from_secs(30)).unwrap();
    assert_eq!(memory.take()[0].tag("a"), Some(1.into()));
}
