//! The operating system's side of UDP: names, sockets, time. A seam, so that tests can have each of them fail.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

/// Makes sockets, resolves names and tells the time.
pub(crate) trait Network: Send + Sync + fmt::Debug {
    /// The addresses of a host. May take as long as the resolver of the system likes.
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// A socket that sends to `to` and hears what becomes of it.
    fn connect(&self, to: SocketAddr) -> io::Result<Box<dyn Socket>>;

    fn now(&self) -> Instant;
}

/// A connected datagram socket.
pub(crate) trait Socket: Send + fmt::Debug {
    /// Sends a datagram. An error may be news of an earlier one: the refusal of a host comes after the datagram went out,
    /// and is told at the next call, which then does nothing else.
    fn send(&self, datagram: &[u8]) -> io::Result<usize>;

    /// Such news, without sending.
    fn take_error(&self) -> io::Result<Option<io::Error>>;
}

/// The real one.
#[derive(Debug)]
pub(crate) struct System;

/// How long a full send buffer may hold the reporter thread up.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

impl Network for System {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs()?.collect())
    }

    fn connect(&self, to: SocketAddr) -> io::Result<Box<dyn Socket>> {
        let any: SocketAddr = match to {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_write_timeout(Some(SEND_TIMEOUT))?;
        socket.connect(to)?;
        Ok(Box::new(socket))
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl Socket for UdpSocket {
    fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        Self::send(self, datagram)
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        Self::take_error(self)
    }
}
