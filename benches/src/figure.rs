//! Figures: what one run of a row measured, and what many runs come to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What is measured. The names are those of the JSON line a child process prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Wall time on the caller's thread for each span or operation, in ns.
    Caller,
    /// Wall time on the caller's thread for each span, less that of the same without tracing, in ns.
    AboveBare,
    /// CPU time of the caller's thread for each operation, less that of the same without tracing, in ns.
    AbovePlain,
    /// CPU time of all threads for each span, an idle flush taken off, in ns.
    Cpu,
    /// Heap allocations of all threads for each span or operation.
    Allocations,
    /// Bytes asked of the heap for each span or operation.
    HeapBytes,
    /// Spans that had to arrive.
    Expected,
    /// Spans that arrived.
    Delivered,
    /// Bytes sent for each span.
    SentBytes,
    /// Spans in the fullest datagram.
    SpansPerDatagram,
    /// Requests a second.
    Throughput,
    /// The same, by that of the bare server.
    ShareOfBare,
    /// CPU time of the server's process for each request, in us.
    RequestCpu,
    /// The same, less that of the bare server.
    CpuAboveBare,
    /// The latency 99 of 100 requests keep with one connection, in us.
    P99,
    /// The same, by that of the bare server.
    P99ByBare,
    /// Share of spans that did not arrive.
    DroppedShare,
    /// Spans that neither arrived nor were counted as dropped.
    Uncounted,
    /// Spans that arrived only after `flush` had returned.
    AfterFlush,
    /// What resident memory grew by, in MB.
    Growth,
    /// Seconds from the end of the last child until all children had arrived, their root still open.
    Delay,
}

impl Figure {
    /// Unit, for people.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::Caller | Self::AboveBare | Self::AbovePlain | Self::Cpu => "ns",
            Self::Allocations => "allocations",
            Self::HeapBytes | Self::SentBytes => "bytes",
            Self::Expected
            | Self::Delivered
            | Self::SpansPerDatagram
            | Self::Uncounted
            | Self::AfterFlush => "spans",
            Self::Throughput => "requests/s",
            Self::RequestCpu | Self::CpuAboveBare | Self::P99 => "us",
            Self::DroppedShare | Self::ShareOfBare => "share",
            Self::P99ByBare => "times",
            Self::Growth => "MB",
            Self::Delay => "s",
        }
    }

    /// What is measured, for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::AboveBare => "caller above bare",
            Self::AbovePlain => "caller's CPU above plain",
            Self::Cpu => "total CPU",
            Self::Allocations => "allocations",
            Self::HeapBytes => "heap bytes",
            Self::Expected => "expected",
            Self::Delivered => "delivered",
            Self::SentBytes => "bytes sent",
            Self::SpansPerDatagram => "spans in the fullest datagram",
            Self::Throughput => "throughput",
            Self::ShareOfBare => "throughput by bare",
            Self::RequestCpu => "CPU per request",
            Self::CpuAboveBare => "CPU above bare",
            Self::P99 => "p99",
            Self::P99ByBare => "p99 by bare",
            Self::DroppedShare => "dropped",
            Self::Uncounted => "neither delivered nor counted",
            Self::AfterFlush => "delivered only after flush",
            Self::Growth => "memory growth",
            Self::Delay => "delay of delivery",
        }
    }
}

/// The figures of one run.
pub(crate) type Figures = BTreeMap<Figure, f64>;

/// The figures of all runs, by row and contender, then by round.
#[derive(Debug, Default)]
pub(crate) struct Results {
    runs: BTreeMap<(&'static str, &'static str), BTreeMap<usize, Figures>>,
}

impl Results {
    /// Adds one run of `row` by `contender`.
    pub(crate) fn add(
        &mut self,
        round: usize,
        row: &'static str,
        contender: &'static str,
        figures: Figures,
    ) {
        let runs = self.runs.entry((row, contender)).or_default();
        runs.insert(round, figures);
    }

