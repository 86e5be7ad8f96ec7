//! The same work on several threads at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use super::{Batch, settle, start_counting};
use crate::contender::Contender;
use crate::figure::{Figure, Figures, median};
use crate::work::Work;
use crate::{affinity, usage};

/// Of all threads together.
const BATCHES: u64 = 1000;

/// All threads start each batch together; one of them flushes when all are done. The time is the median over all batches of
/// all threads, the memory what the threads and all they need take.
pub(super) fn measure<C: Contender>(threads: usize, work: Work) -> Option<Figures> {
    let (contender, receiver) = start_counting::<C>(work.tracing())?;
    drop(contender.work(work)?);
    let base = usage::memory();
    let (times, peak) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    let barrier = Barrier::new(threads);
    let (batch, batches) = (Batch::of(work), BATCHES / threads as u64);
    thread::scope(|scope| {
        for number in 0..threads {
            let (contender, times, peak, barrier) = (&contender, &times, &peak, &barrier);
            scope.spawn(move || {
                affinity::number(number);
                let mut own = Vec::new();
                if let Some(mut run) = contender.work(work) {
                    for _ in 0..batches {
                        barrier.wait();
                        own.push(batch.run(&mut run));
                        if barrier.wait().is_leader() {
                            contender.flush();
                            peak.fetch_max(usage::memory().unwrap_or(0), Ordering::Relaxed);
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
    if let Some(base) = base {
        let growth = peak.into_inner().saturating_sub(base);
        figures.insert(Figure::Growth, growth as f64 / 1e6);
    }
    if C::DELIVERS
        && let Some(per_iteration) = work.delivered()
    {
        let expected = threads as u64 * batches * batch.iterations() * per_iteration;
        figures.insert(Figure::Expected, expected as f64);
        figures.insert(
            Figure::Delivered,
            settle(&contender, &receiver, expected) as f64,
        );
    }
    Some(figures)
}
