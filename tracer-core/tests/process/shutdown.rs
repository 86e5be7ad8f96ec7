//! Ends of services: wherever the work was done and however the process ends, all of it is sent, and the end comes.
//!
//! Each run is a process that reports to a socket of ours. Few runs of each kind are a test; many, with
//! `TRACER_TEST_SHUTDOWNS=1000` in the environment, are `ci/all shutdowns`, which also holds the time against the deadline.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tracer_core::{
    Process, ReportError, Reporter, Sampler, SpanRecord, Tracer, TracerGuard, UdpReporter,
};

use crate::{PATIENCE, VARIABLE};

pub(crate) const NAME: &str = "wherever_and_however_a_service_ends_nothing_is_lost_or_stuck";
/// The scenario of a process that ends.
pub(crate) const SERVICE: &str = "service_that_ends";

const RUNS: &str = "TRACER_TEST_SHUTDOWNS";
const FEW_RUNS: usize = 2;
const CASE: &str = "TRACER_TEST_CASE";
/// An address, or that there is none to report to.
pub(crate) const AGENT: &str = "TRACER_TEST_AGENT";
const HANGS: &str = "hangs";

/// What a shutdown may take when nobody takes the spans, and how much longer its process may.
const DEADLINE: Duration = Duration::from_millis(100);
const MARGIN: Duration = Duration::from_millis(100);

pub(crate) const WORK: &str = "some work";
const SPANS: usize = 100;
const WORKERS: usize = 4;

/// Where the work of a service is done.
#[derive(Clone, Copy, Debug)]
enum Place {
    Threads,
    OneThread,
    OneWorker,
    ManyWorkers,
}

/// How a service may end.
#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    OfMain,
    AfterTheRuntime,
    /// The guard is dropped in the middle of the work.
    Dropped,
    Twice,
    /// The hook shuts down, and the process ends there, as with `panic = "abort"`.
    PanicHook,
    Terminated,
    CtrlC,
}

const PLACES: [Place; 4] = [
    Place::Threads,
    Place::OneThread,
    Place::OneWorker,
    Place::ManyWorkers,
];
const ENDS: [End; 7] = [
    End::OfMain,
    End::AfterTheRuntime,
    End::Dropped,
    End::Twice,
    End::PanicHook,
    End::Terminated,
    End::CtrlC,
];
const CASES: usize = PLACES.len() * ENDS.len();

fn case(number: usize) -> (Place, End) {
    (PLACES[number % PLACES.len()], ENDS[number / PLACES.len()])
}

/// Runs every case, with an agent that listens so many times, with one that hangs once.
pub(crate) fn check() -> Result<(), String> {
    let runs = runs()?;
    let (next, longest) = (AtomicUsize::new(0), Mutex::new(Duration::ZERO));
    let failure = Mutex::new(None);
    let works = || {
        let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
        agent.set_nonblocking(true).unwrap();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let listens = number < runs * CASES;
            if number >= (runs + 1) * CASES || lock(&failure).is_some() {
                return;
            }
            match run(number % CASES, &agent, listens) {
                Ok(took) => {
                    let mut longest = lock(&longest);
                    *longest = took.max(*longest);
                }
                Err(error) => {
                    let (place, end) = case(number % CASES);
                    *lock(&failure) = Some(format!("{place:?} {end:?}: {error}"));
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(works);
        }
    });
    if let Some(failure) = failure.into_inner().unwrap() {
        return Err(failure);
    }
    if runs > FEW_RUNS {
        let longest = longest.into_inner().unwrap();
        println!("{runs} runs of {CASES} cases; the longest end took {longest:?}");
        if longest > DEADLINE + MARGIN {
            return Err(format!("an end took longer than {:?}", DEADLINE + MARGIN));
        }
    }
    Ok(())
}

