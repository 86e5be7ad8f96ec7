//! A running agent: its threads, its addresses, its end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::builder::{AgentBuilder, StartError};
use crate::host::Hosts;
use crate::model::TraceId;
use crate::receive::body::{self, Room};
use crate::receive::{self, KernelDrops, Sink, Source, udp};
use crate::stats::Stats;
use crate::store::Store;
use crate::thread::Thread;
use crate::{forward, host, query, sampling, serve};

/// How long the end of an agent may take. Its threads end by themselves later when that was not enough.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// How long sending on may take after that.
const FORWARD_LIMIT: Duration = Duration::from_secs(5);

/// A running agent. Stops when dropped; what it kept stays readable through [`store`](Self::store).
///
/// It runs on three threads of its own: one empties the sockets, so that neither decoding nor a slow query makes the
/// kernel drop datagrams, one decodes and stores, one serves HTTP. A fourth sends spans on if it is to. Runtimes it needs
/// are its own too.
#[derive(Debug)]
pub struct Agent {
    compact: SocketAddr,
    binary: SocketAddr,
    collector: SocketAddr,
    otlp: Option<SocketAddr>,
    query: SocketAddr,
    sampling: SocketAddr,
    sink: Arc<Sink>,
    stop: watch::Sender<bool>,
    /// Locked only at the end; an agent may be shared between threads, the ends of its channels may not.
    threads: Mutex<Vec<Thread>>,
}

/// The opened ports.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) compact: UdpSocket,
    pub(crate) binary: UdpSocket,
    pub(crate) collector: TcpListener,
    /// Unless it is somebody else's.
    pub(crate) otlp: Option<TcpListener>,
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
        let addr = |addr: io::Result<SocketAddr>| addr.map_err(StartError::thread);
        let store = Store::new(options.memory_limit, options.spans_per_trace);
        let drops = [&sockets.compact, &sockets.binary].map(KernelDrops::of);
        let collector = addr(sockets.collector.local_addr())?;
        let otlp = sockets.otlp.as_ref().map(TcpListener::local_addr);
        let otlp = otlp.map(addr).transpose()?;
        let headers = options.forward_headers;
        let forward = match options.forward {
            Some(endpoint)
                if endpoint.is(collector) || otlp.is_some_and(|own| endpoint.is(own)) =>
            {
                return Err(StartError::forward_to_itself(&endpoint));
            }
            Some(endpoint) => Some(Arc::new(forward::Queue::new(
                endpoint,
                options.forward_queue,
            ))),
            None => None,
        };
        let sink = Arc::new(Sink::new(store, drops, forward.clone()));
        let (stop, stopped) = watch::channel(false);
        let agent = Self {
            compact: addr(sockets.compact.local_addr())?,
            binary: addr(sockets.binary.local_addr())?,
            collector,
            otlp,
            query: addr(sockets.query.local_addr())?,
            sampling: addr(sockets.sampling.local_addr())?,
            sink,
            stop,
            threads: Mutex::default(),
        };

        if let Some(queue) = forward {
            agent.own(Thread::start("agent-forward", move || {
                forward::run(&queue, &headers);
            }))?;
        }
        let Sockets {
            compact,
            binary,
            collector,
            otlp,
            query,
            sampling,
        } = sockets;
        let (backlog, reader) = receive::backlog(Arc::clone(&agent.sink));
        let stopping = stopped.clone();
        agent.own(Thread::start_async("agent-udp", move || async move {
            let backlog = Arc::new(backlog);
            let compact = udp::receive(
                compact,
                Source::Compact,
                Arc::clone(&backlog),
                stopping.clone(),
            );
            let binary = udp::receive(binary, Source::Binary, backlog, stopping);
            tokio::join!(compact, binary);
        }))?;
        agent.own(Thread::start("agent-decode", move || reader.run()))?;

        let sink = Arc::clone(&agent.sink);
        let compact_port = agent.compact.port();
        let otlp_port = agent.otlp.map(|otlp| otlp.port());
        let hosts = Arc::new(Hosts::new(options.listen, options.hosts));
        let strategies = sampling::router(options.sampling_probability);
        agent.own(Thread::start_async("agent-http", move || async move {
            let guard = |router| host::guard(router, Arc::clone(&hosts));
            let bodies = Arc::new(Room::new(body::MAX));
            let (queries, batches, requests) = (
                query::router(Arc::clone(&sink), compact_port, otlp_port),
                receive::http::router(Arc::clone(&sink), Arc::clone(&bodies)),
                receive::otlp::router(sink, bodies),
            );
            let otlp = async {
                if let Some(otlp) = otlp {
                    serve::serve(otlp, guard(requests), stopped.clone()).await;
                }
            };
            tokio::join!(
                serve::serve(query, guard(queries), stopped.clone()),
                serve::serve(collector, guard(batches), stopped.clone()),
                otlp,
                serve::serve(sampling, guard(strategies), stopped.clone()),
            );
        }))?;
        Ok(agent)
    }

    fn own(&self, started: io::Result<Thread>) -> Result<(), StartError> {
        let thread = started.map_err(StartError::thread)?;
        lock(&self.threads).push(thread);
        Ok(())
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

    /// Where OTLP is received over HTTP, at `/v1/traces`; `None` where [its port](AgentBuilder::otlp_port) is a collector's.
    #[must_use]
    pub fn otlp_addr(&self) -> Option<SocketAddr> {
        self.otlp
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

    /// Stops the agent: takes the datagrams that have arrived, closes the ports, sends on what waits for that. Blocks for
    /// at most two seconds, and five more while a collector does not take what it is sent.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let deadline = Instant::now() + STOP_LIMIT;
        let mut threads = std::mem::take(&mut *lock(&self.threads)).into_iter();
        // It was started first, and ends last.
        let sender = self.sink.forward();
        let sender = sender.and_then(|queue| Some((queue, threads.next()?)));
        for thread in threads {
            if !thread.join(deadline) {
                log::warn!("a thread of the agent did not stop in {STOP_LIMIT:?}");
            }
        }
        // Nothing comes in any more.
        let Some((queue, sender)) = sender else {
            return;
        };
        let deadline = Instant::now() + FORWARD_LIMIT;
        queue.close(deadline);
        sender.join(deadline);
        let unsent = queue.unsent();
        if unsent > 0 {
            log::warn!("{unsent} spans were not forwarded before the end");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
