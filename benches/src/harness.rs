//! How rows are measured. Each runs in a process of its own, with one contender.

mod bursts;
mod open;
mod operation;
mod overload;
mod pipeline;
mod query;
mod server;
mod spans;
mod threads;

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(crate) use query::Thread;

use crate::affinity;
use crate::contender::{Contender, Run};
use crate::figure::Figures;
use crate::receiver::Receiver;
use crate::work::{Output, SetUp, Tracing, Under, Work};

/// The ways of measuring.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Harness {
    /// Caller's time, total CPU and allocations for each span.
    Spans(Work),
    /// Caller's time and allocations for each operation that makes no span.
    Operation(Work),
    /// As `Spans`, on so many threads at once; the time is each thread's own.
    Threads(usize, Work),
    /// As `Spans`, encoded and sent to a UDP socket.
    Pipeline(Work),
    /// The encoder and the socket alone.
    Encode,
    /// What tracing adds to a query, in turns with the query itself.
    Query(Under, Thread),
    /// A server under load. `None`: nothing is installed, though the layer is there.
    Server {
        /// Every how many requests the caller is sampled.
        sampled_every: Option<u64>,
    },
    /// The caller flat out, and a reporter that cannot keep up.
    Overload(Work),
    /// How long children wait while their root is open.
    OpenRoot,
    /// A million spans in traces of so many.
    Trace(u64),
    /// So many spans that stay open.
    Open(u64),
    /// A million spans a second, so many at once.
    Bursts(u64),
}

/// Measures; `None` when the contender cannot do this.
pub(crate) fn run<C: Contender>(harness: Harness) -> Option<Figures> {
    match harness {
        Harness::Spans(work) => spans::measure::<C>(work),
        Harness::Operation(work) => operation::measure::<C>(work),
        Harness::Threads(threads, work) => threads::measure::<C>(threads, work),
        Harness::Pipeline(work) => pipeline::measure::<C>(work),
        Harness::Encode => pipeline::encode::<C>(),
        Harness::Query(under, thread) => query::measure::<C>(under, thread),
        Harness::Server { sampled_every } => server::measure::<C>(sampled_every),
        Harness::Overload(work) => overload::measure::<C>(work),
        Harness::OpenRoot => open::delay::<C>(),
        Harness::Trace(children) => open::growth::<C>(children),
        Harness::Open(spans) => open::many::<C>(spans),
        Harness::Bursts(spans) => bursts::measure::<C>(spans),
    }
}

/// Does the work of a row `iterations` times, with a flush wherever the row has one, and nothing else.
pub(crate) fn repeat<C: Contender>(
    harness: Harness,
    iterations: u64,
) -> Result<(), Box<dyn Error>> {
    let work = match harness {
        Harness::Spans(work) | Harness::Operation(work) => work,
        Harness::Query(under, _) => Work::Query(under),
        _ => return Err("only spans, operations and queries can be repeated by themselves".into()),
    };
    let (contender, _receiver) =
        start_counting::<C>(work.tracing()).ok_or("the contender has no such row")?;
    let mut run = contender
        .work(work)
        .ok_or("the contender has no such row")?;
    let batch = self::iterations(work, BATCH_SPANS);
    // What a thread does once only is not the cost of a span.
    run(1);
    contender.flush();
    for done in (0..iterations).step_by(usize::try_from(batch)?) {
        caller_only(&mut run, batch.min(iterations - done));
        contender.flush();
    }
    Ok(())
}

/// A frame of its own, for profilers that are to look at the caller's work and not at set-up and flushes.
#[inline(never)]
fn caller_only(run: &mut Run, iterations: u64) {
    run(iterations);
}

/// Spans finished between two flushes, about: enough to be timed, and room for them in every contender's queue.
const BATCH_SPANS: u64 = 1000;

/// How long a row is measured.
const MEASURED: Duration = Duration::from_millis(200);

/// What is done between two flushes.
#[derive(Debug, Clone, Copy)]
struct Batch {
    work: Work,
    /// Iterations before the clock runs: the flush has left the caches to others.
    untimed: u64,
    /// Iterations that are timed.
    timed: u64,
}

impl Batch {
    fn of(work: Work) -> Self {
        Self {
            work,
            untimed: BATCH_SPANS / 4 / work.units(),
            timed: iterations(work, BATCH_SPANS * 3 / 4),
        }
    }

    fn iterations(self) -> u64 {
        self.untimed + self.timed
    }

    fn units(self) -> u64 {
        self.iterations() * self.work.units()
    }

    /// Nanoseconds for each timed unit.
    fn run(self, run: &mut Run) -> f64 {
        run(self.untimed);
        let start = Instant::now();
        run(self.timed);
        ns_each(start.elapsed(), self.timed * self.work.units())
    }
}

/// Iterations of `work` that make about `spans` spans.
fn iterations(work: Work, spans: u64) -> u64 {
    (spans / work.units()).max(1)
}

/// Starts a contender with its threads on the background's core, and moves this thread to the caller's.
fn start<C: Contender>(tracing: Tracing, output: Output) -> Option<C> {
    affinity::background();
    let contender = C::start(&SetUp { tracing, output });
    affinity::caller();
    contender
}

/// [`start`] with a receiver that keeps up.
fn start_counting<C: Contender>(tracing: Tracing) -> Option<(C, Receiver)> {
    let receiver = Receiver::default();
    Some((
        start(tracing, Output::Receiver(receiver.clone()))?,
        receiver,
    ))
}

/// [`start`] with a socket.
fn start_sending<C: Contender>(address: SocketAddr) -> Option<C> {
    start(Tracing::Sampled, Output::Udp(address))
}

/// Flushes until `spans` have been received or a second has passed, and returns what was received.
///
/// A second flush is no excuse for the first: rows about flushing look at the receiver themselves. Here it lets the row
/// of a contender whose `flush` is not exact be valid.
fn settle<C: Contender>(contender: &C, receiver: &Receiver, spans: u64) -> u64 {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        contender.flush();
        if receiver.received() >= spans || Instant::now() > deadline {
            return receiver.received();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Nanoseconds for one of `n`.
fn ns_each(time: Duration, n: u64) -> f64 {
    time.as_nanos() as f64 / n as f64
}
