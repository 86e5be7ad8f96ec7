//! A million spans a second, in bursts, and a reporter that could take five times as many.

use std::time::{Duration, Instant};

use super::{iterations, ns_each, settle, start};
use crate::contender::Contender;
use crate::figure::{Figure, Figures, median};
use crate::receiver::Receiver;
use crate::usage;
use crate::work::{Output, Tracing, Work};

const WORK: Work = Work::Flat(10);
/// Time from one span to the next, on average.
const PACE: Duration = Duration::from_micros(1);
/// What the reporter needs for each span: about what encoding and sending costs at its best.
const PER_SPAN: Duration = Duration::from_nanos(200);
const SPANS: u64 = 3_000_000;

/// `spans` at once, then nothing until it is time for the next: cost for each span, dropped share, growth of memory, and
/// whether all spans are accounted for. A contender that needs longer than a microsecond for a span never rests.
pub(super) fn measure<C: Contender>(spans: u64) -> Option<Figures> {
    if !C::DELIVERS {
        return None;
    }
    let receiver = Receiver::slow(PER_SPAN);
    let contender: C = start(Tracing::Sampled, Output::Receiver(receiver.clone()))?;
    let mut run = contender.work(WORK)?;
    run(1);
    contender.flush();
    let base = usage::memory();
    let mut peak = base;
    let burst = iterations(WORK, spans);
    let spans = burst * WORK.units();
    let mut times = Vec::new();
    let begin = Instant::now();
    for number in 1..=SPANS / spans {
        let start = Instant::now();
        run(burst);
        times.push(ns_each(start.elapsed(), spans));
        peak = peak.max(usage::memory());
        let next = begin + PACE * u32::try_from(number * spans).ok()?;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let finished = WORK.units() + times.len() as u64 * spans;
    let delivered = settle(&contender, &receiver, finished);
    let mut figures = Figures::from([
        (Figure::Caller, median(times)?),
        (
            Figure::DroppedShare,
            1.0 - delivered as f64 / finished as f64,
        ),
        (
            Figure::Uncounted,
            finished as f64 - (delivered + contender.dropped()) as f64,
        ),
    ]);
    if let Some((peak, base)) = peak.zip(base) {
        figures.insert(Figure::Growth, (peak - base) as f64 / 1e6);
    }
    Some(figures)
}
