use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::model::{Process, Reference, SpanId, Trace, TraceId};

/// A span of a test: id, parent, start, end.
type Short = (u64, u64, u64, u64);

fn trace(spans: &[Short], follows: &[u64]) -> Trace {
    let process = Arc::new(Process {
        service: "shop".into(),
        tags: Box::default(),
    });
    let id = TraceId::new(1);
    let span = |&(span, parent, start, end): &Short| {
        let reference = follows.contains(&span).then_some(Reference {
            ref_type: RefType::FollowsFrom,
            trace_id: id,
            span_id: SpanId::new(parent),
        });
        Span {
            trace_id: id,
            span_id: SpanId::new(span),
            parent_span_id: (parent != 0).then_some(SpanId::new(parent)),
            operation: format!("{span}").into(),
            references: reference.into_iter().collect(),
            flags: 1,
            tags: Box::default(),
            logs: Box::default(),
            process: Arc::clone(&process),
            start_micros: start,
            duration_micros: end - start,
        }
    };
    let mut trace = Trace::new(id);
    trace.push(spans.iter().map(span).collect());
    trace
}

/// The path as text: each span on it with its sections, in the order of the rows.
fn path(spans: &[Short], follows: &[u64]) -> String {
    let trace = trace(spans, follows);
    let tree = Tree::of(&trace);
    let path = CriticalPath::of(&tree);
    let row = |(row, found): (usize, &Row<'_>)| {
        let sections = path.sections(row)?.iter();
        let sections = sections.map(|section| format!(" {}-{}", section.start, section.end));
        Some(format!(
            "{}:{}",
            found.span.operation,
            sections.collect::<String>()
        ))
    };
    let rows: Vec<_> = tree.rows().iter().enumerate().filter_map(row).collect();
    rows.join(", ")
}

#[test]
fn the_span_that_ended_last_is_what_was_waited_for() {
    for (what, spans, expected) in [
        ("a span alone", &[(1, 0, 10, 20)][..], "1: 10-20"),
        (
            "one after the other",
            &[(1, 0, 0, 100), (2, 1, 10, 40), (3, 1, 50, 90)],
            "1: 0-10 40-50 90-100, 2: 10-40, 3: 50-90",
        ),
        (
            "side by side, the shorter is not waited for",
            &[(1, 0, 0, 100), (2, 1, 10, 40), (3, 1, 10, 90)],
            "1: 0-10 90-100, 3: 10-90",
        ),
        (
            "overlapping, the first was not over when the last began",
            &[(1, 0, 0, 100), (2, 1, 10, 60), (3, 1, 50, 90)],
            "1: 0-50 90-100, 3: 50-90",
        ),
        (
            "before an overlapping one comes what had ended by then",
            &[
                (1, 0, 0, 100),
                (2, 1, 0, 20),
                (3, 1, 10, 60),
                (4, 1, 50, 90),
            ],
            "1: 20-50 90-100, 2: 0-20, 4: 50-90",
        ),
        (
            "a child without a gap, and its child",
            &[(1, 0, 0, 100), (2, 1, 0, 100), (3, 2, 30, 100)],
            "1:, 2: 0-30, 3: 30-100",
        ),
        (
            "a child that begins before and ends after its parent",
            &[(1, 0, 50, 100), (2, 1, 0, 70), (3, 1, 80, 200)],
            "1: 70-80, 2: 50-70, 3: 80-100",
        ),
        (
            "a child outside of its parent's time",
            &[
                (1, 0, 50, 100),
                (2, 1, 0, 50),
                (3, 1, 100, 200),
                (4, 1, 120, 130),
            ],
            "1: 50-100",
        ),
        (
            "moments take no time",
            &[
                (1, 0, 0, 100),
                (2, 1, 50, 50),
                (3, 1, 100, 100),
                (4, 1, 0, 0),
            ],
            "1: 0-100",
        ),
        (
            "the longest root, where there are several",
            &[(1, 0, 0, 10), (2, 99, 5, 50), (3, 2, 5, 20)],
            "2: 20-50, 3: 5-20",
        ),
        (
            "a circle of parents",
            &[(1, 2, 0, 100), (2, 1, 10, 90)],
            "1: 0-10 90-100, 2: 10-90",
        ),
    ] {
        assert_eq!(path(spans, &[]), expected, "{what}");
    }
    assert_eq!(path(&[], &[]), "");
}

