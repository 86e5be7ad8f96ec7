//! The seam between the rows and the tracers: what a contender can do, and the list of contenders.

pub(crate) mod bare;
pub(crate) mod fastrace;
pub(crate) mod floor;
pub(crate) mod opentelemetry;
pub(crate) mod ours;
pub(crate) mod rustracing;
pub(crate) mod tracing;

use std::error::Error;

use crate::figure::Figures;
use crate::harness;
use crate::row::Row;
use crate::work::{SetUp, Work};

/// A loop over one kind of work: called with how often to do it, on the thread that made it.
pub(crate) type Run = Box<dyn FnMut(u64)>;

/// A tracer, or something to measure tracers against. Each runs in a process of its own, so global state does no harm.
pub(crate) trait Contender: Send + Sync + Sized + 'static {
    /// Whether its finished spans reach the output. Only what makes no spans says no.
    const DELIVERS: bool = true;
    /// Whether its server reports to a UDP socket. The peers' only count and drop, which makes their servers cheaper than they would be.
    const SERVER_SENDS: bool = false;

    /// Starts it; `None` when it has no such output. Called once in a process, on a thread whose children inherit the background's core.
    fn start(set_up: &SetUp) -> Option<Self>;

    /// The loop for `work`; `None` when it cannot do that work.
    fn work(&self, work: Work) -> Option<Run>;

    /// Returns when every span finished before the call has reached the output.
    fn flush(&self);

    /// Spans it says it has dropped.
    fn dropped(&self) -> u64 {
        0
    }

    /// A server of one route, `/hello`, whose handler calls three traced async functions, under the contender's layer.
    fn router(&self) -> Option<axum::Router> {
        None
    }
}

/// The list of contenders, in the order of the table.
macro_rules! contenders {
    ($($name:literal => $contender:ty),+ $(,)?) => {
        /// Contenders by name.
        pub(crate) const NAMES: &[&str] = &[$($name),+];

        /// Runs one row with one contender in this process; `None` when the contender has no such row.
        pub(crate) fn run(contender: &str, row: &Row) -> Result<Option<Figures>, String> {
            match contender {
                $($name => Ok(harness::run::<$contender>(row.harness)),)+
                unknown => Err(nobody(unknown)),
            }
        }

        /// Does the work of a row so many times, for a profiler.
        pub(crate) fn repeat(contender: &str, row: &Row, iterations: u64) -> Result<(), Box<dyn Error>> {
            match contender {
                $($name => harness::repeat::<$contender>(row.harness, iterations),)+
                unknown => Err(nobody(unknown).into()),
            }
        }
    };
}

contenders! {
    "bare" => bare::Bare,
    "floor" => floor::Floor,
    "ours" => ours::Ours,
    "fastrace" => fastrace::Fastrace,
    "rustracing" => rustracing::Rustracing,
    "opentelemetry" => opentelemetry::OpenTelemetry,
    "tracing" => tracing::TracingStack,
}

fn nobody(unknown: &str) -> String {
    format!("no contender is called {unknown:?}; there are {NAMES:?}")
}

/// Makes a loop of one iteration, which is told its number.
pub(crate) fn each(mut iteration: impl FnMut(u64) + 'static) -> Option<Run> {
    let mut i = 0;
    Some(Box::new(move |n| {
        for _ in 0..n {
            iteration(i);
            i += 1;
        }
    }))
}

/// Makes a loop that keeps so many spans open: each iteration starts one in the place of the one that has been open longest.
pub(crate) fn open<S: 'static>(spans: u64, start: impl Fn() -> S + 'static) -> Option<Run> {
    let mut open: Vec<S> = (0..spans).map(|_| start()).collect();
    let mut place = 0;
    each(move |_| {
        open[place] = start();
        place = if place + 1 < open.len() { place + 1 } else { 0 };
    })
}

/// The runtime of the asynchronous rows.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers needs nothing of the machine")
}

/// What a future of [`Work::AsyncYield`] does inside.
pub(crate) async fn yields() {
    for _ in 0..crate::work::YIELDS {
        tokio::task::yield_now().await;
    }
}
