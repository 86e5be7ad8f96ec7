//! The reporter thread: empties the rings, calls the reporters, keeps the account.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Anchor;
use crate::guarded::guarded;
use crate::local;
use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::alarm::Alarm;
use crate::report::drain::{Batch, Drain};
use crate::report::queue::Hub;
use crate::report::{LossCause, Losses, ReportError, Reporter, ReporterStats};
use crate::sync;

/// How long an anchor of the clock serves.
const ANCHOR_INTERVAL: Duration = Duration::from_secs(1);

/// Spans that a round is to find: it takes the core that it gets for some ten microseconds, which others hardly feel.
const ROUND_SPANS: u32 = 128;
/// The shortest and the longest time between two rounds that nobody asks for.
const ROUND: RangeInclusive<Duration> = Duration::from_micros(200)..=ANCHOR_INTERVAL;

/// The state of the reporter thread.
pub(crate) struct Worker {
    hub: Arc<Hub>,
    process: Process,
    desks: Vec<Desk>,
    drains: Vec<Drain>,
    batch: Batch,
    flush_interval: Duration,
    queue_full: Alarm,
    drained: u64,
}

/// A reporter and what became of the spans it got.
struct Desk {
    reporter: Box<dyn Reporter>,
    stats: ReporterStats,
    alarm: Alarm,
}

impl Worker {
    /// Starts the reporter thread of a hub.
    pub(crate) fn start(
        hub: &Arc<Hub>,
        process: Process,
        reporters: Vec<Box<dyn Reporter>>,
        flush_interval: Duration,
    ) -> io::Result<()> {
        let worker = Self::new(Arc::clone(hub), process, reporters, flush_interval);
        let thread = sync::spawn("tracer-reporter", move || worker.run())?;
        hub.bell.set_thread(thread);
        Ok(())
    }

    fn new(
        hub: Arc<Hub>,
        process: Process,
        reporters: Vec<Box<dyn Reporter>>,
        flush_interval: Duration,
    ) -> Self {
        let desks: Vec<_> = reporters
            .into_iter()
            .map(|reporter| Desk {
                reporter,
                stats: ReporterStats::default(),
                alarm: Alarm::default(),
            })
            .collect();
        // Zero would never sleep, and no clock can be moved by `Duration::MAX`.
        let flush_interval =
            flush_interval.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
        let queue_full = Alarm::default();
        let worker = Self {
            hub,
            process,
            desks,
            drains: Vec::new(),
            batch: Batch::new(),
            flush_interval,
            queue_full,
            drained: 0,
        };
        worker.publish();
        worker
    }

    /// Runs until the hub is closed.
    fn run(mut self) {
        local::suppress_this_thread();
        let hub = Arc::clone(&self.hub);
        let _end = OnDrop(|| hub.end());
        let mut next_flush = Instant::now() + self.flush_interval;
        let mut next_anchor = Instant::now();
        let mut last_round = Instant::now();
        loop {
            let orders = self.hub.begin_round(&mut self.drains);
            let now = Instant::now();
            if now >= next_anchor {
                Anchor::renew();
                next_anchor = now + ANCHOR_INTERVAL;
            }
            let next_round = now + until_next_round(now - last_round, self.drain());
            last_round = now;
            if now >= next_flush || orders.flush.is_some() || orders.close {
                self.flush();
                next_flush = now + self.flush_interval;
            }
            let before = self.drains.len();
            self.drains.retain(|drain| !drain.is_done());
            self.hub.end_round(before - self.drains.len(), orders.flush);
            if orders.close {
                // Before the end is told: what reporters do then is waited for, too.
                for desk in self.desks.drain(..) {
                    guarded(|| drop(desk));
                }
                return;
            }
            let next = next_flush.min(next_anchor).min(next_round);
            hub.bell
                .wait(next.saturating_duration_since(Instant::now()));
        }
    }

