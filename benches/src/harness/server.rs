//! An axum server under load: the server on the caller's core, the load generator in another process on the background's.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use super::start;
use crate::contender::Contender;
use crate::figure::{Figure, Figures};
use crate::load::Load;
use crate::receiver::Receiver;
use crate::sink::Sink;
use crate::work::{Output, SERVER_STEPS, Tracing};
use crate::{affinity, usage};

const CONNECTIONS: usize = 16;
const WARM: Duration = Duration::from_millis(300);
const LOADED: Duration = Duration::from_millis(1500);
const ALONE: Duration = Duration::from_secs(2);

/// Throughput and CPU with sixteen connections, latency with one.
pub(super) fn measure<C: Contender>(sampled_every: Option<u64>) -> Option<Figures> {
    // What does not trace is the same in all rows of the server: once is enough.
    if !C::DELIVERS && sampled_every != Some(1) {
        return None;
    }
    let tracing = if sampled_every.is_some() {
        Tracing::Sampled
    } else {
        Tracing::Off
    };
    let (mut end, output) = End::open::<C>();
    let contender = start::<C>(tracing, output)?;
    let address = serve(contender.router()?);
    let mut sampled = 0;
    let mut load = |connections, duration| {
        let load = Load {
            address,
            connections,
            duration,
            sampled_every: sampled_every.unwrap_or(1),
        };
        let answered = load.spawn().expect("the load generator is this program");
        sampled += answered.sampled;
        answered
    };
    load(CONNECTIONS, WARM);
    let before = usage::cpu();
    let loaded = load(CONNECTIONS, LOADED);
    contender.flush();
    let cpu = usage::cpu() - before;
    let alone = load(1, ALONE);
    let mut figures = Figures::from([
        (Figure::Throughput, loaded.requests as f64 / loaded.seconds),
        (
            Figure::RequestCpu,
            cpu.as_secs_f64() * 1e6 / loaded.requests as f64,
        ),
        (Figure::P99, alone.p99_us),
    ]);
    if C::DELIVERS {
        let expected = if sampled_every.is_some() {
            sampled * end.spans_per_request()
        } else {
            0
        };
        figures.insert(Figure::Expected, expected as f64);
        figures.insert(Figure::Delivered, end.settle(&contender, expected) as f64);
    }
    Some(figures)
}

/// Where the spans arrive.
enum End {
    Receiver(Receiver),
    Sink(Sink),
}

impl End {
    fn open<C: Contender>() -> (Self, Output) {
        if C::SERVER_SENDS {
            let sink = Sink::start_aside().expect("the sink is this program");
            let output = Output::Udp(sink.address());
            (Self::Sink(sink), output)
        } else {
            let receiver = Receiver::default();
            (Self::Receiver(receiver.clone()), Output::Receiver(receiver))
        }
    }

    /// The sink knows spans by their names, and the name of the server's span is the layer's affair.
    fn spans_per_request(&self) -> u64 {
        match self {
            Self::Receiver(_) => SERVER_STEPS + 1,
            Self::Sink(_) => SERVER_STEPS,
        }
    }

    fn settle<C: Contender>(&mut self, contender: &C, expected: u64) -> u64 {
        match self {
            Self::Receiver(receiver) => super::settle(contender, receiver, expected),
            Self::Sink(sink) => {
                contender.flush();
                sink.wait(expected).expect("the sink answers").spans
            }
        }
    }
}

/// Serves on a runtime of one thread on the caller's core, for as long as the process lives.
fn serve(router: Router) -> SocketAddr {
    let (ready, address) = mpsc::channel();
    thread::spawn(move || {
        affinity::caller();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("the system has polling");
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .expect("a local port is free");
            let _ = ready.send(
                listener
                    .local_addr()
                    .expect("a bound socket has an address"),
            );
            let _ = axum::serve(listener, router).await;
        });
    });
    address
        .recv()
        .expect("the server's thread sends its address first")
}
