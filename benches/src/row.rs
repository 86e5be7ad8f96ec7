//! The rows of the comparison.

use crate::harness::{Harness, Thread};
use crate::work::{Under, Work};

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Name, as on the command line.
    pub(crate) name: &'static str,
    /// How it is measured.
    pub(crate) harness: Harness,
    /// Runs in the first round only: it takes long and does not scatter.
    pub(crate) once: bool,
}

/// All rows, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    spans("root", Work::Root),
    spans("flat1", Work::Flat(1)),
    spans("flat10", Work::Flat(10)),
    spans("flat100", Work::Flat(100)),
    spans("flat1000", Work::Flat(1000)),
    spans("nest10", Work::Nest(10)),
    spans("tags", Work::Tags),
    spans("plain_tags", Work::PlainTags),
    spans("unsampled_root", Work::UnsampledRoot),
    spans("unsampled_child", Work::UnsampledChild),
    spans("no_parent", Work::NoParent),
    spans("no_tracer", Work::NoTracer),
    spans("macro_sync", Work::MacroSync),
    spans("async_ready", Work::AsyncReady),
    spans("async_yield", Work::AsyncYield),
    row(
        "parse_traceparent",
        Harness::Operation(Work::ParseTraceparent),
    ),
    row(
        "format_traceparent",
        Harness::Operation(Work::FormatTraceparent),
    ),
    row("parse_uber", Harness::Operation(Work::ParseUber)),
    row("format_uber", Harness::Operation(Work::FormatUber)),
    row("threads2", Harness::Threads(2, Work::Flat(10))),
    once("threads8", Harness::Threads(8, Work::Flat(10))),
    once("threads64", Harness::Threads(64, Work::Flat(10))),
    spans("baggage0", Work::Baggage(0)),
    spans("baggage8", Work::Baggage(8)),
    spans("baggage64", Work::Baggage(64)),
    row("open10", Harness::Open(10)),
    row("open100000", Harness::Open(100_000)),
    row("pipeline", Harness::Pipeline(Work::Tags)),
    row("encode", Harness::Encode),
    row(
        "axum_100",
        Harness::Server {
            sampled_every: Some(1),
        },
    ),
    row(
        "axum_0.1",
        Harness::Server {
            sampled_every: Some(1000),
        },
    ),
    row(
        "axum_off",
        Harness::Server {
            sampled_every: None,
        },
    ),
    query("sqlx_sampled", Under::Sampled, Thread::Beside),
    query("sqlx_sampled_apart", Under::Sampled, Thread::Apart),
    query("sqlx_unsampled", Under::Refused, Thread::Beside),
    query("sqlx_unsampled_root", Under::Nothing, Thread::Beside),
    once("overload", Harness::Overload(Work::Flat(1))),
    once("open_root", Harness::OpenRoot),
    once("trace10", Harness::Trace(10)),
    once("trace1000", Harness::Trace(1000)),
    once("trace100000", Harness::Trace(100_000)),
    once("long_trace", Harness::Trace(1_000_000)),
    once("burst1000", Harness::Bursts(1000)),
    once("burst10000", Harness::Bursts(10_000)),
    once("burst100000", Harness::Bursts(100_000)),
];

const fn row(name: &'static str, harness: Harness) -> Row {
    Row {
        name,
        harness,
        once: false,
    }
}

const fn spans(name: &'static str, work: Work) -> Row {
    row(name, Harness::Spans(work))
}

const fn query(name: &'static str, under: Under, thread: Thread) -> Row {
    row(name, Harness::Query(under, thread))
}

const fn once(name: &'static str, harness: Harness) -> Row {
    Row {
        name,
        harness,
        once: true,
    }
}

/// The row of that name.
pub(crate) fn find(name: &str) -> Result<&'static Row, String> {
    ROWS.iter().find(|row| row.name == name).ok_or_else(|| {
        format!(
            "no row is called {name:?}; there are {:?}",
            ROWS.iter().map(|row| row.name).collect::<Vec<_>>()
        )
    })
}
