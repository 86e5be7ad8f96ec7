//! An axum server under load: the server on the caller's core, the load generator in another process on the background's.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::start;
use crate::contender::Contender;
use crate::contender::bare::Bare;
use crate::figure::{Figure, Figures, median};
use crate::load::{Answered, Load};
use crate::receiver::Receiver;
use crate::sink::Sink;
use crate::work::{Output, SERVER_STEPS, Tracing};
use crate::{affinity, usage};

const CONNECTIONS: usize = 16;
const WARM: Duration = Duration::from_millis(200);
/// How often the contender's server and the bare one are loaded in turns, and for how long each time.
const TURNS: usize = 10;
const LOADED: Duration = Duration::from_millis(150);
/// The same with one connection.
const TURNS_ALONE: usize = 5;
const ALONE: Duration = Duration::from_millis(300);

/// Throughput and CPU with sixteen connections, latency with one; each also by what the bare server has, which is loaded in
/// turns with it: the speed of a machine changes by more than a layer costs.
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
    let [own, bare] = serve([contender.router()?, Bare.router()?]);
    let load = |address, connections, duration| {
        let load = Load {
            address,
            connections,
            duration,
            sampled_every: sampled_every.unwrap_or(1),
        };
        load.spawn().expect("the load generator is this program")
    };
    let turn = |address, connections, duration| {
        let before = usage::cpu();
        let answered = load(address, connections, duration);
        contender.flush();
        Turn {
            cpu: usage::cpu() - before,
            answered,
        }
    };
    let mut sampled = load(own, CONNECTIONS, WARM).sampled;
    load(bare, CONNECTIONS, WARM);
    let mut turns = |times, connections, duration| -> Vec<[Turn; 2]> {
        let both =
            (0..times).map(|_| [own, bare].map(|address| turn(address, connections, duration)));
        let both: Vec<_> = both.collect();
        sampled += both
            .iter()
            .map(|[own, _]| own.answered.sampled)
            .sum::<u64>();
        both
    };
    let loaded = turns(TURNS, CONNECTIONS, LOADED);
    let alone = turns(TURNS_ALONE, 1, ALONE);
    let of = |turns: &[[Turn; 2]], figure: fn(&[Turn; 2]) -> f64| {
        median(turns.iter().map(figure).collect())
    };
    let mut figures = Figures::from([
        (
            Figure::Throughput,
            of(&loaded, |[own, _]| own.throughput())?,
        ),
        (
            Figure::ShareOfBare,
            of(&loaded, |[own, bare]| own.throughput() / bare.throughput())?,
        ),
        (
            Figure::RequestCpu,
            of(&loaded, |[own, _]| own.request_cpu())?,
        ),
        (
            Figure::CpuAboveBare,
            of(&loaded, |[own, bare]| {
                own.request_cpu() - bare.request_cpu()
            })?,
        ),
        (Figure::P99, of(&alone, |[own, _]| own.answered.p99_us)?),
        (
            Figure::P99ByBare,
            of(&alone, |[own, bare]| {
                own.answered.p99_us / bare.answered.p99_us
            })?,
        ),
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

/// A while under load.
struct Turn {
    cpu: Duration,
    answered: Answered,
}

impl Turn {
    fn throughput(&self) -> f64 {
        self.answered.requests as f64 / self.answered.seconds
    }

    fn request_cpu(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.answered.requests as f64
    }
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
fn serve<const N: usize>(routers: [Router; N]) -> [SocketAddr; N] {
    let (ready, addresses) = mpsc::channel();
    thread::spawn(move || {
        affinity::caller();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("the system has polling");
        runtime.block_on(async {
            let mut servers = JoinSet::new();
            let mut open = Vec::new();
            for router in routers {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                    .await
                    .expect("a local port is free");
                open.push(
                    listener
                        .local_addr()
                        .expect("a bound socket has an address"),
                );
                servers.spawn(async { axum::serve(listener, router).await });
            }
            let _ = ready.send(open);
            servers.join_all().await;
        });
    });
    let addresses = addresses
        .recv()
        .expect("the server's thread sends the addresses first");
    addresses.try_into().expect("one for each router")
}
