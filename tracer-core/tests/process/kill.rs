//! A process that is killed: what a flush said is sent has arrived, whole, and what is lost was finished after it.

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tracer_core::{Sampler, Tracer, UdpReporter};

use crate::shutdown::{AGENT, arrived, runs};
use crate::{PATIENCE, VARIABLE};

pub(crate) const NAME: &str = "what_was_flushed_before_a_kill_has_arrived";
/// The scenario of a process that is killed.
pub(crate) const SERVICE: &str = "service_that_is_killed";

/// Spans between two flushes: one datagram.
const BATCH: usize = 100;

/// Kills a service again and again, each time at another moment.
pub(crate) fn check() -> Result<(), String> {
    let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
    agent.set_nonblocking(true).unwrap();
    for run in 0..runs()?.max(10) {
        kill_once(run, &agent).map_err(|error| format!("run {run}: {error}"))?;
    }
    Ok(())
}

fn kill_once(run: usize, agent: &UdpSocket) -> Result<(), String> {
    let mut service = Command::new(std::env::current_exe().unwrap())
        .env(VARIABLE, SERVICE)
        .env(AGENT, agent.local_addr().unwrap().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (mut go_on, said) = (
        service.stdin.take().unwrap(),
        service.stdout.take().unwrap(),
    );
    let (flushed, spans) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let fetch = || spans.fetch_add(arrived(agent), Ordering::Relaxed);
    thread::scope(|scope| {
        // It waits after each flush until the datagram is fetched, or the system would have no room for the next.
        scope.spawn(|| {
            for _ in BufReader::new(said).lines().map_while(Result::ok) {
                fetch();
                flushed.fetch_add(1, Ordering::Relaxed);
                let _ = go_on.write_all(b"\n");
            }
        });
        let deadline = Instant::now() + PATIENCE;
        while flushed.load(Ordering::Relaxed) <= run % 7 && Instant::now() < deadline {
            thread::yield_now();
        }
        (0..run * 31 % 1_000).for_each(|_| thread::yield_now());
        service.kill().unwrap();
        service.wait().unwrap();
    });
    fetch();
    let spans = spans.into_inner();
    let flushed = flushed.into_inner() * BATCH;
    if spans == flushed || spans == flushed + BATCH {
        Ok(())
    } else {
        Err(format!("{flushed} spans were flushed, {spans} arrived"))
    }
}

/// What runs in the process.
pub(crate) fn service() {
    let tracer = Tracer::builder("killed")
        .sampler(Sampler::constant(true))
        .reporter(UdpReporter::to(std::env::var(AGENT).unwrap()).unwrap())
        .flush_interval(Duration::MAX)
        .build()
        .unwrap();
    for go_on in std::iter::once(Ok(String::new())).chain(std::io::stdin().lines()) {
        if go_on.is_err() {
            return;
        }
        (0..BATCH).for_each(|_| tracer.start_span(crate::shutdown::WORK).finish());
        tracer.flush(PATIENCE).unwrap();
        println!("flushed");
    }
}
