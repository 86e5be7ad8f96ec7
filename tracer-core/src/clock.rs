//! The clock of spans: the processor's time-stamp counter, tied to the wall clock by an anchor.
//!
//! A span reads the counter twice (10 ns each, where `std::time::Instant` takes 24) and carries the raw values; the
//! reporter thread turns them into times. An [`Anchor`] says which wall time the counter's zero is. The counter and the
//! wall clock drift apart and the wall clock may step, so the reporter thread takes a fresh anchor each second; a trace
//! keeps the one it began with, or a step would tear its spans apart. Where the counter cannot be trusted, `fastant`
//! itself falls back to the operating system's clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(feature = "test-clock")]
pub mod settable;
mod ticks;

#[cfg(not(feature = "test-clock"))]
pub(crate) use fastant::{Atomic as AtomicInstant, Instant};
#[cfg(feature = "test-clock")]
pub(crate) use settable::{AtomicInstant, Instant, nanos_of_ticks};
#[cfg(not(feature = "test-clock"))]
pub(crate) use ticks::nanos_of_ticks;
pub(crate) use ticks::ticks;

/// Whether the processor has a counter that can be trusted.
#[inline]
pub(crate) fn has_counter() -> bool {
    fastant::is_tsc_available()
}

/// Reads the counter.
#[inline]
pub(crate) fn now() -> Instant {
    // Asked here too, so that what there is for processors without one lies out of the way.
    if has_counter() {
        Instant::now()
    } else {
        now_without_counter()
    }
}

#[cold]
#[inline(never)]
fn now_without_counter() -> Instant {
    Instant::now()
}

/// Nanoseconds since the Unix epoch at the counter's zero. Zero stands for "not taken yet".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Anchor(i64);

static NEWEST: AtomicI64 = AtomicI64::new(0);

impl Anchor {
    /// A context that comes from elsewhere has no anchor: what is started under it takes the newest.
    pub(crate) const NONE: Self = Self(0);

    /// The newest anchor of this process.
    #[inline]
    pub(crate) fn newest() -> Self {
        Self::newest_at_once().unwrap_or_else(Self::renew)
    }

    /// The same, but `None` before there is one.
    #[inline]
    pub(crate) fn newest_at_once() -> Option<Self> {
        #[cfg(feature = "test-clock")]
        if let Some(anchor) = settable::anchor() {
            return Some(anchor);
        }
        match NEWEST.load(Ordering::Relaxed) {
            0 => None,
            anchor => Some(Self(anchor)),
        }
    }

    /// This anchor, or the newest if there is none.
    #[inline]
    pub(crate) fn or_newest(self) -> Self {
        if self == Self::NONE {
            Self::newest()
        } else {
            self
        }
    }

    /// As a word.
    #[inline]
    pub(crate) fn to_bits(self) -> u64 {
        self.0 as u64
    }

    /// The inverse of [`to_bits`](Self::to_bits).
    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits as i64)
    }

    /// Reads both clocks and makes the result the newest anchor.
    ///
    /// Of three readings the one counts that was taken fastest: a thread put to sleep between the two clocks would be off
    /// by as long as it slept.
    #[cold]
    pub(crate) fn renew() -> Self {
        let (mut best, mut taken) = (0, i64::MAX);
        for _ in 0..3 {
            let before = counter_nanos(Instant::now());
            let wall = unix_nanos(SystemTime::now());
            let took = counter_nanos(Instant::now()).saturating_sub(before);
            if took < taken {
                (best, taken) = (wall.saturating_sub(before.saturating_add(took / 2)), took);
            }
        }
        NEWEST.store(best, Ordering::Relaxed);
        Self(best)
    }

    /// The wall time of so many nanoseconds since the counter's zero, in nanoseconds since the Unix epoch.
    #[inline]
    pub(crate) fn wall_nanos_of(self, counter_nanos: i64) -> i64 {
        self.0.saturating_add(counter_nanos)
    }

    /// The inverse of [`wall_nanos_of`](Self::wall_nanos_of).
    pub(crate) fn counter_nanos_of(self, wall_nanos: i64) -> i64 {
        wall_nanos.saturating_sub(self.0)
    }

    /// The wall time of `instant`, in nanoseconds since the Unix epoch.
    #[inline]
    pub(crate) fn wall_nanos(self, instant: Instant) -> i64 {
        self.wall_nanos_of(counter_nanos(instant))
    }
}

/// Nanoseconds since the counter's zero.
#[inline]
pub(crate) fn counter_nanos(instant: Instant) -> i64 {
    let since = instant.duration_since(Instant::ZERO);
    // What `as_nanos` is, in 64 bits: then the compiler sees that it takes apart what was just put together.
    let nanos = since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos());
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

/// Nanoseconds from the Unix epoch to `time`, negative before it.
pub(crate) fn unix_nanos(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

/// The inverse of [`unix_nanos`].
pub(crate) fn system_time(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    let time = if nanos < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchored_instants_are_wall_times() {
        let before = unix_nanos(SystemTime::now());
        let read = Anchor::renew().wall_nanos(Instant::now());
        let after = unix_nanos(SystemTime::now());
        let slack = 50_000_000; // calibration of the counter, and a thread put to sleep between two readings
        assert!(
            before - slack <= read && read <= after + slack,
            "{before} {read} {after}"
        );
    }

    #[test]
    fn unix_nanos_round_trip() {
        for nanos in [0, 1, -1, 1_600_000_000_000_000_000, -86_400_000_000_000] {
            assert_eq!(unix_nanos(system_time(nanos)), nanos);
        }
    }
}
