//! What the log has of a collector that is away, busy, or refuses: its beginning and its end, and not each time.

use std::panic;
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

/// A line for the log, if there is news.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct News(Option<(log::Level, String)>);

impl News {
    /// Tells the log. Not under a lock: the logger is the user's, and may take its time. It may panic, too, and that is no
    /// reason to send nothing any more.
    pub(super) fn tell(self) {
        if let Some((level, line)) = self.0 {
            let _ = panic::catch_unwind(|| log::log!(level, "{line}"));
        }
    }

    fn warning(line: String) -> Self {
        Self(Some((log::Level::Warn, line)))
    }
}

impl Trouble {
    /// A request failed and will be tried again.
    pub(super) fn fails(&mut self, to: &str, reason: &str) -> News {
        if self.failing || !self.may_tell() {
            return News::default();
        }
        self.failing = true;
        News::warning(format!(
            "forwarding to {to} fails and is tried again: {reason}"
        ))
    }

    /// Spans are lost.
    pub(super) fn loses(&mut self, to: &str, spans: u64, reason: &str) -> News {
        self.lost += spans;
        // A loss is news even after a failure was told of.
        if self.losing || !(self.failing || self.may_tell()) {
            return News::default();
        }
        self.losing = true;
        self.told = Some(Instant::now());
        News::warning(format!(
            "forwarding to {to} loses spans: {reason}; they are only counted from now on"
        ))
    }

    /// A request was taken, and nothing else waits.
    pub(super) fn is_over(&mut self, to: &str) -> News {
        let Self {
            failing,
            losing,
            lost,
            told,
        } = std::mem::take(self);
        self.told = told;
        let line = format!("forwarding to {to} works again; {lost} spans were lost");
        News((failing || losing).then_some((log::Level::Info, line)))
    }

    fn may_tell(&mut self) -> bool {
        let may = self.told.is_none_or(|told| told.elapsed() >= INTERVAL);
        if may {
            self.told = Some(Instant::now());
        }
        may
    }
}
