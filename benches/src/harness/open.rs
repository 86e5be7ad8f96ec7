//! Spans that stay open: when the children of a root arrive, and what many of them, or many open ones, cost in time and memory.

use std::time::{Duration, Instant};

use super::{MEASURED, ns_each, start_counting};
use crate::contender::{Contender, Run};
use crate::figure::{Figure, Figures, median};
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

/// A million children of roots with so many each, flushed now and then: time of each, what resident memory grows by after
/// the first hundred thousand, and what share has not arrived when the last root has ended.
pub(super) fn growth<C: Contender>(children: u64) -> Option<Figures> {
    const TOTAL: u64 = 1_000_000;
    const FIRST: u64 = 100_000;
    let (contender, receiver) = start_counting::<C>(Tracing::Sampled)?;
    if !C::DELIVERS {
        return None;
    }
    // The loop is what holds a root open.
    let mut run: Option<Run> = None;
    let (mut made, mut times, mut first) = (0, Vec::new(), None);
    while made < TOTAL {
        let mut time = Duration::ZERO;
        for _ in (0..BURST).step_by(usize::try_from(children).ok()?) {
            if made % children == 0 {
                drop(run.take());
                run = Some(contender.work(Work::OpenRoot)?);
            }
            let n = children.min(BURST);
            let start = Instant::now();
            run.as_mut()?(n);
            time += start.elapsed();
            made += n;
        }
        times.push(ns_each(time, BURST));
        contender.flush();
        if made == FIRST {
            first = usage::memory();
        }
    }
    let last = usage::memory();
    drop(run);
    let spans = TOTAL + TOTAL / children;
    contender.flush();
    let delivered = receiver.received();
    let mut figures = Figures::from([
        (Figure::Caller, median(times)?),
        (Figure::DroppedShare, 1.0 - delivered as f64 / spans as f64),
    ]);
    if let Some((first, last)) = first.zip(last) {
        figures.insert(Figure::Growth, last.saturating_sub(first) as f64 / 1e6);
    }
    Some(figures)
}

/// What a span costs while so many others are open, and what resident memory grows by for those.
pub(super) fn many<C: Contender>(spans: u64) -> Option<Figures> {
    let (contender, _receiver) = start_counting::<C>(Tracing::Sampled)?;
    let before = usage::memory();
    let mut run = contender.work(Work::Open(spans))?;
    let mut times = Vec::new();
    let start = Instant::now();
    while start.elapsed() < MEASURED || (times.len() as u64) * BURST < 2 * spans {
        let start = Instant::now();
        run(BURST);
        times.push(ns_each(start.elapsed(), BURST));
        contender.flush();
    }
    let mut figures = Figures::from([(Figure::Caller, median(times)?)]);
    if let Some((before, after)) = before.zip(usage::memory()) {
        figures.insert(Figure::Growth, after.saturating_sub(before) as f64 / 1e6);
    }
    Some(figures)
}
