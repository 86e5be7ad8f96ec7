//! The bars: what a row of ours must reach, as a ratio measured in the same run.

use crate::figure::{Figure, Results, median};

/// The contender the bars are about.
pub(crate) const OURS: &str = "ours";

/// One condition. It holds when [`Bar::value`] is at most [`Bar::bar`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar {
    /// Name, `<row> <figure> <against what>`.
    pub(crate) name: &'static str,
    /// Unit of what is compared.
    pub(crate) unit: &'static str,
    /// Rows it is made of; the bar is left out when one of them was not asked for.
    pub(crate) rows: &'static [&'static str],
    /// What is compared, for one contender.
    pub(crate) of: fn(&Results, &str) -> Option<f64>,
    /// What ours is compared with.
    pub(crate) against: Against,
    /// The most the value may be.
    pub(crate) bar: f64,
}

/// What the value is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Against {
    /// Ours by the contender's.
    Contender(&'static str),
    /// Ours as it is.
    Nothing,
    /// This by ours: the bar is a least one, turned round so that less is better.
    Least(f64),
}

impl Bar {
    /// Whether all its rows were asked for.
    pub(crate) fn is_within(&self, rows: &[&str]) -> bool {
        self.rows.iter().all(|row| rows.contains(row))
    }

    /// The value that is held against the bar: the median over the rounds, so that what is compared ran side by side.
    /// `None` when something for it was not measured, or lost spans in most of its runs.
    pub(crate) fn value(&self, results: &Results) -> Option<f64> {
        let over_all = self.value_of(results)?;
        let rounds = results.rounds();
        let in_rounds = rounds.iter().filter_map(|round| self.value_of(round));
        median(in_rounds.collect()).or(Some(over_all))
    }

    fn value_of(&self, results: &Results) -> Option<f64> {
        let ours = (self.of)(results, OURS)?;
        Some(match self.against {
            Contender(peer) => ours / (self.of)(results, peer)?,
            Nothing => ours,
            Least(least) => least / ours,
        })
    }
}

/// Declares a bar on one figure of one row.
macro_rules! bar {
    ($row:literal, $figure:ident, $against:expr, $bar:expr, $name:literal) => {
        Bar {
            name: $name,
            unit: Figure::$figure.unit(),
            rows: &[$row],
            of: |results, contender| results.get($row, contender, Figure::$figure),
            against: $against,
            bar: $bar,
        }
    };
}

use Against::{Contender, Least, Nothing};

/// The cost with two threads by that with one: equal but for noise.
const EQUAL: f64 = 1.1;

