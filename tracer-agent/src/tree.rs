//! A trace in the order of its calls.

use std::collections::HashMap;

use crate::model::{Span, SpanId, Trace};

/// A trace in the order of its calls: every span once, parents before children, siblings by start time.
///
/// Built without recursion in O(n log n), so depth does not matter. Nothing is left out: a span whose parent has not
/// arrived is a root with [`Row::orphan`] set, and one span of a circle of parents is taken as its root.
#[derive(Debug)]
pub struct Tree<'t> {
    rows: Vec<Row<'t>>,
}

/// A span and its place in the tree.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Row<'t> {
    /// The span.
    pub span: &'t Span,
    /// The number of its ancestors.
    pub depth: usize,
    /// Whether no sibling follows.
    pub last: bool,
    /// Whether it names a parent that has not arrived.
    pub orphan: bool,
}

impl<'t> Tree<'t> {
    /// The tree of a trace.
    #[must_use]
    pub fn of(trace: &'t Trace) -> Self {
        let mut spans: Vec<&Span> = trace.spans().collect();
        spans.sort_by_key(|span| span.start_micros);
        let parents = parents(&spans);
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
        let mut roots = Vec::new();
        for (index, parent) in parents.iter().enumerate() {
            match parent {
                Some(parent) => children[*parent].push(index),
                None => roots.push(index),
            }
        }
        let mut tree = Self {
            rows: Vec::with_capacity(spans.len()),
        };
        let mut placed = vec![false; spans.len()];
        let orphan = |index: usize| {
            let span = spans[index];
            parents[index].is_none() && span.parent().is_some_and(|parent| parent != span.span_id)
        };
        tree.place(&spans, &children, &mut placed, &roots, &orphan);
        // What no root leads to goes round in circles; the earliest span of each is as good a root as any.
        for index in 0..spans.len() {
            if !placed[index] {
                tree.place(&spans, &children, &mut placed, &[index], &orphan);
            }
        }
        tree
    }

    /// The rows, top down.
    #[must_use]
    pub fn rows(&self) -> &[Row<'t>] {
        &self.rows
    }

    fn place(
        &mut self,
        spans: &[&'t Span],
        children: &[Vec<usize>],
        placed: &mut [bool],
        roots: &[usize],
        orphan: &impl Fn(usize) -> bool,
    ) {
        // (span, depth, last of its siblings), the next one on top.
        let mut stack: Vec<(usize, usize, bool)> = Vec::new();
        let push = |stack: &mut Vec<_>, siblings: &[usize], depth| {
            stack.extend(
                siblings
                    .iter()
                    .rev()
                    .enumerate()
                    .map(|(n, index)| (*index, depth, n == 0)),
            );
        };
        push(&mut stack, roots, 0);
        while let Some((index, depth, last)) = stack.pop() {
            if std::mem::replace(&mut placed[index], true) {
                continue;
            }
            let span = spans[index];
            self.rows.push(Row {
                span,
                depth,
                last,
                orphan: orphan(index),
            });
            push(&mut stack, &children[index], depth + 1);
        }
    }
}

/// The index of each span's parent. Where two services share a span id, as clients and servers of B3 do, the parent
/// within the same service is the nearer one.
pub(crate) fn parents(spans: &[&Span]) -> Vec<Option<usize>> {
    let mut first: HashMap<SpanId, usize> = HashMap::with_capacity(spans.len());
    let mut of_service: HashMap<(SpanId, &str), usize> = HashMap::with_capacity(spans.len());
    for (index, span) in spans.iter().enumerate() {
        first.entry(span.span_id).or_insert(index);
        of_service
            .entry((span.span_id, span.service()))
            .or_insert(index);
    }
    let find = |(index, span): (usize, &&Span)| {
        let id = span.parent()?;
        let parent = of_service
            .get(&(id, span.service()))
            .or_else(|| first.get(&id))
            .copied()?;
        (parent != index).then_some(parent)
    };
    spans.iter().enumerate().map(find).collect()
}
