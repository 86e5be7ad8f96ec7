//! Does the work of one row of `benches` with this project's tracer, and nothing else, for a tool that counts instructions;
//! prints how many spans that was. `ci/instructions` calls it.
//!
//! A package by itself: `benches` is built with all peers, a server and a database, which takes minutes.

#![expect(clippy::print_stdout, reason = "a command-line program")]
#![expect(
    clippy::expect_used,
    reason = "what cannot be set up cannot be counted"
)]

use std::future::poll_fn;
use std::hint::black_box;
use std::net::{Ipv4Addr, UdpSocket};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tracer_core::{
    KeepPolicy, MemoryReporter, NullReporter, Process, Reporter, Sampler, Scope, SpanRecord,
    Tracer, TracerGuard, UdpReporter, traced,
};

const ROOT: &str = "bench.root";
const CHILD: &str = "bench.child";
const CHILDREN: u64 = 10;
/// Spans given to the encoder at once.
const ENCODED: u64 = 250;
/// Spans between two flushes, about: a full queue drops them, which costs less.
const BATCH: u64 = 1000;
const BATCHES: u64 = 50;
const PATIENCE: Duration = Duration::from_secs(60);

/// A loop over one kind of work: called with how often to do it.
type Run = Box<dyn FnMut(u64)>;

fn main() {
    let row = std::env::args().nth(1).unwrap_or_default();
    let guard = match row.as_str() {
        "no_tracer" => None,
        refused if refused.starts_with("unsampled") => Some(install(false, None)),
        "held" => Some(install(false, Some(KeepPolicy::errors()))),
        _ => Some(install(true, None)),
    };
    let (spans, mut run) = work(&row).expect("no such row");
    let flush = || {
        if let Some(guard) = &guard {
            guard
                .flush(PATIENCE)
                .expect("the reporter keeps the deadline");
        }
    };
    let iterations = BATCH / spans;
    // What a thread does once only is not the cost of a span.
    run(iterations);
    flush();
    for _ in 0..BATCHES {
        caller_only(&mut run, iterations);
        flush();
    }
    println!("{}", BATCHES * iterations * spans);
}

/// A frame of its own, by which the tool knows the caller's work from set-up and flushes.
#[inline(never)]
fn caller_only(run: &mut Run, iterations: u64) {
    run(iterations);
}

/// How many spans an iteration of the row is, and the loop.
fn work(row: &str) -> Option<(u64, Run)> {
    let tracer = tracer_core::tracer();
    Some(match row {
        "root" | "unsampled_root" => (1, each(move |_| tracer.start_span(ROOT).finish())),
        "flat10" | "held" => (
            1 + CHILDREN,
            each(move |_| {
                let _root = tracer.start_active_span(ROOT);
                for _ in 0..CHILDREN {
                    let _child = tracer.start_active_span(CHILD);
                }
            }),
        ),
        "unsampled_child" => {
            let root = tracer.start_active_span(ROOT);
            let child = move |_| {
                let _open = &root;
                let _child = tracer.start_active_span(CHILD);
            };
            (1, each(child))
        }
        "yield" | "unsampled_yield" => (
            1 + CHILDREN,
            each(move |_| {
                let _root = tracer.start_active_span(ROOT);
                for _ in 0..CHILDREN {
                    let mut call = pin!(yielding());
                    let mut cx = Context::from_waker(Waker::noop());
                    while call.as_mut().poll(&mut cx).is_pending() {}
                }
            }),
        ),
        "no_tracer" => (
            1,
            each(|i| {
                function(i);
            }),
        ),
        "macro_sync" => (
            1 + CHILDREN,
            each(move |i| {
                let _root = tracer.start_active_span(ROOT);
                for _ in 0..CHILDREN {
                    function(i);
                }
            }),
        ),
        "tags" => (
            1 + CHILDREN,
            each(move |i| {
                let root = tracer.start_active_span(ROOT);
                tag(&root, i);
                for _ in 0..CHILDREN {
                    tag(&tracer.start_active_span(CHILD), i);
                }
            }),
        ),
        "encode" => (ENCODED, encode()),
        _ => return None,
    })
}

fn each(mut iteration: impl FnMut(u64) + 'static) -> Run {
    let mut i = 0;
    Box::new(move |n| {
        for _ in 0..n {
            iteration(i);
            i += 1;
        }
    })
}

#[traced(name = "bench.child")]
fn function(i: u64) -> u64 {
    black_box(i)
}

/// Is polled four times.
#[traced(name = "bench.child")]
async fn yielding() {
    for _ in 0..3 {
        let mut yielded = false;
        poll_fn(|_| {
            if std::mem::replace(&mut yielded, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

fn tag(span: &Scope, i: u64) {
    span.set_tag("http.method", "GET");
    span.set_tag("user.id", i as i64);
    span.set_tag("http.url", format!("/users/{i}"));
    span.log((("event", "cache.miss"), ("size", 512)));
}

fn install(sampled: bool, keep: Option<KeepPolicy>) -> TracerGuard {
    let builder = Tracer::builder("instructions")
        .sampler(Sampler::constant(sampled))
        .reporter(NullReporter);
    match keep {
        Some(policy) => builder.keep(policy),
        None => builder,
    }
    .install()
    .expect("nothing of this set-up can be wrong")
}

/// Encodes and sends finished spans, over and over the same ones.
fn encode() -> Run {
    // Nobody reads from it: the system throws away what it has no room for, and no sender is told.
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a local port is free");
    let address = socket.local_addr().expect("the socket is bound");
    let mut reporter = UdpReporter::to(address.to_string()).expect("an address with a port");
    let (process, spans) = finished_spans();
    each(move |_| {
        let _open = &socket;
        reporter
            .report(&process, black_box(&spans))
            .expect("it is local");
        reporter.flush().expect("it is local");
    })
}

/// Spans as a reporter gets them, and the process they are of.
fn finished_spans() -> (Process, Vec<SpanRecord>) {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("instructions")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .expect("nothing of this set-up can be wrong");
    let root = tracer.start_span(ROOT).activate();
    for i in 0..ENCODED {
        tag(&tracer.start_active_span(CHILD), i);
    }
    tracer
        .flush(PATIENCE)
        .expect("the reporter keeps the deadline");
    drop(root);
    let kept = memory.take_with_process();
    let process = kept.first().expect("the spans were flushed").0.clone();
    let spans = kept.into_iter().map(|(_, span)| span).collect();
    ((*process).clone(), spans)
}
