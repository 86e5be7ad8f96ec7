//! No agent, an agent that goes and comes: the application runs on, and the account of spans stays exact.

use std::io::{BufRead, BufReader, Lines};
use std::net::UdpSocket;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tracer_core::{Sampler, Tracer, UdpReporter};

const PATIENCE: Duration = Duration::from_secs(20);

fn tracer(address: &str) -> Tracer {
    Tracer::builder("shop")
        .sampler(Sampler::constant(true))
        .reporter(UdpReporter::to(address).unwrap())
        .flush_interval(Duration::from_millis(5))
        .build()
        .unwrap()
}

/// started = finished + open, and finished is accounted for to the last span.
fn assert_balanced(tracer: &Tracer) {
    let stats = tracer.stats();
    let reporter = stats.reporters[0];
    assert_eq!(stats.open(), 0, "{stats:?}");
    let known = stats.queue_full
        + stats.after_shutdown
        + stats.withdrawn
        + stats.queued
        + reporter.reported
        + reporter.lost();
    assert_eq!(stats.finished, known, "{stats:?}");
}

#[test]
fn without_an_agent_spans_are_lost_and_counted() {
    // The port is taken, by a socket that hears nobody but itself.
    let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = deaf.local_addr().unwrap();
    deaf.connect(address).unwrap();
    let tracer = tracer(&address.to_string());
    for _ in 0..100 {
        drop(tracer.start_active_span("request"));
        tracer.flush(PATIENCE).unwrap();
    }
    assert_balanced(&tracer);
    let stats = tracer.stats();
    assert_eq!((stats.started, stats.lost()), (100, 100), "{stats:?}");
}

#[test]
fn an_agent_restarted_twenty_times_leaves_the_account_exact() {
    let mut agent = Agent::start("0");
    let tracer = tracer(&format!("127.0.0.1:{}", agent.port));
    let mut arrived = 0;
    for _ in 0..20 {
        for _ in 0..50 {
            drop(tracer.start_active_span("request"));
        }
        tracer.flush(PATIENCE).unwrap();
        arrived += agent.stop();
        for _ in 0..10 {
            drop(tracer.start_active_span("while it is away"));
        }
        tracer.flush(PATIENCE).unwrap();
        agent = Agent::start(&agent.port);
    }
    assert_eq!(agent.stop(), 0);
    assert_balanced(&tracer);
    let stats = tracer.stats();
    let reporter = stats.reporters[0];
    assert_eq!(stats.started, 20 * 60);
    assert_eq!(
        (reporter.reported, arrived),
        (20 * 50, 20 * 50),
        "{stats:?}"
    );
    assert_eq!(reporter.refused, 20 * 10, "{stats:?}");
}

#[test]
fn an_agent_killed_twenty_times_under_load_leaves_the_account_exact() {
    let mut agent = Agent::start("0");
    let tracer = tracer(&format!("127.0.0.1:{}", agent.port));
    let served = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !served.load(Ordering::Relaxed) {
                    let _request = tracer.start_active_span("request");
                    for _ in 0..10 {
                        drop(tracer.start_active_span("part of it"));
                    }
                }
            });
        }
        for _ in 0..20 {
            wait_for_more(|| tracer.stats().reporters[0].reported);
            agent.kill();
            wait_for_more(|| tracer.stats().reporters[0].refused);
            agent = Agent::start(&agent.port);
        }
        served.store(true, Ordering::Relaxed);
    });
    tracer.flush(PATIENCE).unwrap();
    assert_balanced(&tracer);
    agent.kill();
}

/// An agent in a process of its own. In this one a socket that it has closed may live on for a moment, and take datagrams
/// that nobody reads: a child that another test starts has all descriptors of its parent until it becomes its program.
struct Agent {
    process: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    port: String,
}

impl Agent {
    fn start(port: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_agent"))
            .arg(port)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = stdout.next().unwrap().unwrap();
        Self {
            process,
            stdout,
            port,
        }
    }

    /// Lets it take what has arrived, and returns how many spans it has received.
    fn stop(&mut self) -> u64 {
        drop(self.process.stdin.take());
        let received = self.stdout.next().unwrap().unwrap().parse().unwrap();
        self.process.wait().unwrap();
        received
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn wait_for_more(count: impl Fn() -> u64) {
    let (before, deadline) = (count(), Instant::now() + PATIENCE);
    while count() == before {
        assert!(Instant::now() < deadline, "it stays at {before}");
        std::thread::yield_now();
    }
}
