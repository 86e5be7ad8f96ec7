//! A running agent: its threads, its addresses, its end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::sync::watch;

use crate::builder::{AgentBuilder, StartError};
use crate::host::Hosts;
use crate::model::TraceId;
use crate::receive::{self, Sink, Source, udp};
use crate::stats::Stats;
use crate::store::Store;
use crate::{query, sampling, serve};

/// How long the end of an agent may take. Its threads end by themselves later when that was not enough.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A running agent. Stops when dropped; what it kept stays readable through [`store`](Self::store).
///
/// It runs on two threads of its own, each with a runtime of its own: one receives, so that a slow query never makes
/// the kernel drop datagrams, and one serves HTTP.
#[derive(Debug)]
pub struct Agent {
    compact: SocketAddr,
    binary: SocketAddr,
    collector: SocketAddr,
    query: SocketAddr,
    sampling: SocketAddr,
    sink: Arc<Sink>,
    stop: watch::Sender<bool>,
    threads: Vec<Thread>,
}

/// The opened ports.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) compact: UdpSocket,
    pub(crate) binary: UdpSocket,
    pub(crate) collector: TcpListener,
    pub(crate) query: TcpListener,
    pub(crate) sampling: TcpListener,
}

impl Agent {
    /// Sets an agent up.
    #[must_use]
    pub fn builder() -> AgentBuilder {
        AgentBuilder::default()
    }

    pub(crate) fn run(options: AgentBuilder, sockets: Sockets) -> Result<Self, StartError> {
        let addresses = |sockets: &Sockets| -> io::Result<_> {
            let Sockets {
                compact,
                binary,
                collector,
                query,
                sampling,
            } = sockets;
            Ok((
                [compact.local_addr()?, binary.local_addr()?],
                [
                    collector.local_addr()?,
                    query.local_addr()?,
                    sampling.local_addr()?,
                ],
            ))
        };
        let ([compact, binary], [collector, query, sampling]) =
            addresses(&sockets).map_err(StartError::thread)?;

        let sink = Arc::new(Sink::new(Store::new(
            options.memory_limit,
            options.spans_per_trace,
        )));
        let (stop, stopped) = watch::channel(false);
        let mut agent = Self {
            compact,
            binary,
            collector,
            query,
            sampling,
            sink,
            stop,
            threads: Vec::new(),
        };

        let (sink, stopping) = (Arc::clone(&agent.sink), stopped.clone());
        let Sockets {
            compact,
            binary,
            collector,
            query,
            sampling,
        } = sockets;
        agent.spawn("agent-udp", move || async move {
            let compact = udp::receive(
                compact,
                Source::Compact,
                Arc::clone(&sink),
                stopping.clone(),
            );
            let binary = udp::receive(binary, Source::Binary, sink, stopping);
            tokio::join!(compact, binary);
        })?;

        let sink = Arc::clone(&agent.sink);
        let hosts = Arc::new(Hosts::new(options.listen, options.hosts));
        agent.spawn("agent-http", move || async move {
            let guard = |router| crate::host::guard(router, Arc::clone(&hosts));
            tokio::join!(
                serve::serve(
                    query,
                    guard(query::router(Arc::clone(&sink))),
                    stopped.clone()
                ),
                serve::serve(
                    collector,
                    guard(receive::http::router(sink)),
                    stopped.clone()
                ),
                serve::serve(
                    sampling,
                    guard(sampling::router(options.sampling_probability)),
                    stopped
                ),
            );
        })?;
        Ok(agent)
    }

    /// Runs a future on a thread of its own. The future is made there: it never has to move between threads.
    fn spawn<F: Future>(
        &mut self,
        name: &str,
        make: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(), StartError> {
        let (ready, started) = mpsc::channel();
        let (done, finished) = mpsc::channel();
        let body = move || {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(4)
                .build();
            match runtime {
                Ok(runtime) => {
                    drop(ready.send(Ok(())));
                    runtime.block_on(make());
                    runtime.shutdown_timeout(Duration::from_millis(200));
                }
                Err(error) => drop(ready.send(Err(error))),
            }
            drop(done);
        };
        let handle = thread::Builder::new()
            .name(name.into())
            .spawn(body)
            .map_err(StartError::thread)?;
        self.threads.push(Thread { handle, finished });
        match started.recv() {
            Ok(started) => started.map_err(StartError::thread),
            Err(_) => Err(StartError::thread(io::Error::other("it ended at once"))),
        }
    }

    /// Where Jaeger Thrift compact is received, over UDP.
    #[must_use]
    pub fn compact_addr(&self) -> SocketAddr {
        self.compact
    }

    /// Where Jaeger Thrift binary is received, over UDP.
    #[must_use]
    pub fn binary_addr(&self) -> SocketAddr {
        self.binary
    }

    /// Where Jaeger Thrift is received over HTTP, at `/api/traces`.
    #[must_use]
    pub fn collector_addr(&self) -> SocketAddr {
        self.collector
    }

    /// Where the pages and the query API are.
    #[must_use]
    pub fn query_addr(&self) -> SocketAddr {
        self.query
    }

    /// Where the sampling strategies are, at `/sampling`.
    #[must_use]
    pub fn sampling_addr(&self) -> SocketAddr {
        self.sampling
    }

    /// The URL of the page of newest traces, to be opened on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", reachable(self.query))
    }

    /// The URL of the page of a trace, to be opened on this machine.
    #[must_use]
    pub fn trace_url(&self, id: TraceId) -> String {
        format!("{}/trace/{id}", self.url())
    }

    /// The traces kept. The handle outlives the agent.
    #[must_use]
    pub fn store(&self) -> Store {
        self.sink.store().clone()
    }

    /// Everything counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.sink.stats()
    }

    /// Stops the agent: takes the datagrams that have arrived, closes the ports. Blocks for at most two seconds.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let deadline = Instant::now() + STOP_LIMIT;
        for thread in self.threads.drain(..) {
            thread.join(deadline);
        }
    }
}

#[derive(Debug)]
struct Thread {
    handle: thread::JoinHandle<()>,
    /// Disconnected at the end of the thread: a join with a deadline, which the standard library lacks.
    finished: mpsc::Receiver<()>,
}

impl Thread {
    fn join(self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.finished.recv_timeout(left) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                log::warn!("the agent's thread did not stop in {STOP_LIMIT:?}");
            }
            _ => drop(self.handle.join()),
        }
    }
}

/// An address of this machine for one that listens on all of its addresses.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    addr
}
