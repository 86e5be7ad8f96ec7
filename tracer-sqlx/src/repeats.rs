//! The same statement again and again under one span: the N+1 problem.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use tracer_core::{SpanId, TraceId};

/// Counts how often a statement ran under a span, for the spans that ran one last. Bounded: what is forgotten is counted
/// from one again.
#[derive(Clone, Debug)]
pub(crate) struct Repeats {
    /// More than so many are told.
    pub(crate) more_than: u32,
    counts: Arc<Mutex<Counts>>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Counts {
    by_statement: HashMap<Key, u32>,
    /// Keys by age.
    order: VecDeque<Key>,
}

type Key = (TraceId, SpanId, u64);

/// So many pairs of span and statement are remembered.
const REMEMBERED: usize = 4096;

impl Repeats {
    pub(crate) fn new(more_than: u32) -> Self {
        Self {
            more_than,
            counts: Arc::default(),
            hasher: RandomState::new(),
        }
    }

    /// Counts a run of a statement under a span; gives the count.
    pub(crate) fn count(&self, trace: TraceId, span: SpanId, sql: &str) -> u32 {
        let key = (trace, span, self.hasher.hash_one(sql));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts {
            by_statement,
            order,
        } = &mut *counts;
        if let Some(count) = by_statement.get_mut(&key) {
            *count = count.saturating_add(1);
            return *count;
        }
        if order.len() == REMEMBERED
            && let Some(oldest) = order.pop_front()
        {
            by_statement.remove(&oldest);
        }
        order.push_back(key);
        by_statement.insert(key, 1);
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_by_span_and_statement() {
        let repeats = Repeats::new(3);
        let trace = TraceId::NONE;
        assert_eq!(repeats.count(trace, SpanId::NONE, "a"), 1);
        assert_eq!(repeats.count(trace, SpanId::NONE, "a"), 2);
        assert_eq!(repeats.count(trace, SpanId::NONE, "b"), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let repeats = Repeats::new(3);
        for number in 0..2 * REMEMBERED {
            repeats.count(TraceId::NONE, SpanId::NONE, &number.to_string());
        }
        let counts = repeats.counts.lock().unwrap();
        assert_eq!(
            (counts.by_statement.len(), counts.order.len()),
            (REMEMBERED, REMEMBERED)
        );
    }
}
