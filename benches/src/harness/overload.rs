//! The caller flat out, and a reporter that cannot keep up.

use std::time::{Duration, Instant};

use super::{ns_each, start};
use crate::contender::Contender;
use crate::figure::{Figure, Figures, median};
use crate::receiver::Receiver;
use crate::usage;
use crate::work::{Output, Tracing, Work};

const FLAT_OUT: Duration = Duration::from_secs(10);
/// What the reporter needs for each span: about what encoding and sending costs the peers at their best.
const PER_SPAN: Duration = Duration::from_micros(1);
/// A contender that has grown by so much is stopped, before it takes the machine with it.
const TOO_MUCH: u64 = 2 << 30;
/// Iterations between two looks at the clock.
const CHUNK: u64 = 500;

/// Cost for each span in the second half of the run, dropped share, growth of memory, and whether all spans are accounted for.
pub(super) fn measure<C: Contender>(work: Work) -> Option<Figures> {
    if !C::DELIVERS {
        return None;
    }
    let receiver = Receiver::slow(PER_SPAN);
    let contender: C = start(Tracing::Sampled, Output::Receiver(receiver.clone()))?;
    let mut run = contender.work(work)?;
    run(1);
    contender.flush();
    let base = usage::memory();
    let mut peak = base;
    let (mut chunks, mut times) = (0, Vec::new());
    let start = Instant::now();
    while start.elapsed() < FLAT_OUT {
        let chunk = Instant::now();
        run(CHUNK);
        times.push(ns_each(chunk.elapsed(), CHUNK * work.units()));
        chunks += 1;
        if chunks % 1000 == 0 {
            peak = peak.max(usage::memory());
            if peak
                .zip(base)
                .is_some_and(|(peak, base)| peak - base > TOO_MUCH)
            {
                break;
            }
        }
    }
    drop(run);
    peak = peak.max(usage::memory());
    contender.flush();
    let finished = (1 + chunks * CHUNK) * work.units();
    let (at_return, dropped) = (receiver.received(), contender.dropped());
    let later = quiet(&receiver);
    let steady = times.split_off(times.len() / 2);
    let mut figures = Figures::from([
        (Figure::Caller, median(steady)?),
        (
            Figure::DroppedShare,
            (finished - later.min(finished)) as f64 / finished as f64,
        ),
        (
            Figure::Uncounted,
            finished as f64 - (later + dropped) as f64,
        ),
        (Figure::AfterFlush, (later - at_return) as f64),
    ]);
    if let Some((peak, base)) = peak.zip(base) {
        figures.insert(Figure::Growth, (peak - base) as f64 / 1e6);
    }
    Some(figures)
}

/// Waits until nothing has been received for a quarter of a second, at most ten seconds.
fn quiet(receiver: &Receiver) -> u64 {
    let mut last = receiver.received();
    for _ in 0..40 {
        std::thread::sleep(Duration::from_millis(250));
        let now = receiver.received();
        if now == last {
            break;
        }
        last = now;
    }
    last
}