    /// Takes what is in the rings and hands it to the reporters. How many spans it was.
    fn drain(&mut self) -> usize {
        let Self {
            hub,
            process,
            desks,
            drains,
            batch,
            drained,
            ..
        } = self;
        let before = *drained;
        let mut report = |batch: &[SpanRecord]| {
            for desk in desks.iter_mut() {
                desk.report(process, batch);
            }
            *drained += batch.len() as u64;
            // After each batch, for a reporter may take its time.
            publish(hub, *drained, desks);
        };
        for drain in drains {
            drain.drain(batch, &mut report);
        }
        let overflow = hub.take_overflow();
        if !overflow.is_empty() {
            report(&overflow);
        }
        for released in hub.room.take_released() {
            report(&released.spans);
            hub.room.free(released.spans.len(), released.bytes);
        }
        (*drained - before) as usize
    }

    /// Has the reporters send what they keep, and tells of losses.
    fn flush(&mut self) {
        let totals = self.hub.totals();
        self.queue_full.judge(totals.queue_full, self.drained, || {
            "the queue of finished spans is full".into()
        });
        for desk in &mut self.desks {
            desk.flush(totals.queue_full + totals.after_shutdown);
        }
        self.publish();
    }

    fn publish(&self) {
        publish(&self.hub, self.drained, &self.desks);
    }
}

fn publish(hub: &Hub, drained: u64, desks: &[Desk]) {
    hub.account
        .publish(drained, desks.iter().map(|desk| desk.stats));
}

/// How long to wait after a round that found so many spans, so long after the one before it: until there are enough for the
/// next, if they go on as they did. Rings have room for far more, as others may have the core then.
fn until_next_round(since_last: Duration, spans: usize) -> Duration {
    let (shortest, longest) = ROUND.into_inner();
    let spans = u32::try_from(spans).unwrap_or(u32::MAX).max(1);
    let until_enough = since_last.min(longest) * ROUND_SPANS / spans;
    until_enough.clamp(shortest, longest)
}

impl Desk {
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) {
        self.stats.reported += batch.len() as u64;
        let reporter = &mut self.reporter;
        let result = caught(batch.len(), || reporter.report(process, batch));
        self.account(result);
    }

    fn flush(&mut self, queue_full: u64) {
        let losses = Losses {
            queue_full,
            too_large: self.stats.too_large,
            failed: self.stats.io + self.stats.refused,
        };
        let reporter = &mut self.reporter;
        let result = caught(0, || {
            reporter.losses(losses);
            reporter.flush()
        });
        let failed = result.is_err();
        self.account(result);
        if !failed {
            self.alarm
                .judge(self.stats.lost(), self.stats.reported, String::new);
        }
    }

    fn account(&mut self, result: Result<(), ReportError>) {
        let Err(error) = result else { return };
        for cause in [LossCause::Io, LossCause::Refused, LossCause::TooLarge] {
            // A reporter cannot lose what it did not get: the account stays sound whatever it says.
            let lost = self.stats.reported.min(error.lost_to(cause) as u64);
            self.stats.reported -= lost;
            self.stats.lose(cause, lost);
        }
        if error.lost > 0 {
            self.alarm
                .judge(self.stats.lost(), self.stats.reported, || error.message);
        }
    }
}

/// Calls a reporter; a panic is the loss of `spans`.
fn caught(spans: usize, call: impl FnOnce() -> Result<(), ReportError>) -> Result<(), ReportError> {
    guarded(call).unwrap_or_else(|| {
        Err(ReportError::new(
            spans,
            LossCause::Io,
            "the reporter panicked",
        ))
    })
}

/// Runs a closure when it goes, also by a panic.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn rounds_come_as_often_as_spans_need_them() {
        let (millis, micros) = (Duration::from_millis, Duration::from_micros);
        for (since_last, spans, expected) in [
            // Nobody is in a hurry.
            (millis(1000), 0, millis(1000)),
            (millis(1000), 100, millis(1000)),
            (Duration::MAX, 1, millis(1000)),
            // As many as a round is to find.
            (millis(100), 128, millis(100)),
            (millis(160), 4096, millis(5)),
            (millis(2), 1024, micros(250)),
            // No more often than that.
            (millis(1), 4096, micros(200)),
            (Duration::ZERO, usize::MAX, micros(200)),
        ] {
            assert_eq!(
                until_next_round(since_last, spans),
                expected,
                "{spans} in {since_last:?}"
            );
        }
    }
}
