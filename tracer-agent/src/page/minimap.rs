//! The whole of a trace in a strip: where its spans are, row by row and from left to right, as the page has them.

use maud::{Markup, html};

use super::trace::Axis;
use crate::tree::Row;

/// So many columns and lanes at most, whatever the number of spans: the strip is a few dozen pixels high.
const COLUMNS: usize = 400;
const LANES: usize = 40;
/// And as if there were so many at the least: a single span is a line too.
const MIN_LANES: usize = 8;

/// The strip. What is shown of it is marked by the script of the page, which also lets one choose.
pub(super) fn strip(rows: &[Row<'_>], axis: &Axis) -> Markup {
    let lanes = rows.len().clamp(1, LANES);
    let view = format!("0 0 {COLUMNS} {}", lanes.max(MIN_LANES));
    html! {
        div.minimap aria-hidden="true" {
            svg viewBox=(view) preserveAspectRatio="none" { path d=(outline(rows, axis, lanes)) {} }
        }
    }
}

/// A bar for each run of columns that some span of a lane covers.
fn outline(rows: &[Row<'_>], axis: &Axis, lanes: usize) -> String {
    // How many spans begin in a column, less those that ended before it.
    let mut changes = vec![[0i32; COLUMNS + 1]; lanes];
    for (index, row) in rows.iter().enumerate() {
        let column = |share: f64| ((share * COLUMNS as f64) as usize).min(COLUMNS - 1);
        let (from, to) = axis.shares(row.span);
        let lane = &mut changes[index * lanes / rows.len()];
        lane[column(from)] += 1;
        lane[column(to) + 1] -= 1;
    }
    let mut outline = String::new();
    for (lane, changes) in changes.iter().enumerate() {
        let (mut open, mut begun) = (0, 0);
        for (column, change) in changes.iter().enumerate() {
            let before = open;
            open += change;
            if before == 0 && open > 0 {
                begun = column;
            } else if before > 0 && open == 0 {
                let width = column - begun;
                outline.push_str(&format!("M{begun} {lane}h{width}v.7h-{width}z"));
            }
        }
    }
    outline
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Process, Span, SpanId, Trace, TraceId};
    use crate::tree::Tree;

    fn outline_of(times: &[(u64, u64)], lanes: usize) -> String {
        let process = Arc::new(Process {
            service: "shop".into(),
            tags: Box::default(),
        });
        let span = |(id, &(start_micros, duration_micros)): (u64, &(u64, u64))| Span {
            trace_id: TraceId::new(1),
            span_id: SpanId::new(id),
            parent_span_id: None,
            operation: "op".into(),
            references: Box::default(),
            flags: 1,
            tags: Box::default(),
            logs: Box::default(),
            process: Arc::clone(&process),
            start_micros,
            duration_micros,
        };
        let mut trace = Trace::new(TraceId::new(1));
        trace.push((1..).zip(times).map(span).collect());
        let tree = Tree::of(&trace);
        outline(tree.rows(), &Axis::of(&trace), lanes)
    }

    #[test]
    fn spans_of_a_lane_are_drawn_as_one() {
        for (times, lanes, expected) in [
            (&[(0, 100)][..], 1, "M0 0h400v.7h-400z"),
            (
                &[(1_000, 100), (1_010, 20), (1_025, 25), (1_099, 1)],
                2,
                "M0 0h400v.7h-400zM100 1h101v.7h-101zM396 1h4v.7h-4z",
            ),
            // Nothing is too short to be seen.
            (&[(0, 0)], 1, "M0 0h1v.7h-1z"),
        ] {
            assert_eq!(outline_of(times, lanes), expected, "{times:?}");
        }
    }
}
