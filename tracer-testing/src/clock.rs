//! A clock that tests set.

use std::cell::Cell;
use std::marker::PhantomData;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracer_core::private::clock::{Shown, set};

/// Clocks that stand still until they are set, for what the calling thread traces until this is dropped.
///
/// A span has two: the wall clock says when its trace began, and one that only goes forward how long it took. Other
/// threads keep theirs.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use tracer_testing::{TestClock, TestTracer};
///
/// let test = TestTracer::new("shop");
/// let begin = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let clock = TestClock::at(begin);
/// {
///     let _order = test.tracer().start_active_span("order");
///     clock.advance(Duration::from_millis(5));
/// }
/// let order = &test.spans()[0];
/// assert_eq!((order.start(), order.duration()), (begin, Duration::from_millis(5)));
/// ```
#[derive(Debug)]
#[must_use = "the clocks run again as soon as it is dropped: bind it to a variable"]
pub struct TestClock {
    shown: Cell<Shown>,
    /// Not `Send`: the clocks are this thread's.
    thread: PhantomData<*const ()>,
}

impl TestClock {
    /// Stops the clocks where they are.
    pub fn new() -> Self {
        Self::showing(Shown::now())
    }

    /// Stops the clocks, the wall clock at `time`.
    pub fn at(time: SystemTime) -> Self {
        Self::showing(Shown {
            wall: unix_nanos(time),
            ..Shown::now()
        })
    }

    fn showing(shown: Shown) -> Self {
        let clock = Self {
            shown: Cell::new(shown),
            thread: PhantomData,
        };
        clock.show(shown);
        clock
    }

    /// Lets time go on.
    pub fn advance(&self, by: Duration) {
        let Shown { counter, wall } = self.shown.get();
        let nanos = by.as_nanos();
        self.show(Shown {
            counter: counter.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX)),
            wall: wall.saturating_add(i64::try_from(nanos).unwrap_or(i64::MAX)),
        });
    }

    /// Sets the wall clock alone, forward or back, as an operator or a time server does.
    pub fn set_wall(&self, time: SystemTime) {
        self.show(Shown {
            wall: unix_nanos(time),
            ..self.shown.get()
        });
    }

    /// What the wall clock shows.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let nanos = self.shown.get().wall;
        let distance = Duration::from_nanos(nanos.unsigned_abs());
        if nanos < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    }

    fn show(&self, shown: Shown) {
        self.shown.set(shown);
        set(Some(shown));
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestClock {
    fn drop(&mut self) {
        set(None);
    }
}

fn unix_nanos(time: SystemTime) -> i64 {
    let nanos = |distance: Duration| i64::try_from(distance.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    }
}