/// How often to run a case: few times, unless the environment asks for more.
pub(crate) fn runs() -> Result<usize, String> {
    std::env::var(RUNS).map_or(Ok(FEW_RUNS), |runs| {
        runs.parse().map_err(|error| format!("{RUNS}: {error}"))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a case once. How long its end took.
fn run(number: usize, agent: &UdpSocket, listens: bool) -> Result<Duration, String> {
    let (_, end) = case(number);
    let address = agent.local_addr().unwrap().to_string();
    let mut service = Command::new(std::env::current_exe().unwrap())
        .env(VARIABLE, SERVICE)
        .env(CASE, number.to_string())
        .env(AGENT, if listens { &*address } else { HANGS })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let said = lines(&mut service);
    let line = said.recv_timeout(PATIENCE);
    if line.as_deref() != Ok("ready") {
        return Err(stuck(service, "it did not begin"));
    }
    match end {
        End::Terminated => send("TERM", &service),
        End::CtrlC => send("INT", &service),
        _ => {}
    }
    let began = Instant::now();
    if said.recv_timeout(PATIENCE).is_ok() || began.elapsed() >= PATIENCE {
        return Err(stuck(service, "it did not end"));
    }
    let status = service.wait().map_err(|error| error.to_string())?;
    let took = began.elapsed();
    if code(end) != status.code() {
        return Err(format!("it ended with {status}"));
    }
    match arrived(agent) {
        SPANS if listens => Ok(took),
        0 if !listens => Ok(took),
        spans => Err(format!("{spans} spans arrived")),
    }
}

/// What a service says. It ends with the process.
fn lines(service: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let said = BufReader::new(service.stdout.take().unwrap());
    thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

fn stuck(mut service: Child, what: &str) -> String {
    let ended: Option<ExitStatus> = service.try_wait().ok().flatten();
    let _ = service.kill();
    let _ = service.wait();
    format!("{what}: {ended:?}")
}

fn send(signal: &str, service: &Child) {
    let kill = format!("kill -{signal} {}", service.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
}

fn code(end: End) -> Option<i32> {
    Some(if end == End::PanicHook { 101 } else { 0 })
}

/// How many spans of the work are in the datagrams that have come: an address of this machine has them when they are sent.
pub(crate) fn arrived(agent: &UdpSocket) -> usize {
    let mut datagram = vec![0; 65_536];
    let mut spans = 0;
    while let Ok(len) = agent.recv(&mut datagram) {
        spans += datagram[..len]
            .windows(WORK.len())
            .filter(|at| *at == WORK.as_bytes())
            .count();
    }
    spans
}

/// Takes no span, ever.
struct Hangs;

impl Reporter for Hangs {
    fn report(&mut self, _: &Process, _: &[SpanRecord]) -> Result<(), ReportError> {
        loop {
            thread::park();
        }
    }
}

impl Place {
    fn runtime(self) -> Option<Runtime> {
        let mut builder = match self {
            Self::Threads => return None,
            Self::OneThread => Builder::new_current_thread(),
            Self::OneWorker | Self::ManyWorkers => Builder::new_multi_thread(),
        };
        let workers = if matches!(self, Self::OneWorker) {
            1
        } else {
            WORKERS
        };
        Some(
            builder
                .worker_threads(workers)
                .enable_all()
                .build()
                .unwrap(),
        )
    }
}

/// What runs in the process.
pub(crate) fn service() {
    let (place, end) = case(std::env::var(CASE).unwrap().parse().unwrap());
    let agent = std::env::var(AGENT).unwrap();
    let builder = Tracer::builder("ends")
        .sampler(Sampler::constant(true))
        .flush_interval(Duration::MAX);
    let hangs = agent == HANGS;
    let deadline = if hangs { DEADLINE } else { PATIENCE };
    let builder = if hangs {
        builder.reporter(Hangs)
    } else {
        builder.reporter(UdpReporter::to(agent).unwrap())
    };
    let runtime = place.runtime();
    let guard = builder.install().unwrap();
    work(runtime.as_ref());
    match end {
        End::OfMain => {
            println!("ready");
            finish(guard, hangs);
        }
        End::AfterTheRuntime => {
            println!("ready");
            drop(runtime);
            finish(guard, hangs);
        }
        End::Dropped => within(runtime.as_ref(), move || {
            println!("ready");
            finish(guard, hangs);
        }),
        End::Twice => within(runtime.as_ref(), move || {
            println!("ready");
            for _ in 0..2 {
                assert_eq!(guard.shutdown(deadline / 2).is_err(), hangs);
            }
        }),
        End::PanicHook => {
            std::panic::set_hook(Box::new(move |_| {
                println!("ready");
                assert_eq!(guard.shutdown(deadline).is_err(), hangs);
                std::process::exit(101);
            }));
            within(runtime.as_ref(), || panic!("as the test wants"));
        }
        End::Terminated => {
            wait_for(runtime, SignalKind::terminate());
            finish(guard, hangs);
        }
        End::CtrlC => {
            wait_for(runtime, SignalKind::interrupt());
            finish(guard, hangs);
        }
    }
}

/// Drops the guard, but not in its own time if that would be seconds.
fn finish(guard: TracerGuard, hangs: bool) {
    if hangs {
        assert!(guard.shutdown(DEADLINE).unwrap_err().is_timeout());
    }
    drop(guard);
}

fn work(runtime: Option<&Runtime>) {
    let part = || {
        for _ in 0..SPANS / WORKERS {
            tracer_core::tracer().start_active_span(WORK).finish();
        }
    };
    match runtime {
        None => thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(part);
            }
        }),
        Some(runtime) => {
            let tasks: Vec<_> = (0..WORKERS)
                .map(|_| runtime.spawn(async move { part() }))
                .collect();
            for task in tasks {
                runtime.block_on(task).unwrap();
            }
        }
    }
}

/// Runs where the work was done.
fn within(runtime: Option<&Runtime>, run: impl FnOnce() + Send + 'static) {
    match runtime {
        None => thread::spawn(run).join().unwrap(),
        Some(runtime) => runtime
            .block_on(runtime.spawn(async move { run() }))
            .unwrap(),
    }
}

/// Waits for a signal, while spans are still made.
fn wait_for(runtime: Option<Runtime>, kind: SignalKind) {
    let runtime = runtime.or_else(|| Place::OneThread.runtime()).unwrap();
    runtime.block_on(async {
        let mut signals = signal(kind).unwrap();
        thread::spawn(|| {
            loop {
                tracer_core::tracer()
                    .start_active_span("meanwhile")
                    .finish();
            }
        });
        println!("ready");
        signals.recv().await;
    });
}
