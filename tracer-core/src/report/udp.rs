//! The reporter to an agent: Jaeger's Thrift in the compact protocol, one batch a datagram.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::error::InitError;
use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::loss::Loss;
use crate::report::packet::Packet;
use crate::report::peer::{Peer, Sent, Target};
use crate::report::socket::{Network, System};
use crate::report::{LossCause, Losses, MakeReporter, ReportError, Reporter};
use crate::wire::Compact;
use crate::wire::jaeger::Framing;

/// Sends spans to an agent over UDP: a Jaeger agent or collector, an OpenTelemetry Collector, `tracer-agent`.
///
/// The host's name is looked up again every 30 seconds and when it refuses, on a thread of its own; `localhost` is
/// whichever of `127.0.0.1` and `::1` listens. That the agent is away is no error: spans are lost and counted until it is
/// back. On the loopback interface each refused datagram is noticed at once, over a network at the next one if at all: UDP
/// promises nothing, and what a receiver has no room for is lost unseen. Each batch therefore has a number and the
/// counts of what was lost so far, by which a receiver sees gaps.
///
/// A span that is too large for a datagram first loses its logs, then its values are cut, then its tags go, and it is
/// marked `truncated`; if even that is too large it is dropped and counted.
///
/// ```
/// use tracer_core::UdpReporter;
///
/// let reporter = UdpReporter::to("localhost:6831")?.max_packet_size(8_000);
/// assert!(UdpReporter::to("localhost").is_err());
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Debug)]
pub struct UdpReporter {
    peer: Peer,
    packet: Packet<Compact>,
    /// The address the packet's limit was chosen for.
    address: Option<SocketAddr>,
    max_packet_size: Option<usize>,
    /// What the path turned out to take.
    path_limit: usize,
    sequence: u64,
    losses: Losses,
}

/// What the loopback interface takes; the systems of Apple cap datagrams at 9 216 bytes.
const LOOPBACK_LIMIT: usize = if cfg!(target_vendor = "apple") {
    9_000
} else {
    65_000
};
/// What fits an Ethernet frame beside the headers of tunnels: datagrams in fragments are lost if one of them is, and many
/// networks drop all.
const NETWORK_LIMIT: usize = 1_400;
/// The payload of the longest IPv4 datagram.
const LONGEST: usize = 65_507;
const SHORTEST: usize = 512;

impl UdpReporter {
    /// A reporter to an agent at `host:port`; Jaeger's agents listen on 6831. An IPv6 address goes in brackets:
    /// `[::1]:6831`, or `[fe80::1%eth0]:6831` with the interface that leads there. A name need not be known yet.
    ///
    /// # Errors
    /// If `address` is not a host and a port.
    pub fn to(address: impl AsRef<str>) -> Result<Self, InitError> {
        Ok(Self::over(
            Arc::new(System),
            Target::parse(address.as_ref())?,
        ))
    }

    fn over(network: Arc<dyn Network>, target: Target) -> Self {
        Self {
            peer: Peer::new(target, network),
            packet: Packet::new(Framing::EmitBatch, SHORTEST),
            address: None,
            max_packet_size: None,
            path_limit: LONGEST,
            sequence: 0,
            losses: Losses::default(),
        }
    }

    /// Sets how many bytes a datagram may have, within 512 and 65 507.
    ///
    /// By default it is 65 000 on the loopback interface, and otherwise 1 400, which no usual network splits. Larger ones
    /// cost less per span; set it if every network on the way has the frames for them.
    ///
    /// ```
    /// # use tracer_core::UdpReporter;
    /// let jumbo_frames = UdpReporter::to("agent:6831")?.max_packet_size(8_900);
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    #[must_use]
    pub fn max_packet_size(mut self, bytes: usize) -> Self {
        self.max_packet_size = Some(bytes.clamp(SHORTEST, LONGEST));
        self
    }

    /// Makes the empty packet as long as the way to the agent allows today.
    fn fit(&mut self, loss: &mut Loss) {
        let address = self.peer.address(loss);
        if address != self.address {
            self.address = address;
            self.path_limit = LONGEST;
        }
        let loopback = address.is_some_and(|address| address.ip().is_loopback());
        let usual = if loopback {
            LOOPBACK_LIMIT
        } else {
            NETWORK_LIMIT
        };
        let limit = self.max_packet_size.unwrap_or(usual).min(self.path_limit);
        if limit != self.packet.limit() {
            self.packet.set_limit(limit);
        }
    }

    /// Sends what the packet holds, if anything.
    fn send(&mut self, loss: &mut Loss) {
        let spans = self.packet.spans();
        if spans == 0 {
            return;
        }
        self.sequence += 1;
        let message = self.packet.close(self.sequence, self.losses);
        let len = message.len();
        if self.peer.send(message, spans, loss) == Sent::TooLong {
            let shorter = [LOOPBACK_LIMIT, 9_000, NETWORK_LIMIT]
                .into_iter()
                .find(|&limit| limit < len);
            self.path_limit = shorter.unwrap_or(SHORTEST);
        }
        self.packet.clear();
    }
}

impl Reporter for UdpReporter {
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        let mut loss = Loss::default();
        if !self.packet.is_for(process) {
            self.send(&mut loss);
            self.packet.begin(process);
        }
        if self.packet.spans() == 0 {
            self.fit(&mut loss);
        }
        for record in batch {
            if self.packet.push(record) {
                continue;
            }
            self.send(&mut loss);
            self.fit(&mut loss);
            if !self.packet.push_cut(record) {
                loss.add(
                    1,
                    LossCause::TooLarge,
                    "a span does not fit into a datagram, whatever is cut from it",
                );
            }
        }
        loss.into_result()
    }

    fn flush(&mut self) -> Result<(), ReportError> {
        let mut loss = Loss::default();
        if self.packet.spans() == 0 {
            self.peer.listen(&mut loss);
        } else {
            self.send(&mut loss);
        }
        loss.into_result()
    }

    fn losses(&mut self, losses: Losses) {
        self.losses = losses;
    }

    fn for_child(&self) -> Option<MakeReporter> {
        let (network, target) = self.peer.origin();
        let max_packet_size = self.max_packet_size;
        Some(Box::new(move || {
            Box::new(Self {
                max_packet_size,
                ..Self::over(Arc::clone(&network), target.clone())
            })
        }))
    }
}

#[cfg(test)]
mod tests;
