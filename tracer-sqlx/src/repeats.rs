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
    more_than: u32,
    counts: Arc<Mutex<Counts>>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Counts {
    by_statement: HashMap<Key, u32>,
    /// What was told of a span last: the most.
    told: HashMap<(TraceId, SpanId), u32>,
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

    /// Counts a run of a statement under a span; gives the count if it is to be told, the highest of the span's.
    pub(crate) fn count(&self, trace: TraceId, span: SpanId, sql: &str) -> Option<u32> {
        let key = (trace, span, self.hasher.hash_one(sql));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.add(key);
        if count <= self.more_than {
            return None;
        }
        let told = counts.told.entry((trace, span)).or_default();
        let is_most = count > *told;
        *told = count.max(*told);
        is_most.then_some(count)
    }
}

impl Counts {
    fn add(&mut self, key: Key) -> u32 {
        if let Some(count) = self.by_statement.get_mut(&key) {
            *count = count.saturating_add(1);
            return *count;
        }
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_statement.remove(&oldest);
            self.told.remove(&(oldest.0, oldest.1));
        }
        self.order.push_back(key);
        self.by_statement.insert(key, 1);
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_by_span_and_statement() {
        let repeats = Repeats::new(1);
        let count = |sql| repeats.count(TraceId::NONE, SpanId::NONE, sql);
        assert_eq!(count("a"), None);
        assert_eq!(count("a"), Some(2));
        assert_eq!(count("b"), None);
    }

    #[test]
    fn of_a_spans_counts_the_highest_is_told() {
        let repeats = Repeats::new(1);
        let count = |sql| repeats.count(TraceId::NONE, SpanId::NONE, sql);
        let counts: Vec<_> = "aaabbbb"
            .split("")
            .filter(|sql| !sql.is_empty())
            .map(count)
            .collect();
        assert_eq!(counts, [None, Some(2), Some(3), None, None, None, Some(4)]);
    }

    #[test]
    fn memory_is_bounded() {
        let repeats = Repeats::new(0);
        for number in 0..2 * REMEMBERED {
            repeats.count(TraceId::NONE, SpanId::NONE, &number.to_string());
        }
        for number in 1..=2 * REMEMBERED as u128 {
            repeats.count(TraceId::from(number), SpanId::NONE, "a");
        }
        let counts = repeats.counts.lock().unwrap();
        assert_eq!(
            (counts.by_statement.len(), counts.order.len()),
            (REMEMBERED, REMEMBERED)
        );
        assert_eq!(counts.told.len(), REMEMBERED);
    }
}