#[test]
fn nobody_waits_for_what_only_follows() {
    let spans = [(1, 0, 0, 100), (2, 1, 10, 90), (3, 2, 20, 80), (4, 1, 5, 8)];
    assert_eq!(path(&spans, &[2]), "1: 0-5 8-100, 4: 5-8");
}

#[test]
fn depth_and_width_do_not_matter() {
    let deep: Vec<Short> = (1..=50_000).map(|n| (n, n - 1, n, 200_000 - n)).collect();
    let wide = (2..=50_000).map(|n| (n, 1, 2 * n, 2 * n + 1));
    let wide: Vec<Short> = std::iter::once((1, 0, 0, 200_000)).chain(wide).collect();
    for spans in [deep, wide] {
        let trace = trace(&spans, &[]);
        let path = CriticalPath::of(&Tree::of(&trace));
        let whole: u64 = (0..spans.len()).map(|row| path.micros(row)).sum();
        assert_eq!(
            (path.sections.len(), whole),
            (50_000, spans[0].3 - spans[0].2)
        );
    }
}

/// The recursion of Jaeger's UI, of which the path here is another form: from a time backwards through the children of a
/// span, for spans that lie within their parents.
fn of_jaeger(spans: &[Short], row: usize, until: u64, found: &mut Vec<(u64, u64, u64)>) {
    let (id, _, start, _) = spans[row];
    let ended = spans
        .iter()
        .enumerate()
        .filter(|(_, s)| s.1 == id && s.3 <= until);
    match ended.max_by_key(|(_, s)| s.3) {
        Some((child, &(_, _, child_start, child_end))) => {
            found.push((id, child_end, until));
            of_jaeger(spans, child, child_end, found);
            of_jaeger(spans, row, child_start, found);
        }
        None => found.push((id, start, until)),
    }
}

proptest! {
    #[test]
    fn the_path_divides_the_time_of_the_root(
        shape in vec((any::<prop::sample::Index>(), 0u64..1_000, 0u64..1_000), 0..60),
        root in 1u64..1_000,
    ) {
        let mut spans: Vec<Short> = vec![(1, 0, 300, 300 + root)];
        for (parent, start, length) in shape {
            let parent = spans[parent.index(spans.len())].0;
            spans.push((spans.len() as u64 + 1, parent, start, start + length));
        }
        let trace = trace(&spans, &[]);
        let tree = Tree::of(&trace);
        let path = CriticalPath::of(&tree);
        let mut all = Vec::new();
        for (row, found) in tree.rows().iter().enumerate() {
            let time = times(found.span);
            for section in path.sections(row).unwrap_or_default() {
                prop_assert!(time.start <= section.start && section.end <= time.end);
                all.push(section.clone());
            }
        }
        all.sort_by_key(|section| section.start);
        // End to end: no moment is missing, and none has two.
        let mut at = 300;
        for section in &all {
            prop_assert_eq!(section.start, at);
            at = section.end;
        }
        prop_assert_eq!(at, 300 + root);
    }

    #[test]
    fn the_path_is_that_of_jaeger_where_spans_lie_within_their_parents(
        shape in vec((any::<prop::sample::Index>(), 0.0..1.0f64, 0.0..1.0f64), 0..40),
    ) {
        let mut spans: Vec<Short> = vec![(1, 0, 0, 1 << 40)];
        for (parent, from, to) in shape {
            let (parent, _, start, end) = spans[parent.index(spans.len())];
            let at = |share: f64| start + (share * (end - start) as f64) as u64;
            spans.push((spans.len() as u64 + 1, parent, at(from.min(to)), at(from.max(to))));
        }
        // Times that are the same leave a choice.
        let mut ends: Vec<u64> = spans.iter().flat_map(|s| [s.2, s.3]).skip(2).collect();
        ends.sort_unstable();
        prop_assume!(ends.windows(2).all(|two| two[0] != two[1]));

        let mut expected = Vec::new();
        of_jaeger(&spans, 0, 1 << 40, &mut expected);
        expected.retain(|(_, start, end)| start != end);
        expected.sort_by_key(|(_, start, _)| *start);
        let trace = trace(&spans, &[]);
        let tree = Tree::of(&trace);
        let path = CriticalPath::of(&tree);
        let rows = tree.rows().iter().enumerate();
        let mut found: Vec<_> = rows
            .flat_map(|(row, found)| {
                let sections = path.sections(row).unwrap_or_default().iter();
                sections.map(|section| (found.span.span_id.get(), section.start, section.end))
            })
            .collect();
        found.sort_by_key(|(_, start, _)| *start);
        prop_assert_eq!(found, expected);
    }
}
