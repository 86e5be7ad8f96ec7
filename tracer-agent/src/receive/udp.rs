//! The UDP ports: one message per datagram, and never an answer, so that nobody can use the agent to amplify a flood.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket as AsyncSocket;
use tokio::sync::watch;

use super::Source;
use super::backlog::Backlog;

/// The largest datagram there is.
const MAX_DATAGRAM: usize = 65_535;
/// The kernel's default holds three full datagrams; it grants what `net.core.rmem_max` allows of this.
const RECEIVE_BUFFER: usize = 8 << 20;
/// Datagrams taken from one port before the other has its turn.
const TURN: usize = 64;
/// Datagrams taken when the agent stops: more than a receive buffer holds, and not for ever under a flood.
const LAST_TURN: usize = 4_096;

/// Opens a port. The buffer is a wish: a kernel that grants less is no reason not to run.
pub(crate) fn bind(addr: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(addr)?;
    if let Err(error) = socket2::SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER) {
        log::debug!("udp {addr}: receive buffer stays as it is: {error}");
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Receives until `stop` is told, then takes what has arrived by then. Must run inside a tokio runtime.
pub(crate) async fn receive(
    socket: UdpSocket,
    source: Source,
    backlog: Arc<Backlog>,
    mut stop: watch::Receiver<bool>,
) {
    let socket = match AsyncSocket::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return log::error!("{}: cannot receive: {error}", source.name()),
    };
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        tokio::select! {
            readable = socket.readable() => if let Err(error) = readable {
                // Only a broken reactor says this; a loop on it must not spin.
                log::warn!("{}: {error}", source.name());
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            },
            _ = stop.wait_for(|stop| *stop) => break,
        }
        let receive = |buffer: &mut [u8]| socket.try_recv(buffer);
        drain(receive, source, &backlog, &mut buffer, TURN);
        tokio::task::yield_now().await;
    }
    // From the kernel itself: tokio's socket has nothing until its reactor has heard of it, which may be after the stop.
    match socket.into_std() {
        Ok(socket) => {
            let receive = |buffer: &mut [u8]| socket.recv(buffer);
            drain(receive, source, &backlog, &mut buffer, LAST_TURN);
        }
        Err(error) => log::warn!("{}: the last datagrams are lost: {error}", source.name()),
    }
}

/// Takes up to `most` datagrams that have already arrived.
fn drain(
    receive: impl Fn(&mut [u8]) -> std::io::Result<usize>,
    source: Source,
    backlog: &Backlog,
    buffer: &mut [u8],
    most: usize,
) {
    for _ in 0..most {
        match receive(buffer) {
            Ok(len) => backlog.offer(source, &buffer[..len]),
            // Nothing left; any other error was one datagram's own.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::backlog::backlog;
    use super::super::sink::Sink;
    use super::*;
    use crate::store::Store;

    #[tokio::test]
    async fn what_has_arrived_before_the_stop_is_taken() {
        let sink = Arc::new(Sink::new(Store::new(1 << 20, 10), Default::default(), None));
        let (backlog, reader) = backlog(Arc::clone(&sink));
        let socket = bind((std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..3 {
            client
                .send_to(b"not Thrift", socket.local_addr().unwrap())
                .unwrap();
        }
        let (_stop, stopped) = watch::channel(true);
        receive(socket, Source::Compact, Arc::new(backlog), stopped).await;
        reader.run();
        assert_eq!(sink.stats().received.compact.malformed, 3);
    }
}
