//! Behaviour of spans, scopes, futures, tracers and the reporter thread, seen from outside.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

mod agent;
mod baggage;
mod cancellation;
mod clock;
mod contexts;
mod contract;
mod futures;
mod keep;
mod ledger;
mod lifecycle;
mod limits;
mod panics;
mod policies;
mod priority;
mod references;
mod remote;
mod reporters;
mod scopes;
mod spans;
mod streams;
mod templates;
mod threads;
mod tracers;
mod undecided;

use std::time::{Duration, Instant};

use tracer_core::Stats;

/// Longer than anything takes that is not stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something holds that other threads bring about.
#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// The promise of [`Stats`]: every span is somewhere.
#[track_caller]
fn assert_ledger(stats: &Stats) {
    assert!(stats.started >= stats.finished, "{stats:?}");
    for reporter in &stats.reporters {
        let dropped = stats.withdrawn + stats.queue_full + stats.not_kept + stats.no_room;
        let waiting = stats.held + stats.queued;
        assert_eq!(
            stats.finished,
            dropped + stats.after_shutdown + waiting + reporter.reported + reporter.lost(),
            "{stats:?}"
        );
    }
}

/// A generator for tests that must go the same way at each run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}