/// All bars.
pub(crate) const BARS: &[Bar] = &[
    bar!(
        "root",
        Caller,
        Contender("fastrace"),
        0.45,
        "root caller / fastrace"
    ),
    bar!(
        "flat1",
        Caller,
        Contender("fastrace"),
        0.5,
        "flat1 caller / fastrace"
    ),
    bar!(
        "flat10",
        Caller,
        Contender("floor"),
        1.35,
        "flat10 caller / floor"
    ),
    bar!(
        "flat10",
        Caller,
        Contender("fastrace"),
        0.7,
        "flat10 caller / fastrace"
    ),
    bar!(
        "flat100",
        Caller,
        Contender("floor"),
        1.35,
        "flat100 caller / floor"
    ),
    bar!(
        "flat100",
        Caller,
        Contender("fastrace"),
        0.7,
        "flat100 caller / fastrace"
    ),
    bar!(
        "flat1000",
        Caller,
        Contender("floor"),
        1.35,
        "flat1000 caller / floor"
    ),
    bar!(
        "flat1000",
        Caller,
        Contender("fastrace"),
        0.7,
        "flat1000 caller / fastrace"
    ),
    bar!(
        "nest10",
        Caller,
        Contender("floor"),
        1.35,
        "nest10 caller / floor"
    ),
    bar!(
        "nest10",
        Caller,
        Contender("fastrace"),
        0.7,
        "nest10 caller / fastrace"
    ),
    bar!(
        "macro_sync",
        Caller,
        Contender("floor"),
        1.35,
        "macro_sync caller / floor"
    ),
    bar!(
        "macro_sync",
        Caller,
        Contender("fastrace"),
        0.7,
        "macro_sync caller / fastrace"
    ),
    bar!(
        "tags",
        Caller,
        Contender("fastrace"),
        0.5,
        "tags caller / fastrace"
    ),
    bar!(
        "async_ready",
        Caller,
        Contender("fastrace"),
        0.45,
        "async_ready caller / fastrace"
    ),
    bar!(
        "async_yield",
        AboveBare,
        Contender("fastrace"),
        0.15,
        "async_yield caller above the bare future / fastrace"
    ),
    Bar {
        name: "no_tracer caller / floor",
        unit: "ns",
        rows: &["no_tracer", "root"],
        of: |results, contender| of_root(results, contender, "no_tracer"),
        against: Contender("floor"),
        bar: 0.15,
    },
    Bar {
        name: "unsampled_child caller / floor",
        unit: "ns",
        rows: &["unsampled_child", "root"],
        of: |results, contender| of_root(results, contender, "unsampled_child"),
        against: Contender("floor"),
        bar: 0.2,
    },
    Bar {
        name: "unsampled_root caller / floor",
        unit: "ns",
        rows: &["unsampled_root", "root"],
        of: |results, contender| of_root(results, contender, "unsampled_root"),
        against: Contender("floor"),
        bar: 0.75,
    },
    bar!("root", Allocations, Nothing, 0.0, "root allocations"),
    bar!("flat10", Allocations, Nothing, 0.0, "flat10 allocations"),
    bar!(
        "flat1000",
        Allocations,
        Nothing,
        0.0,
        "flat1000 allocations"
    ),
    bar!(
        "macro_sync",
        Allocations,
        Nothing,
        0.0,
        "macro_sync allocations"
    ),
    bar!(
        "async_ready",
        Allocations,
        Nothing,
        0.0,
        "async_ready allocations"
    ),
    bar!(
        "plain_tags",
        Allocations,
        Nothing,
        0.0,
        "plain_tags allocations"
    ),
    bar!("tags", Allocations, Nothing, 1.0, "tags allocations"),
    bar!(
        "flat1",
        Cpu,
        Contender("fastrace"),
        0.2,
        "flat1 total CPU / fastrace"
    ),
    bar!(
        "flat10",
        Cpu,
        Contender("fastrace"),
        0.5,
        "flat10 total CPU / fastrace"
    ),
    bar!(
        "flat100",
        Cpu,
        Contender("fastrace"),
        0.5,
        "flat100 total CPU / fastrace"
    ),
    bar!(
        "tags",
        Cpu,
        Contender("fastrace"),
        0.25,
        "tags total CPU / fastrace"
    ),
    bar!(
        "pipeline",
        Cpu,
        Contender("fastrace"),
        0.05,
        "pipeline total CPU / fastrace-jaeger"
    ),
    bar!(
        "pipeline",
        Cpu,
        Contender("rustracing"),
        0.12,
        "pipeline total CPU / rustracing_jaeger"
    ),
    bar!(
        "pipeline",
        SpansPerDatagram,
        Least(300.0),
        1.0,
        "pipeline 300 / spans in a full datagram"
    ),
    bar!(
        "encode",
        Caller,
        Contender("rustracing"),
        0.1,
        "encode and send / rustracing_jaeger"
    ),
    Bar {
        name: "parse and format traceparent / fastrace",
        unit: "ns",
        rows: &["parse_traceparent", "format_traceparent"],
        of: |results, contender| {
            sum(
                results,
                contender,
                ["parse_traceparent", "format_traceparent"],
                Figure::Caller,
            )
        },
        against: Contender("fastrace"),
        bar: 0.4,
    },
    Bar {
        name: "parse and format uber-trace-id / rustracing",
        unit: "ns",
        rows: &["parse_uber", "format_uber"],
        of: |results, contender| {
            sum(
                results,
                contender,
                ["parse_uber", "format_uber"],
                Figure::Caller,
            )
        },
        against: Contender("rustracing"),
        bar: 0.6,
    },
    Bar {
        name: "parse and format traceparent allocations",
        unit: "allocations",
        rows: &["parse_traceparent", "format_traceparent"],
        of: |results, contender| {
            sum(
                results,
                contender,
                ["parse_traceparent", "format_traceparent"],
                Figure::Allocations,
            )
        },
        against: Nothing,
        bar: 0.0,
    },
    Bar {
        name: "parse and format uber-trace-id allocations",
        unit: "allocations",
        rows: &["parse_uber", "format_uber"],
        of: |results, contender| {
            sum(
                results,
                contender,
                ["parse_uber", "format_uber"],
                Figure::Allocations,
            )
        },
        against: Nothing,
        bar: 0.0,
    },
    bar!(
        "axum_100",
        CpuAboveBare,
        Contender("fastrace"),
        0.35,
        "axum_100 CPU above the bare server / fastrace"
    ),
    bar!(
        "axum_100",
        ShareOfBare,
        Least(0.87),
        1.0,
        "axum_100 0.87 / share of the bare server's throughput"
    ),
    bar!(
        "axum_100",
        P99ByBare,
        Nothing,
        1.2,
        "axum_100 p99 / bare server"
    ),
    Bar {
        name: "threads2 caller / one thread",
        unit: "times",
        rows: &["threads2", "flat10"],
        of: |results, contender| {
            Some(
                results.get("threads2", contender, Figure::Caller)?
                    / results.get("flat10", contender, Figure::Caller)?,
            )
        },
        against: Nothing,
        bar: EQUAL,
    },
    Bar {
        name: "overload caller / normal",
        unit: "times",
        rows: &["overload", "flat1"],
        of: |results, contender| {
            Some(
                results.get("overload", contender, Figure::Caller)?
                    / results.get("flat1", contender, Figure::Caller)?,
            )
        },
        against: Nothing,
        bar: 1.5,
    },
    bar!("sqlx_sampled", AbovePlain, Nothing, 3000.0, "sqlx sampled"),
    bar!(
        "sqlx_sampled_apart",
        AbovePlain,
        Nothing,
        3000.0,
        "sqlx sampled, on two cores"
    ),
    bar!(
        "sqlx_unsampled",
        AbovePlain,
        Nothing,
        150.0,
        "sqlx unsampled"
    ),
    // The cap of all rings together, by default.
    bar!("overload", Growth, Nothing, 64.0, "overload memory growth"),
    bar!(
        "overload",
        Uncounted,
        Nothing,
        0.0,
        "overload neither delivered nor counted"
    ),
    bar!(
        "overload",
        AfterFlush,
        Nothing,
        0.0,
        "overload delivered only after flush"
    ),
    // The default interval between two reports.
    bar!(
        "open_root",
        Delay,
        Nothing,
        1.0,
        "open_root delay of the children"
    ),
    bar!(
        "long_trace",
        Growth,
        Nothing,
        8.0,
        "long_trace memory growth"
    ),
    bar!(
        "long_trace",
        DroppedShare,
        Nothing,
        0.0,
        "long_trace dropped"
    ),
];

/// The floor has no rows for what makes no span: there the floor is one span's two clock reads.
fn of_root(results: &Results, contender: &str, row: &str) -> Option<f64> {
    let row = if contender == "floor" { "root" } else { row };
    results.get(row, contender, Figure::Caller)
}

fn sum(results: &Results, contender: &str, rows: [&str; 2], figure: Figure) -> Option<f64> {
    rows.iter()
        .map(|row| results.get(row, contender, figure))
        .sum()
}
