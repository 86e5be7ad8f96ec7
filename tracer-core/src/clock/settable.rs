//! A clock that a test may set for its thread: in place of the real one when the feature `test-clock` is on, which
//! `tracer-testing` asks for and nobody else should.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Anchor;

thread_local! {
    /// What the clocks show while they are set.
    static SHOWN: Cell<Option<Shown>> = const { Cell::new(None) };
}

/// What both clocks show, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Since the counter's zero.
    pub counter: u64,
    /// Since the Unix epoch.
    pub wall: i64,
}

impl Shown {
    /// What the real clocks show.
    #[must_use]
    pub fn now() -> Self {
        let counter = Instant::read().0;
        let wall = super::unix_nanos(std::time::SystemTime::now());
        Self { counter, wall }
    }
}

/// Sets the clocks of the calling thread, or with `None` has them run again.
pub fn set(shown: Option<Shown>) {
    SHOWN.set(shown);
}

/// The anchor of the clocks that are set.
pub(super) fn anchor() -> Option<Anchor> {
    let counter = |shown: Shown| i64::try_from(shown.counter).unwrap_or(i64::MAX);
    SHOWN
        .get()
        .map(|shown| Anchor(shown.wall.saturating_sub(counter(shown))))
}

/// Nanoseconds since the counter's zero: exact, where those of the counter itself are rounded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Instant(u64);

impl Instant {
    pub(crate) const ZERO: Self = Self(0);

    pub(crate) fn now() -> Self {
        SHOWN
            .get()
            .map_or_else(Self::read, |shown| Self(shown.counter))
    }

    fn read() -> Self {
        let nanos = fastant::Instant::now()
            .duration_since(fastant::Instant::ZERO)
            .as_nanos();
        Self(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub(crate) fn duration_since(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The counter counts nanoseconds.
pub(crate) fn nanos_of_ticks(ticks: u64) -> i64 {
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// An instant that threads share.
#[derive(Debug)]
pub(crate) struct AtomicInstant(AtomicU64);

impl AtomicInstant {
    pub(crate) fn new(instant: Instant) -> Self {
        Self(AtomicU64::new(instant.0))
    }

    pub(crate) fn load(&self, order: Ordering) -> Instant {
        Instant(self.0.load(order))
    }

    pub(crate) fn store(&self, instant: Instant, order: Ordering) {
        self.0.store(instant.0, order);
    }
}
