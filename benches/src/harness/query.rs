//! What tracing adds to a query: CPU time of the caller's thread, in turns with the same query without tracing.
//!
//! Wall time is mostly the way to SQLite's thread and back, which scatters by more than tracing costs. Of the caller's CPU
//! time that way takes the same on both sides, and what is left of its scatter goes with the median of the differences.

use std::time::{Duration, Instant};

use super::{ns_each, settle, start_counting};
use crate::affinity;
use crate::allocation;
use crate::contender::bare::Bare;
use crate::contender::{Contender, Run};
use crate::database;
use crate::figure::{Figure, Figures, median};
use crate::work::{Under, Work};

/// Queries of one kind before the other's turn.
const QUERIES: u64 = 200;

/// How long a row is measured: longer than others, for what is measured is a small part of what is done.
const MEASURED: Duration = Duration::from_secs(2);

pub(super) fn measure<C: Contender>(under: Under) -> Option<Figures> {
    if !C::DELIVERS {
        return None;
    }
    let work = Work::Query(under);
    let (contender, receiver) = start_counting::<C>(work.tracing())?;
    // SQLite's thread is started here.
    affinity::background();
    database::pool();
    affinity::caller();
    let mut traced = contender.work(work)?;
    let mut plain = Bare.work(work)?;

    let mut turns = 0;
    let mut turn = |plain_first: bool| {
        let mut without = if plain_first { time(&mut plain) } else { 0.0 };
        let with = time(&mut traced);
        contender.flush();
        if !plain_first {
            without = time(&mut plain);
        }
        turns += 1;
        with - without
    };
    for _ in 0..10 {
        turn(true);
    }
    let (mut above, start) = (Vec::new(), Instant::now());
    while start.elapsed() < MEASURED {
        above.push(turn(true));
        above.push(turn(false));
    }

    let with = allocation::count(|| traced(QUERIES));
    let without = allocation::count(|| plain(QUERIES));
    turns += 1;
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
        // The root of each turn is a span too.
        let expected = turns * (QUERIES + 1);
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

/// CPU time of this thread so far, where the system tells; else the time that has passed.
#[cfg(target_os = "linux")]
fn thread_cpu() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("a thread may ask for its own usage");
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| {
            let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
            Duration::from_micros(u64::try_from(micros).unwrap_or(0))
        })
        .sum()
}

/// CPU time of this thread so far, where the system tells; else the time that has passed.
#[cfg(not(target_os = "linux"))]
fn thread_cpu() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
