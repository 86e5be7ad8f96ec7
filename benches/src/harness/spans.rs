//! Caller's time, total CPU and allocations for each span.

use std::time::{Duration, Instant};

use super::{Batch, MEASURED, ns_each, settle, start_counting};
use crate::contender::Contender;
use crate::contender::bare::Bare;
use crate::figure::{Figure, Figures, median};
use crate::work::Work;
use crate::{allocation, usage};

/// Batches between two looks at the CPU clock, which is too coarse for one.
const CHUNK: u32 = 16;

/// Works in batches and flushes after each; time is taken without the flush, CPU with it, less what as many idle flushes cost.
pub(super) fn measure<C: Contender>(work: Work) -> Option<Figures> {
    let (contender, receiver) = start_counting::<C>(work.tracing())?;
    let mut run = contender.work(work)?;
    let batch = Batch::of(work);
    let mut batches = 0;

    let mut caller = Vec::new();
    let mut once = |times: &mut Vec<f64>| {
        times.push(batch.run(&mut run));
        contender.flush();
    };

    for _ in 0..CHUNK {
        once(&mut Vec::new());
        batches += 1;
    }
    let (mut busy, mut idle, mut measured) = (Duration::ZERO, Duration::ZERO, 0);
    let start = Instant::now();
    while start.elapsed() < MEASURED {
        let before = usage::cpu();
        (0..CHUNK).for_each(|_| once(&mut caller));
        let between = usage::cpu();
        (0..CHUNK).for_each(|_| contender.flush());
        busy += between - before;
        idle += usage::cpu() - between;
        measured += u64::from(CHUNK);
    }
    batches += measured;

    // In turns: the speed of a machine changes by more than what is taken off.
    let mut above = Vec::new();
    if let Some(mut bare) = Bare.work(work) {
        let start = Instant::now();
        while start.elapsed() < MEASURED {
            let mut own = Vec::new();
            once(&mut own);
            batches += 1;
            let bare = batch.run(&mut bare);
            above.extend(own.iter().map(|own| own - bare));
        }
    }

    let mut times = Vec::with_capacity(CHUNK as usize);
    let with = allocation::count(|| (0..CHUNK).for_each(|_| once(&mut times)));
    let without = allocation::count(|| (0..CHUNK).for_each(|_| contender.flush()));
    batches += u64::from(CHUNK);
    let counted = (u64::from(CHUNK) * batch.units()) as f64;

    let mut figures = Figures::from([
        (Figure::Caller, median(caller)?),
        (
            Figure::Cpu,
            ns_each(busy.saturating_sub(idle), measured * batch.units()),
        ),
        (
            Figure::Allocations,
            with.count.saturating_sub(without.count) as f64 / counted,
        ),
        (
            Figure::HeapBytes,
            with.bytes.saturating_sub(without.bytes) as f64 / counted,
        ),
    ]);
    if let Some(above) = median(above) {
        figures.insert(Figure::AboveBare, above);
    }
    if C::DELIVERS
        && let Some(per_iteration) = work.delivered()
    {
        let expected = batches * batch.iterations() * per_iteration;
        // What holds a root open, and so perhaps spans back, is the loop itself.
        drop(run);
        figures.insert(Figure::Expected, expected as f64);
        figures.insert(
            Figure::Delivered,
            settle(&contender, &receiver, expected) as f64,
        );
    }
    Some(figures)
}
