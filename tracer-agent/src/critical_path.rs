//! The critical path of a trace: which span it waited for at each moment.
//!
//! As Jaeger's UI computes it. From the end of the root one goes backwards: the span that ended last is what its parent
//! waited for, until its own start; then comes the one that had ended last by then. What no child fills is the span's own
//! time. So the path divides the time of the root among spans, and shortening one that is not on it gains nothing.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use crate::model::{RefType, Span};
use crate::tree::{Row, Tree};

/// The critical path of the longest root of a trace.
#[derive(Debug, Default)]
pub(crate) struct CriticalPath {
    /// By row.
    sections: HashMap<usize, Vec<Range<u64>>>,
}

/// A span on the path while its children are gone through.
struct Step {
    row: usize,
    start: u64,
    /// What is before it is not divided yet.
    until: u64,
    /// Its children within its time, the one that ends last on top.
    children: Vec<(usize, Range<u64>)>,
}

impl CriticalPath {
    /// The path of a trace. Built without recursion, in O(n log n).
    ///
    /// Spans that only follow from their parent are left out with all below them, for nobody waits for them; what of a
    /// child lies outside of its parent's time is cut off, as clocks differ.
    pub(crate) fn of(tree: &Tree<'_>) -> Self {
        let mut path = Self::default();
        let rows = tree.rows();
        let roots = (0..rows.len()).filter(|row| rows[*row].depth == 0);
        let Some(root) = roots.max_by_key(|row| (rows[*row].span.duration(), Reverse(*row))) else {
            return path;
        };
        let children = children(rows);
        let begin = |row: usize, time: Range<u64>| {
            let mut within: Vec<_> = children[row]
                .iter()
                .map(|child| (*child, clip(times(rows[*child].span), &time)))
                .filter(|(_, time)| !time.is_empty())
                .collect();
            within.sort_by_key(|(_, time)| (time.end, Reverse(time.start)));
            Step {
                row,
                start: time.start,
                until: time.end,
                children: within,
            }
        };
        let mut steps = vec![begin(root, times(rows[root].span))];
        while let Some(step) = steps.last_mut() {
            let own = path.sections.entry(step.row).or_default();
            match step.children.pop() {
                // It was still running when the one after it began, so that one was not waiting for it.
                Some((_, time)) if time.end > step.until => {}
                Some((child, time)) => {
                    own.push(time.end..step.until);
                    step.until = time.start;
                    steps.push(begin(child, time));
                }
                None => {
                    own.push(step.start..step.until);
                    steps.pop();
                }
            }
        }
        for sections in path.sections.values_mut() {
            sections.retain(|section| !section.is_empty());
            sections.reverse();
        }
        path
    }

    /// The times, in microseconds since 1970 and in their order, at which the trace waited for the span of this row and for
    /// none of its children. `None` when the span is not on the path.
    pub(crate) fn sections(&self, row: usize) -> Option<&[Range<u64>]> {
        self.sections.get(&row).map(Vec::as_slice)
    }

    /// For how many microseconds the trace waited for the span of this row and for none of its children.
    pub(crate) fn micros(&self, row: usize) -> u64 {
        let sections = self.sections(row).unwrap_or_default();
        sections
            .iter()
            .map(|section| section.end - section.start)
            .sum()
    }
}

/// The children of each row that their parent may have waited for.
fn children(rows: &[Row<'_>]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); rows.len()];
    let mut ancestors: Vec<usize> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        ancestors.truncate(row.depth);
        if let Some(parent) = ancestors.last()
            && is_waited_for(row.span)
        {
            children[*parent].push(index);
        }
        ancestors.push(index);
    }
    children
}

/// Whether the span is a child of its parent, and does not only follow from it.
fn is_waited_for(span: &Span) -> bool {
    let parent = span.parent();
    let mut said = span
        .references
        .iter()
        .filter(|r| r.trace_id == span.trace_id && Some(r.span_id) == parent)
        .map(|r| r.ref_type)
        .peekable();
    said.peek().is_none() || said.any(|ref_type| ref_type == RefType::ChildOf)
}

fn times(span: &Span) -> Range<u64> {
    span.start_micros..span.end_micros()
}

fn clip(time: Range<u64>, to: &Range<u64>) -> Range<u64> {
    time.start.max(to.start)..time.end.min(to.end)
}

#[cfg(test)]
mod tests;
