//! Where datagrams go: finds the address of a host, keeps a socket to it, and finds out what became of each datagram.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::error::InitError;
use crate::report::LossCause;
use crate::report::loss::Loss;
use crate::report::socket::{Network, Socket};

/// A host and port to send to, however its address changes.
///
/// UDP tells little, and late: that nothing listens is known from an ICMP message about an earlier datagram. On the
/// loopback interface that message is there when `send` returns, so there the fate of each datagram is known and it can be
/// tried at the host's next address (`localhost` has two). Over a network the refusal is taken as that of the datagram
/// before.
#[derive(Debug)]
pub(crate) struct Peer {
    network: Arc<dyn Network>,
    target: Target,
    addresses: Vec<SocketAddr>,
    /// The one of `addresses` in use.
    current: usize,
    socket: Option<Box<dyn Socket>>,
    /// Spans of the last datagram, whose refusal may still come.
    in_flight: usize,
    lookup: Option<Receiver<io::Result<Vec<SocketAddr>>>>,
    looked_up: Instant,
    /// Whether the first address was waited for.
    waited: bool,
}

/// Whom to send to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// Addresses that never change.
    Fixed(Vec<SocketAddr>),
    Named {
        host: String,
        port: u16,
    },
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    /// It went out, or is lost and counted.
    Done,
    /// It is lost and counted, for it is too long for the path.
    TooLong,
}

/// How often a name is looked up again.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(30);
/// How often at most after refusals and failures.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long the first messages wait for the address.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

