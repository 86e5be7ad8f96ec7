//! A root that stays open: when its children arrive, and what a million of them cost in memory.

use std::time::{Duration, Instant};

use super::start_counting;
use crate::contender::Contender;
use crate::figure::{Figure, Figures};
use crate::usage;
use crate::work::{Tracing, Work};

/// Children of the row about delay, and after a pause a few more: no queue is ever so full that somebody is woken for it.
const MANY: u64 = 400;
const FEW: u64 = 50;
/// Children between two flushes, so that no queue is full.
const BURST: u64 = 500;
/// Longer than any contender's interval between two reports.
const PATIENCE: Duration = Duration::from_secs(6);

/// Seconds from the end of the last child until all have arrived, without a flush; not told if they do not arrive.
pub(super) fn delay<C: Contender>() -> Option<Figures> {
    let (contender, receiver) = start_counting::<C>(Tracing::Sampled)?;
    if !C::DELIVERS {
        return None;
    }
    let mut run = contender.work(Work::OpenRoot)?;
    run(MANY);
    std::thread::sleep(Duration::from_millis(10));
    run(FEW);
    let start = Instant::now();
    let children = MANY + FEW;
    while receiver.received() < children && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    let delivered = receiver.received();
    let mut figures = Figures::from([(
        Figure::DroppedShare,
        1.0 - delivered as f64 / children as f64,
    )]);
    if delivered == children {
        figures.insert(Figure::Delay, start.elapsed().as_secs_f64());
    }
    drop(run);
    Some(figures)
}

/// What resident memory grows by between the hundred-thousandth and the millionth child of one root, flushed now and then,
/// and what share of them has not arrived when the root has ended.
pub(super) fn growth<C: Contender>() -> Option<Figures> {
    const TOTAL: u64 = 1_000_000;
    const FIRST: u64 = 100_000;
    let (contender, receiver) = start_counting::<C>(Tracing::Sampled)?;
    if !C::DELIVERS {
        return None;
    }
    let mut run = contender.work(Work::OpenRoot)?;
    let mut children = |n: u64| {
        for _ in 0..n / BURST {
            run(BURST);
            contender.flush();
        }
    };
    children(FIRST);
    let first = usage::memory();
    children(TOTAL - FIRST);
    let last = usage::memory();
    drop(run);
    contender.flush();
    // The root is one more.
    let delivered = receiver.received().min(TOTAL);
    let mut figures =
        Figures::from([(Figure::DroppedShare, 1.0 - delivered as f64 / TOTAL as f64)]);
    if let Some((first, last)) = first.zip(last) {
        figures.insert(Figure::Growth, last.saturating_sub(first) as f64 / 1e6);
    }
    Some(figures)
}
