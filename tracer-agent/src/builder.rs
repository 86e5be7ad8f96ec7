//! Setting an agent up: addresses, bounds, sampling.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use axum::http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING,
};
use axum::http::{HeaderName, HeaderValue};

use crate::agent::{Agent, Sockets};
use crate::forward::Endpoint;
use crate::receive::udp;

/// Sets an [`Agent`] up. Made by [`Agent::builder`].
///
/// ```
/// use tracer_agent::Agent;
///
/// # fn main() -> Result<(), tracer_agent::StartError> {
/// let agent = Agent::builder().ephemeral_ports().memory_limit(64 << 20).sampling_probability(0.1).start()?;
/// println!("{}", agent.url());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AgentBuilder {
    pub(crate) listen: IpAddr,
    /// Those that were chosen.
    ports: [Option<u16>; 6],
    pub(crate) hosts: Vec<String>,
    pub(crate) memory_limit: usize,
    pub(crate) spans_per_trace: usize,
    pub(crate) sampling_probability: f64,
    pub(crate) forward: Option<Endpoint>,
    pub(crate) forward_queue: usize,
    pub(crate) forward_headers: Vec<(HeaderName, HeaderValue)>,
}

/// Headers that go by what is sent.
const OWN_HEADERS: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
];

/// The ports of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Compact,
    Binary,
    Collector,
    Otlp,
    Query,
    Sampling,
}

impl Port {
    const DEFAULTS: [u16; 6] = [6831, 6832, 14268, 4318, 16686, 5778];

    fn describe(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Compact => ("udp", "Jaeger Thrift compact", "--compact-port"),
            Self::Binary => ("udp", "Jaeger Thrift binary", "--binary-port"),
            Self::Collector => ("tcp", "Jaeger Thrift over HTTP", "--collector-port"),
            Self::Otlp => ("tcp", "OTLP over HTTP", "--otlp-port"),
            Self::Query => ("tcp", "pages and queries", "--query-port"),
            Self::Sampling => ("tcp", "sampling strategies", "--sampling-port"),
        }
    }
}

impl Default for AgentBuilder {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: [None; 6],
            hosts: Vec::new(),
            memory_limit: 256 << 20,
            spans_per_trace: 200_000,
            sampling_probability: 1.0,
            forward: None,
            forward_queue: 32 << 20,
            forward_headers: Vec::new(),
        }
    }
}

impl AgentBuilder {
    /// The address to listen on, of all ports; 127.0.0.1 unless said.
    ///
    /// Whoever can reach the ports can read the traces and add to them: another address than loopback is for networks
    /// that are trusted as a whole.
    #[must_use]
    pub fn listen(mut self, address: IpAddr) -> Self {
        self.listen = address;
        self
    }

    /// The UDP port of Jaeger Thrift compact; 6831 unless said, 0 lets the system choose.
    #[must_use]
    pub fn compact_port(self, port: u16) -> Self {
        self.port(Port::Compact, port)
    }

    /// The UDP port of Jaeger Thrift binary; 6832 unless said, 0 lets the system choose.
    #[must_use]
    pub fn binary_port(self, port: u16) -> Self {
        self.port(Port::Binary, port)
    }

    /// The TCP port that takes Jaeger Thrift over HTTP; 14268 unless said, 0 lets the system choose.
    #[must_use]
    pub fn collector_port(self, port: u16) -> Self {
        self.port(Port::Collector, port)
    }

    /// The TCP port that takes OTLP over HTTP; 4318 unless said, 0 lets the system choose.
    ///
    /// Where nothing is said, and the port is taken or is where spans are sent on to, a collector has it: the agent goes on
    /// without OTLP, and says so in the log.
    #[must_use]
    pub fn otlp_port(self, port: u16) -> Self {
        self.port(Port::Otlp, port)
    }

    /// The TCP port of the pages and the query API; 16686 unless said, 0 lets the system choose.
    #[must_use]
    pub fn query_port(self, port: u16) -> Self {
        self.port(Port::Query, port)
    }

    /// The TCP port of the sampling strategies; 5778 unless said, 0 lets the system choose.
    #[must_use]
    pub fn sampling_port(self, port: u16) -> Self {
        self.port(Port::Sampling, port)
    }

