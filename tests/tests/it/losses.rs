//! No agent, an agent that goes and comes: the application runs on, and the account of spans stays exact.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tracer_agent::Agent;
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
    // A port that was free a moment ago: nobody listens there.
    let address = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
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
    let mut agent = Agent::builder().ephemeral_ports().start().unwrap();
    let port = agent.compact_addr().port();
    let tracer = tracer(&format!("127.0.0.1:{port}"));
    let mut arrived = 0;
    for _ in 0..20 {
        for _ in 0..50 {
            drop(tracer.start_active_span("request"));
        }
        tracer.flush(PATIENCE).unwrap();
        let store = agent.store();
        agent.shutdown();
        arrived += store.stats().spans_received;
        for _ in 0..10 {
            drop(tracer.start_active_span("while it is away"));
        }
        tracer.flush(PATIENCE).unwrap();
        agent = restart(port);
    }
    assert_balanced(&tracer);
    let stats = tracer.stats();
    let reporter = stats.reporters[0];
    assert_eq!(stats.started, 20 * 60);
    assert_eq!(
        reporter.reported,
        arrived + agent.store().stats().spans_received,
        "{stats:?}"
    );
    assert!(stats.lost() > 0, "{stats:?}");
}

#[test]
fn an_agent_killed_twenty_times_under_load_leaves_the_account_exact() {
    let (mut agent, port) = start_process("0");
    let tracer = tracer(&format!("127.0.0.1:{port}"));
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
            agent.kill().unwrap();
            agent.wait().unwrap();
            wait_for_more(|| tracer.stats().reporters[0].refused);
            (agent, _) = start_process(&port);
        }
        served.store(true, Ordering::Relaxed);
    });
    tracer.flush(PATIENCE).unwrap();
    assert_balanced(&tracer);
    agent.kill().unwrap();
    agent.wait().unwrap();
}

/// An agent in a process of its own, and its port.
fn start_process(port: &str) -> (Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_agent"))
        .arg(port)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (process, line.trim().to_owned())
}

fn wait_for_more(count: impl Fn() -> u64) {
    let (before, deadline) = (count(), Instant::now() + PATIENCE);
    while count() == before {
        assert!(Instant::now() < deadline, "it stays at {before}");
        std::thread::yield_now();
    }
}

/// Starts an agent on a port that another one has just left.
fn restart(port: u16) -> Agent {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Agent::builder()
            .ephemeral_ports()
            .compact_port(port)
            .start()
        {
            Ok(agent) => return agent,
            Err(error) if Instant::now() > deadline => panic!("{error}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}
