//! The same work on several threads at once.

use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use super::{Batch, settle, start_counting};
use crate::affinity;
use crate::contender::Contender;
use crate::figure::{Figure, Figures, median};
use crate::work::Work;

const BATCHES: u64 = 500;

/// All threads start each batch together; one of them flushes when all are done. The figure is the median over all batches of all threads.
pub(super) fn measure<C: Contender>(threads: usize, work: Work) -> Option<Figures> {
    let (contender, receiver) = start_counting::<C>(work.tracing())?;
    drop(contender.work(work)?);
    let times = Mutex::new(Vec::new());
    let barrier = Barrier::new(threads);
    let batch = Batch::of(work);
    thread::scope(|scope| {
        for number in 0..threads {
            let (contender, times, barrier) = (&contender, &times, &barrier);
            scope.spawn(move || {
                affinity::number(number);
                let mut own = Vec::new();
                if let Some(mut run) = contender.work(work) {
                    for _ in 0..BATCHES {
                        barrier.wait();
                        own.push(batch.run(&mut run));
                        if barrier.wait().is_leader() {
                            contender.flush();
                        }
                    }
                }
                times
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .append(&mut own);
            });
        }
    });
    let times = times.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut figures = Figures::from([(Figure::Caller, median(times)?)]);
    if C::DELIVERS
        && let Some(per_iteration) = work.delivered()
    {
        let expected = threads as u64 * BATCHES * batch.iterations() * per_iteration;
        figures.insert(Figure::Expected, expected as f64);
        figures.insert(
            Figure::Delivered,
            settle(&contender, &receiver, expected) as f64,
        );
    }
    Some(figures)
}
