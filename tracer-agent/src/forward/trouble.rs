//! What the log has of a collector that is away, busy, or refuses: its beginning and its end, and not each time.

use std::time::{Duration, Instant};

/// Troubles told of are at least so far apart: one that comes and goes shall not fill the log.
const INTERVAL: Duration = Duration::from_secs(10);

/// Whether there is trouble, and what was told of it.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Whether the log has that requests fail.
    failing: bool,
    /// Whether the log has that spans are lost.
    losing: bool,
    lost: u64,
    /// When the log was last told of a beginning.
    told: Option<Instant>,
}

impl Trouble {
    /// A request failed and will be tried again.
    pub(super) fn fails(&mut self, to: &str, reason: &str) {
        if !self.failing && self.may_tell() {
            self.failing = true;
            log::warn!("forwarding to {to} fails and is tried again: {reason}");
        }
    }

    /// Spans are lost.
    pub(super) fn loses(&mut self, to: &str, spans: u64, reason: &str) {
        self.lost += spans;
        // A loss is news even after a failure was told of.
        if !self.losing && (self.failing || self.may_tell()) {
            self.losing = true;
            self.told = Some(Instant::now());
            log::warn!(
                "forwarding to {to} loses spans: {reason}; they are only counted from now on"
            );
        }
    }

    /// A request was taken, and nothing else waits.
    pub(super) fn is_over(&mut self, to: &str) {
        if self.failing || self.losing {
            log::info!(
                "forwarding to {to} works again; {} spans were lost",
                self.lost
            );
        }
        self.failing = false;
        self.losing = false;
        self.lost = 0;
    }

    fn may_tell(&mut self) -> bool {
        let may = self.told.is_none_or(|told| told.elapsed() >= INTERVAL);
        if may {
            self.told = Some(Instant::now());
        }
        may
    }
}