impl Target {
    /// Reads `host:port`, `1.2.3.4:port`, `[::1]:port` or `[fe80::1%eth0]:port`.
    pub(crate) fn parse(text: &str) -> Result<Self, InitError> {
        let wrong = || {
            InitError::value(
                "the address of the agent",
                text,
                "host:port, such as localhost:6831 or [::1]:6831",
            )
        };
        if let Ok(address) = text.parse::<SocketAddr>() {
            return if address.port() == 0 {
                Err(wrong())
            } else {
                Ok(Self::Fixed(vec![address]))
            };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port
            .parse::<u16>()
            .ok()
            .filter(|&port| digits && port != 0)
            .ok_or_else(wrong)?;
        let bracketed = |host: &str| Some(host.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        if let Some(host) = bracketed(host).filter(|host| is_address_on_interface(host)) {
            return Ok(Self::Named { host, port });
        }
        if !is_name(host) {
            return Err(wrong());
        }
        // RFC 6761 6.3: these are the loopback addresses, and asking somebody else is wrong.
        if host.eq_ignore_ascii_case("localhost") {
            let both = [
                IpAddr::from(Ipv4Addr::LOCALHOST),
                IpAddr::from(Ipv6Addr::LOCALHOST),
            ];
            return Ok(Self::Fixed(
                both.map(|ip| SocketAddr::new(ip, port)).to_vec(),
            ));
        }
        Ok(Self::Named {
            host: host.to_owned(),
            port,
        })
    }
}

impl Peer {
    /// Begins to find the address; does not wait for it.
    pub(crate) fn new(target: Target, network: Arc<dyn Network>) -> Self {
        let looked_up = network.now();
        let addresses = match &target {
            Target::Fixed(addresses) => addresses.clone(),
            Target::Named { .. } => Vec::new(),
        };
        let waited = false;
        let mut peer = Self {
            network,
            target,
            addresses,
            current: 0,
            socket: None,
            in_flight: 0,
            lookup: None,
            looked_up,
            waited,
        };
        peer.look_up();
        peer
    }

    /// What another one to the same place is made of.
    pub(crate) fn origin(&self) -> (Arc<dyn Network>, Target) {
        (Arc::clone(&self.network), self.target.clone())
    }

    /// The address in use. The first call waits for it a little, if it is not known yet.
    pub(crate) fn address(&mut self, loss: &mut Loss) -> Option<SocketAddr> {
        let wait = if self.addresses.is_empty() && !self.waited {
            FIRST_ANSWER
        } else {
            Duration::ZERO
        };
        self.waited = true;
        self.take_answer(wait, loss);
        self.look_up_after(if self.addresses.is_empty() {
            RETRY_INTERVAL
        } else {
            LOOKUP_INTERVAL
        });
        self.addresses.get(self.current).copied()
    }

    /// Sends a message of `spans` spans, and counts what is lost of it and of the one before.
    pub(crate) fn send(&mut self, message: &[u8], spans: usize, loss: &mut Loss) -> Sent {
        // Each address may fail, and the first failure may be news of the message before.
        let mut turns = self.addresses.len();
        loop {
            let Err(error) = self.try_send(message, spans) else {
                return Sent::Done;
            };
            if error.kind() == ErrorKind::ConnectionRefused {
                self.lose_in_flight(loss);
            }
            let again = self.turn_from(&error);
            if again && turns > 0 {
                turns -= 1;
                continue;
            }
            self.lose(spans, &error, loss);
            return if is_too_long(&error) {
                Sent::TooLong
            } else {
                Sent::Done
            };
        }
    }

    /// Hears of the last message if it was refused, so that a loss is known though nothing further is sent.
    pub(crate) fn listen(&mut self, loss: &mut Loss) {
        let Some(Ok(Some(error))) = self.socket.as_ref().map(|socket| socket.take_error()) else {
            return;
        };
        if error.kind() == ErrorKind::ConnectionRefused {
            self.lose_in_flight(loss);
        }
        self.turn_from(&error);
    }

    fn try_send(&mut self, message: &[u8], spans: usize) -> io::Result<()> {
        let Some(&address) = self.addresses.get(self.current) else {
            return Err(io::Error::new(
                ErrorKind::NotFound,
                "its address is not known",
            ));
        };
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(self.network.connect(address)?),
        };
        let sent = socket.send(message)?;
        self.in_flight = spans;
        let refusal = if address.ip().is_loopback() {
            socket.take_error().ok().flatten()
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.in_flight = 0;
            return Err(refusal);
        }
        if sent < message.len() {
            self.in_flight = 0;
            return Err(io::Error::new(ErrorKind::WriteZero, "the datagram was cut"));
        }
        Ok(())
    }

    /// Draws the consequences of an error; whether another try has a chance.
    fn turn_from(&mut self, error: &io::Error) -> bool {
        let again = match error.kind() {
            _ if self.addresses.is_empty() => false,
            // The datagram was not wanted at this time or as it is; the socket is as good as before.
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::PermissionDenied
                if self.socket.is_some() =>
            {
                return false;
            }
            _ if is_too_long(error) => return false,
            ErrorKind::Interrupted => return true,
            ErrorKind::ConnectionRefused if self.addresses.len() == 1 => true,
            ErrorKind::ConnectionRefused
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::InvalidInput => {
                self.turn();
                true
            }
            _ if self.socket.is_none() => {
                self.turn();
                true
            }
            _ => {
                self.disconnect();
                false
            }
        };
        self.look_up_after(RETRY_INTERVAL);
        again
    }

    /// To a new socket, of the next address if there are several.
    fn turn(&mut self) {
        self.disconnect();
        self.current = (self.current + 1) % self.addresses.len().max(1);
    }

    fn disconnect(&mut self) {
        self.socket = None;
        self.in_flight = 0;
    }

    fn lose_in_flight(&mut self, loss: &mut Loss) {
        let spans = std::mem::take(&mut self.in_flight);
        self.lose(spans, &ErrorKind::ConnectionRefused.into(), loss);
    }

    fn lose(&self, spans: usize, error: &io::Error, loss: &mut Loss) {
        if error.kind() == ErrorKind::ConnectionRefused {
            loss.add(
                spans,
                LossCause::Refused,
                format_args!("nothing listens on {}", self.target),
            );
        } else {
            loss.add(
                spans,
                LossCause::Io,
                format_args!("sending to {} failed: {error}", self.target),
            );
        }
    }

    fn look_up_after(&mut self, interval: Duration) {
        // One that does not end is forgotten when the next is due, and not before: each holds a thread.
        let interval = if self.lookup.is_some() {
            LOOKUP_INTERVAL
        } else {
            interval
        };
        if self.network.now().saturating_duration_since(self.looked_up) >= interval {
            self.look_up();
        }
    }

    /// Has the name resolved, on a thread of its own: resolvers block for seconds when their network is down.
    fn look_up(&mut self) {
        let Target::Named { host, port } = &self.target else {
            return;
        };
        self.looked_up = self.network.now();
        let (network, host, port) = (Arc::clone(&self.network), host.clone(), *port);
        let (answer, receiver) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("tracer-resolver".to_owned());
        let started = thread.spawn(move || answer.send(network.resolve(&host, port)));
        self.lookup = started.is_ok().then_some(receiver);
    }

    fn take_answer(&mut self, wait: Duration, loss: &mut Loss) {
        let Some(lookup) = &self.lookup else { return };
        match lookup.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) => return,
            Ok(Ok(addresses)) if !addresses.is_empty() => self.move_to(addresses, loss),
            // Names that were good a moment ago are better than none.
            Ok(_) | Err(RecvTimeoutError::Disconnected) => {}
        }
        self.lookup = None;
    }

    fn move_to(&mut self, addresses: Vec<SocketAddr>, loss: &mut Loss) {
        let used = self.addresses.get(self.current);
        match addresses.iter().position(|address| Some(address) == used) {
            Some(at) => self.current = at,
            None => {
                self.listen(loss);
                self.disconnect();
                self.current = 0;
            }
        }
        self.addresses = addresses;
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Named { host, port } => write!(f, "{host}:{port}"),
            Self::Fixed(addresses) => {
                for (at, address) in addresses.iter().enumerate() {
                    write!(f, "{}{address}", if at == 0 { "" } else { " or " })?;
                }
                Ok(())
            }
        }
    }
}

fn is_name(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=253).contains(&host.len()) && !host.starts_with('.') && host.bytes().all(allowed)
}

/// `fe80::1%eth0`. The resolver of the system knows the numbers of its interfaces, which may change.
fn is_address_on_interface(host: &str) -> bool {
    let Some((address, interface)) = host.split_once('%') else {
        return false;
    };
    let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'[' | b']');
    address.parse::<Ipv6Addr>().is_ok()
        && (1..=64).contains(&interface.len())
        && interface.bytes().all(allowed)
}

/// `EMSGSIZE`, which `ErrorKind` has no name for.
fn is_too_long(error: &io::Error) -> bool {
    let code = if cfg!(windows) {
        10040
    } else if cfg!(any(target_os = "linux", target_os = "android")) {
        90
    } else {
        40
    };
    error.raw_os_error() == Some(code)
}