    /// Lets the system choose all ports: for tests, and for several agents on one machine.
    #[must_use]
    pub fn ephemeral_ports(mut self) -> Self {
        self.ports = [Some(0); 6];
        self
    }

    fn port(mut self, which: Port, port: u16) -> Self {
        self.ports[which as usize] = Some(port);
        self
    }

    /// Accepts HTTP requests that name this host, besides loopback names and the address listened on.
    ///
    /// Requests for other hosts are refused, so that no web page can read the traces by giving its own name the
    /// address of this machine. Needed when the agent is reached by a name, such as a container's.
    #[must_use]
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }

    /// The cap on the bytes of the traces kept; 256 MiB unless said. The oldest traces go when it is reached.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// The most spans kept of one trace; 200 000 unless said. Further ones are counted, not kept.
    #[must_use]
    pub fn spans_per_trace(mut self, spans: usize) -> Self {
        self.spans_per_trace = spans;
        self
    }

    /// The share of traces that clients with remote sampling are told to sample, 0 to 1; 1 unless said.
    /// Values outside are taken as the nearer end.
    #[must_use]
    pub fn sampling_probability(mut self, probability: f64) -> Self {
        self.sampling_probability = if probability.is_nan() {
            1.0
        } else {
            probability.clamp(0.0, 1.0)
        };
        self
    }

    /// Also sends every span on to the collector at `url`: `http://host:4318/v1/traces` for OTLP in protobuf, as the
    /// OpenTelemetry Collector and Jaeger take it, or `http://host:14268/api/traces` for Jaeger's Thrift.
    ///
    /// Spans that arrived more than once are sent once, those of traces that are too large to be kept are sent too. They
    /// are sent again while the collector is away, busy (429, 502, 503, 504) or silent for ten seconds, so it may get some
    /// twice. `https` needs the crate's feature `tls`; proxies are taken from the usual environment variables.
    ///
    /// ```
    /// use tracer_agent::Agent;
    ///
    /// # fn main() -> Result<(), tracer_agent::StartError> {
    /// let builder = Agent::builder().forward("http://collector:4318/v1/traces")?;
    /// assert!(Agent::builder().forward("collector:4318").is_err());
    /// # let _ = builder;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When `url` is not one of these.
    pub fn forward(mut self, url: &str) -> Result<Self, StartError> {
        let endpoint = url.parse();
        self.forward = Some(endpoint.map_err(|expected| StartError::forward(url, expected))?);
        Ok(self)
    }

    /// The cap on the bytes of spans that wait to be sent on; 32 MiB unless said. Further ones are dropped and counted.
    #[must_use]
    pub fn forward_queue(mut self, bytes: usize) -> Self {
        self.forward_queue = bytes;
        self
    }

    /// Adds a header to all that is sent on, such as one that tells the collector who sends. Its value is a secret: it is
    /// in no log and no `Debug`. Without TLS whoever is on the way can read it.
    ///
    /// ```
    /// use tracer_agent::Agent;
    ///
    /// # fn main() -> Result<(), tracer_agent::StartError> {
    /// # let token = "";
    /// let builder = Agent::builder()
    ///     .forward("http://collector:4318/v1/traces")?
    ///     .forward_header("authorization", &format!("Bearer {token}"))?;
    /// # let _ = builder;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When it is no header, or one that goes by what is sent, such as `content-type`.
    pub fn forward_header(mut self, name: &str, value: &str) -> Result<Self, StartError> {
        let wrong = |header: &str, expected| Err(StartError::forward_header(header, expected));
        // Unknown names are not repeated: one without its colon may be a secret.
        let Ok(name) = name.parse::<HeaderName>() else {
            return wrong("such a header", "a name like x-api-key");
        };
        if OWN_HEADERS.contains(&name) {
            return wrong(
                &format!("the header {name}"),
                "one that does not go by what is sent",
            );
        }
        let Ok(mut value) = value.parse::<HeaderValue>() else {
            return wrong(&format!("the header {name}"), "visible characters of ASCII");
        };
        value.set_sensitive(true);
        self.forward_headers.push((name, value));
        Ok(self)
    }

    /// Opens the ports and starts the agent on three threads of its own, or four when it sends on.
    ///
    /// Not async, and to be called from any code: the agent never runs on the caller's runtime. The ports are open when
    /// it returns, so that nothing sent from then on is lost.
    ///
    /// # Errors
    ///
    /// [`StartError`] names the port that could not be opened.
    pub fn start(self) -> Result<Agent, StartError> {
        let addr = |which: Port| {
            let at = which as usize;
            SocketAddr::new(self.listen, self.ports[at].unwrap_or(Port::DEFAULTS[at]))
        };
        let udp = |which| {
            udp::bind(addr(which)).map_err(|error| StartError::port(which, addr(which), error))
        };
        let tcp = |which| {
            let listener = TcpListener::bind(addr(which)).and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            });
            listener.map_err(|error| StartError::port(which, addr(which), error))
        };
        let otlp = || {
            let is_chosen = self.ports[Port::Otlp as usize].is_some();
            let forward = self.forward.as_ref().filter(|_| !is_chosen);
            if forward.is_some_and(|endpoint| endpoint.is(addr(Port::Otlp))) {
                log::info!("OTLP is not received: its port is where spans are sent on to");
                return Ok(None);
            }
            match tcp(Port::Otlp) {
                Err(error) if error.is_port_taken() && !is_chosen => {
                    log::warn!(
                        "OTLP is not received: {error}; choose another port with --otlp-port"
                    );
                    Ok(None)
                }
                listener => listener.map(Some),
            }
        };
        let sockets = Sockets {
            compact: udp(Port::Compact)?,
            binary: udp(Port::Binary)?,
            collector: tcp(Port::Collector)?,
            otlp: otlp()?,
            query: tcp(Port::Query)?,
            sampling: tcp(Port::Sampling)?,
        };
        Agent::run(self, sockets)
    }
}

