//! The values of the counter, which `fastant` does not tell, but hashes.

use std::hash::{Hash, Hasher};
#[cfg(any(test, not(feature = "test-clock")))]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(any(test, not(feature = "test-clock")))]
use std::time::Duration;

/// The value of the counter at an instant: making nanoseconds of it takes longer than reading it, and can be left to who needs
/// them.
#[inline]
pub(crate) fn ticks(instant: impl Hash) -> u64 {
    let mut ticks = Ticks(0);
    instant.hash(&mut ticks);
    ticks.0
}

/// Takes the one word that an instant is made of.
struct Ticks(u64);

impl Hasher for Ticks {
    #[inline]
    fn write_u64(&mut self, ticks: u64) {
        self.0 = ticks;
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Nanoseconds since the counter's zero at a [value](ticks) of it.
#[cfg(any(test, not(feature = "test-clock")))]
#[inline]
pub(crate) fn nanos_of_ticks(ticks: u64) -> i64 {
    /// Nanoseconds of a tick, as the bits of a float. Zero stands for "not known yet"; no lock, for a fork may come at any time.
    static TICK: AtomicU64 = AtomicU64::new(0);
    let tick = match TICK.load(Ordering::Relaxed) {
        0 => {
            let tick = nanos_of_tick();
            TICK.store(tick.to_bits(), Ordering::Relaxed);
            tick
        }
        known => f64::from_bits(known),
    };
    (ticks as f64 * tick) as i64
}

/// As exact as a float can be: of a time so long no digit is lost to whole ticks.
#[cfg(any(test, not(feature = "test-clock")))]
#[cold]
fn nanos_of_tick() -> f64 {
    const LONG: Duration = Duration::from_nanos(1 << 61);
    let counted = fastant::Instant::ZERO
        .checked_add(LONG)
        .map_or(u64::MAX, ticks);
    LONG.as_nanos() as f64 / counted as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastant::Instant;

    #[test]
    fn ticks_are_the_nanoseconds_of_their_instant() {
        const DAY: u64 = 24 * 60 * 60;
        let now = Instant::now();
        for days in [0, 1, 30, 1000] {
            let instant = now + Duration::from_secs(days * DAY);
            let since = instant.duration_since(Instant::ZERO).as_nanos() as i64;
            let off = nanos_of_ticks(ticks(instant)) - since;
            let last_digit = since as f64 * f64::EPSILON;
            assert!(off.abs() as f64 <= 1.0 + last_digit, "{instant:?} {off}");
        }
        assert!(ticks(Instant::ZERO) == 0 && ticks(now) > 0);
    }
}
