//! Caller's time and allocations for each operation that makes no span.

use std::time::Instant;

use super::{BATCH_SPANS, MEASURED, ns_each, start_counting};
use crate::allocation;
use crate::contender::Contender;
use crate::figure::{Figure, Figures, median};
use crate::work::Work;

pub(super) fn measure<C: Contender>(work: Work) -> Option<Figures> {
    let (contender, _receiver) = start_counting::<C>(work.tracing())?;
    let mut run = contender.work(work)?;
    run(BATCH_SPANS);
    let mut caller = Vec::new();
    let start = Instant::now();
    while start.elapsed() < MEASURED {
        let start = Instant::now();
        run(BATCH_SPANS);
        caller.push(ns_each(start.elapsed(), BATCH_SPANS));
    }
    let allocations = allocation::count(|| run(BATCH_SPANS));
    Some(Figures::from([
        (Figure::Caller, median(caller)?),
        (
            Figure::Allocations,
            allocations.count as f64 / BATCH_SPANS as f64,
        ),
        (
            Figure::HeapBytes,
            allocations.bytes as f64 / BATCH_SPANS as f64,
        ),
    ]))
}