/// Why an agent did not start: one line that names the port, or the URL. `Debug` says the same, for that is what a `main` that gives
/// it back prints.
pub struct StartError {
    kind: Kind,
    source: io::Error,
}

enum Kind {
    Port(Port, SocketAddr),
    Thread,
    Forward(String),
    ForwardHeader(String),
}

impl StartError {
    fn port(which: Port, addr: SocketAddr, source: io::Error) -> Self {
        Self {
            kind: Kind::Port(which, addr),
            source,
        }
    }

    pub(crate) fn thread(source: io::Error) -> Self {
        Self {
            kind: Kind::Thread,
            source,
        }
    }

    fn forward(url: &str, expected: &str) -> Self {
        Self {
            kind: Kind::Forward(format!("{url:?}")),
            source: io::Error::new(io::ErrorKind::InvalidInput, format!("expected {expected}")),
        }
    }

    fn forward_header(header: &str, expected: &str) -> Self {
        Self {
            kind: Kind::ForwardHeader(header.to_owned()),
            source: io::Error::new(io::ErrorKind::InvalidInput, format!("expected {expected}")),
        }
    }

    pub(crate) fn forward_to_itself(endpoint: &Endpoint) -> Self {
        Self {
            kind: Kind::Forward(endpoint.to_string()),
            source: io::Error::new(io::ErrorKind::InvalidInput, "that is this agent"),
        }
    }

    /// The flag of the command line that changes the port that could not be opened.
    #[must_use]
    pub fn flag(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Port(which, _) => Some(which.describe().2),
            Kind::Thread | Kind::Forward(_) | Kind::ForwardHeader(_) => None,
        }
    }

    /// Whether somebody else has the port, most often another agent.
    #[must_use]
    pub fn is_port_taken(&self) -> bool {
        matches!(self.kind, Kind::Port(..)) && self.source.kind() == io::ErrorKind::AddrInUse
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Port(which, addr) => {
                let (protocol, purpose, _) = which.describe();
                write!(
                    f,
                    "cannot listen on {protocol} {addr} for {purpose}: {}",
                    self.source
                )
            }
            Kind::Thread => write!(f, "cannot start the agent's thread: {}", self.source),
            Kind::Forward(url) => write!(f, "cannot forward to {url}: {}", self.source),
            Kind::ForwardHeader(header) => {
                write!(f, "cannot forward with {header}: {}", self.source)
            }
        }
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