    /// The results of each round by itself: what ran next to each other.
    pub(crate) fn rounds(&self) -> Vec<Self> {
        let rounds: BTreeSet<usize> = self
            .runs
            .values()
            .flat_map(|runs| runs.keys().copied())
            .collect();
        let only = |round: &usize| {
            let of_round = |runs: &BTreeMap<usize, Figures>| {
                Some(BTreeMap::from([(*round, runs.get(round)?.clone())]))
            };
            self.runs
                .iter()
                .filter_map(|(key, runs)| Some((*key, of_round(runs)?)))
                .collect()
        };
        rounds
            .iter()
            .map(|round| Self { runs: only(round) })
            .collect()
    }

    /// The median over the runs that lost no span; `None` when nothing was measured, or most runs lost some.
    pub(crate) fn get(&self, row: &str, contender: &str, figure: Figure) -> Option<f64> {
        if !self.is_valid(row, contender) {
            return None;
        }
        let whole = self
            .of(row, contender)?
            .values()
            .filter(|run| lost(run) == 0.0);
        median(whole.filter_map(|run| run.get(&figure).copied()).collect())
    }

    /// Whether at least half of the runs delivered what they had to.
    pub(crate) fn is_valid(&self, row: &str, contender: &str) -> bool {
        self.of(row, contender).is_none_or(|runs| {
            runs.values().filter(|run| lost(run) == 0.0).count() * 2 >= runs.len()
        })
    }

    /// The figures some contender has in this row, in their order.
    pub(crate) fn figures(&self, row: &str) -> Vec<Figure> {
        let mut all: Vec<Figure> = self
            .runs
            .iter()
            .filter(|((name, _), _)| *name == row)
            .flat_map(|(_, runs)| runs.values().flat_map(|run| run.keys().copied()))
            .filter(|figure| !matches!(figure, Figure::Expected | Figure::Delivered))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn of(&self, row: &str, contender: &str) -> Option<&BTreeMap<usize, Figures>> {
        self.runs
            .iter()
            .find(|((r, c), _)| *r == row && *c == contender)
            .map(|(_, runs)| runs)
    }
}

/// Spans that had to arrive in a run and did not; less than none if more arrived, which is as wrong.
pub(crate) fn lost(run: &Figures) -> f64 {
    match (run.get(&Figure::Expected), run.get(&Figure::Delivered)) {
        (Some(expected), Some(delivered)) => expected - delivered,
        _ => 0.0,
    }
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values.get(middle).copied()
    } else {
        Some((values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Figures, Results, median};

    #[test]
    fn median_of_none_one_two_three() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![3.0, 1.0]), Some(2.0));
        assert_eq!(median(vec![3.0, 1.0, 7.0]), Some(3.0));
    }

    #[test]
    fn runs_that_lost_spans_do_not_count_and_most_of_them_make_the_row_void() {
        let mut results = Results::default();
        let run = |caller, delivered| {
            Figures::from([
                (Figure::Caller, caller),
                (Figure::Expected, 10.0),
                (Figure::Delivered, delivered),
            ])
        };
        results.add(0, "flat10", "ours", run(20.0, 10.0));
        results.add(1, "flat10", "ours", run(2.0, 9.0));
        assert_eq!(results.get("flat10", "ours", Figure::Caller), Some(20.0));
        results.add(2, "flat10", "ours", run(2.0, 9.0));
        assert!(!results.is_valid("flat10", "ours"));
        assert_eq!(results.get("flat10", "ours", Figure::Caller), None);
    }
    #[test]
    fn a_round_has_the_runs_of_its_number() {
        let mut results = Results::default();
        for (round, caller) in [(0, 20.0), (1, 30.0)] {
            results.add(
                round,
                "flat10",
                "ours",
                Figures::from([(Figure::Caller, caller)]),
            );
        }
        results.add(
            0,
            "overload",
            "ours",
            Figures::from([(Figure::Caller, 1.0)]),
        );
        let of = |row| -> Vec<_> {
            let rounds = results.rounds();
            rounds
                .iter()
                .map(|round| round.get(row, "ours", Figure::Caller))
                .collect()
        };
        assert_eq!(of("flat10"), [Some(20.0), Some(30.0)]);
        assert_eq!(of("overload"), [Some(1.0), None]);
    }
}
