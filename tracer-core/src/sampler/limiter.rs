//! A leaky bucket: so many per second and no more.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Instant;

/// Gives out credits at a rate. It holds those of one second, at least one, and starts full. Never blocks.
///
/// Kept is not the balance but the time at which it would have been zero: credits accrue by themselves, and both what
/// there is and what it costs are nanoseconds. A request without credit, which is nearly every one of a busy service,
/// reads the clock and two words.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Nanoseconds in which a credit accrues.
    cost: AtomicU64,
    /// When the bucket would have been empty, by the counter of [`now`].
    empty_at: AtomicU64,
}

const SECOND: u64 = 1_000_000_000;
/// The cost at a rate of zero, and the most there is: 146 years.
const NEVER: u64 = 1 << 62;
/// Keeps what is subtracted from a time positive and what is added to it in range.
const ORIGIN: u64 = 1 << 63;

impl Limiter {
    /// `rate` is per second, finite and not negative. Zero gives nothing, where Jaeger's clients let one trace through:
    /// who writes 0 means none.
    pub(crate) fn new(rate: f64) -> Self {
        Self::full_at(rate, now())
    }

    fn full_at(rate: f64, now: u64) -> Self {
        let cost = cost(rate);
        Self {
            cost: AtomicU64::new(cost),
            empty_at: AtomicU64::new(now - depth(cost)),
        }
    }

    /// Takes a credit, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.take_at(now())
    }

    fn take_at(&self, now: u64) -> bool {
        let cost = self.cost.load(Ordering::Relaxed);
        if cost == NEVER {
            return false;
        }
        let full = now - depth(cost);
        let paid = |empty_at: u64| Some(empty_at.max(full) + cost).filter(|&paid| paid <= now);
        self.empty_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid)
            .is_ok()
    }

    /// Changes the rate and keeps the balance in proportion to what the bucket holds.
    pub(super) fn set_rate(&self, rate: f64) {
        self.set_rate_at(rate, now());
    }

    /// Who takes a credit in between may get it at either rate.
    fn set_rate_at(&self, rate: f64, now: u64) {
        let cost = cost(rate);
        let before = self.cost.swap(cost, Ordering::Relaxed);
        if before == cost {
            return;
        }
        let (old, new) = (u128::from(depth(before)), u128::from(depth(cost)));
        let scaled = |empty_at: u64| {
            let credit = u128::from(now.saturating_sub(empty_at)).min(old);
            let credit = if before == NEVER {
                new
            } else {
                credit * new / old
            };
            Some(now - u64::try_from(credit).unwrap_or(NEVER))
        };
        let _ = self
            .empty_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, scaled);
    }
}

fn cost(rate: f64) -> u64 {
    // A conversion to an integer saturates, also from infinity. A zero may have a sign.
    ((SECOND as f64 / rate.abs()) as u64).min(NEVER)
}

/// The nanoseconds in which a bucket fills.
fn depth(cost: u64) -> u64 {
    cost.max(SECOND)
}

fn now() -> u64 {
    let nanos = Instant::now().duration_since(Instant::ZERO).as_nanos();
    ORIGIN + u64::try_from(nanos).unwrap_or(NEVER).min(NEVER - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = ORIGIN + 7;
    const MILLI: u64 = SECOND / 1000;

    /// How many of 100 requests at that time get a credit.
    fn taken(limiter: &Limiter, millis: u64) -> usize {
        (0..100)
            .filter(|_| limiter.take_at(START + millis * MILLI))
            .count()
    }

    #[test]
    fn credits_follow_the_rate_and_the_burst() {
        for (rate, expected) in [
            (
                2.0,
                [
                    (0, 2),
                    (499, 0),
                    (500, 1),
                    (10_000, 2),
                    (10_250, 0),
                    (10_500, 1),
                ]
                .as_slice(),
            ),
            (1.0, &[(0, 1), (999, 0), (1000, 1), (5000, 1)]),
            // Below one per second there is room for one.
            (
                0.5,
                &[
                    (0, 1),
                    (1999, 0),
                    (2000, 1),
                    (90_000, 1),
                    (91_999, 0),
                    (92_000, 1),
                ],
            ),
            // Two and a half at once: the half is kept.
            (2.5, &[(0, 2), (199, 0), (200, 1), (600, 1), (2000, 2)]),
            (30.0, &[(0, 30), (1000, 30), (1100, 3)]),
            (0.0, &[(0, 0), (1_000_000, 0)]),
            (1e-300, &[(0, 0), (1_000_000, 0)]),
            (1e300, &[(0, 100), (1, 100)]),
        ] {
            let limiter = Limiter::full_at(rate, START);
            for &(millis, credits) in expected {
                assert_eq!(
                    taken(&limiter, millis),
                    credits,
                    "{rate} per second after {millis} ms"
                );
            }
        }
    }

    #[test]
    fn zero_gives_nothing_whatever_its_sign() {
        for zero in [0.0, -0.0] {
            assert_eq!(taken(&Limiter::full_at(zero, START), 1_000_000), 0);
        }
    }

    #[test]
    fn clock_that_steps_back_gives_nothing_and_harms_nothing() {
        let limiter = Limiter::full_at(1.0, START);
        assert_eq!(taken(&limiter, 1000), 1);
        assert_eq!(taken(&limiter, 0), 0);
        assert_eq!(taken(&limiter, 2000), 1);
    }

    #[test]
    fn new_rate_keeps_the_balance_in_proportion() {
        for (from, used, to, credits) in [
            (10.0, 0, 20.0, 20),
            (10.0, 5, 20.0, 10),
            (10.0, 10, 20.0, 0),
            (10.0, 5, 10.0, 5),
            (20.0, 10, 0.5, 0),
            (20.0, 0, 0.5, 1),
            (0.5, 1, 20.0, 0),
            (0.5, 0, 20.0, 20),
            (5.0, 0, 0.0, 0),
            (0.0, 0, 5.0, 5),
        ] {
            let limiter = Limiter::full_at(from, START);
            assert_eq!((0..used).filter(|_| limiter.take_at(START)).count(), used);
            limiter.set_rate_at(to, START);
            assert_eq!(
                taken(&limiter, 0),
                credits,
                "{used} used of {from} per second, then {to}"
            );
        }
    }

    #[test]
    fn threads_share_the_credits() {
        let limiter = Limiter::full_at(50.0, START);
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| taken(&limiter, 0))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(taken, 50);
    }
}
