//! What tracing adds to a query: CPU time of the caller's thread, in turns with the same query without tracing.
//!
//! Wall time is mostly the way to SQLite's thread and back. Of the caller's CPU time that way takes the same on both sides, but
//! with the threads on two cores it is ten times the query's own and no two batches agree to a microsecond: each message may
//! wake a sleeping core or find it awake. On one core there is one way for it to go, and a query differs from itself by some
//! ten nanoseconds. So the rows are taken there, and one is taken on two cores as well, for what the caches cost.

use std::time::{Duration, Instant};

use super::{ns_each, settle, start_counting};
use crate::affinity;
use crate::allocation;
use crate::contender::bare::Bare;
use crate::contender::{Contender, Run};
use crate::database;
use crate::figure::{Figure, Figures, median};
use crate::work::{Under, Work};

/// Where SQLite's thread runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thread {
    /// On the caller's core.
    Beside,
    /// On the background's.
    Apart,
}

/// Queries of one kind before the other's turn.
const QUERIES: u64 = 200;

/// How long a row is measured: longer than others, for what is measured is a small part of what is done.
const MEASURED: Duration = Duration::from_secs(2);

pub(super) fn measure<C: Contender>(under: Under, thread: Thread) -> Option<Figures> {
    if !C::DELIVERS {
        return None;
    }
    let work = Work::Query(under);
    let (contender, receiver) = start_counting::<C>(work.tracing())?;
    if thread == Thread::Apart {
        affinity::background();
    }
    // SQLite's thread is started here.
    database::pool();
    affinity::caller();
    let mut traced = contender.work(work)?;
    let mut plain = Bare.work(work)?;

    let mut batches = 0;
    let mut time_traced = || {
        let time = time(&mut traced);
        contender.flush();
        batches += 1;
        time
    };
    // Of either kind one batch runs after a flush and one after a plain batch.
    let mut turn = || {
        let first = time(&mut plain);
        let traced = time_traced() + time_traced();
        (traced - first - time(&mut plain)) / 2.0
    };
    for _ in 0..5 {
        turn();
    }
    let (mut above, start) = (Vec::new(), Instant::now());
    while start.elapsed() < MEASURED {
        above.push(turn());
    }

    let with = allocation::count(|| traced(QUERIES));
    let without = allocation::count(|| plain(QUERIES));
    batches += 1;
    let mut figures = Figures::from([
        (Figure::AbovePlain, median(above)?),
        (
            Figure::Allocations,
            (with.count as f64 - without.count as f64) / QUERIES as f64,
        ),
        (
            Figure::HeapBytes,
            (with.bytes as f64 - without.bytes as f64) / QUERIES as f64,
        ),
    ]);
    if work.delivered() == Some(0) {
        figures.insert(Figure::Expected, 0.0);
        contender.flush();
        figures.insert(Figure::Delivered, receiver.received() as f64);
    } else {
        // The root of each batch is a span too.
        let expected = batches * (QUERIES + 1);
        figures.insert(Figure::Expected, expected as f64);
        let delivered = settle(&contender, &receiver, expected);
        figures.insert(Figure::Delivered, delivered as f64);
    }
    Some(figures)
}

/// CPU time of this thread for each query, in ns.
fn time(run: &mut Run) -> f64 {
    let before = thread_cpu();
    run(QUERIES);
    ns_each(thread_cpu().saturating_sub(before), QUERIES)
}

/// CPU time of this thread so far, where the system tells; else the time that has passed. What `getrusage` tells is up to date
/// at ticks and switches only.
#[cfg(target_os = "linux")]
fn thread_cpu() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a clock");
    Duration::from(time)
}

/// CPU time of this thread so far, where the system tells; else the time that has passed.
#[cfg(not(target_os = "linux"))]
fn thread_cpu() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
