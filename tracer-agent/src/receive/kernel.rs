//! Datagrams the kernel dropped because a socket's buffer was full: the one loss no receiver sees by itself.
//!
//! Linux counts them per socket in `/proc/net/udp` ([proc_net_udp(5)]), where a socket is found by its inode. Other
//! systems do not say, and read as none; a client that numbers its batches shows the loss all the same.
//!
//! [proc_net_udp(5)]: https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html

use std::net::UdpSocket;
use std::sync::atomic::{AtomicU64, Ordering};

/// Watches one socket.
#[derive(Debug, Default)]
pub(crate) struct KernelDrops {
    inode: Option<String>,
    /// The last known count, for when the socket is closed.
    seen: AtomicU64,
}

impl KernelDrops {
    pub(crate) fn of(socket: &UdpSocket) -> Self {
        Self {
            inode: inode(socket),
            seen: AtomicU64::new(0),
        }
    }

    /// How many datagrams to the socket were dropped so far. Reads two small files of `/proc`.
    pub(super) fn count(&self) -> u64 {
        let now = self.inode.as_deref().and_then(drops).unwrap_or(0);
        self.seen.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

#[cfg(target_os = "linux")]
fn inode(socket: &UdpSocket) -> Option<String> {
    use std::os::fd::AsRawFd as _;
    let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    Some(
        link.to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?
            .to_owned(),
    )
}

#[cfg(not(target_os = "linux"))]
fn inode(_: &UdpSocket) -> Option<String> {
    None
}

/// The last column of the socket's line.
fn drops(inode: &str) -> Option<u64> {
    const INODE: usize = 9;
    ["/proc/self/net/udp", "/proc/self/net/udp6"]
        .into_iter()
        .find_map(|path| {
            let table = std::fs::read_to_string(path).ok()?;
            let line = table
                .lines()
                .find(|line| line.split_whitespace().nth(INODE) == Some(inode))?;
            line.split_whitespace().next_back()?.parse().ok()
        })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn dropped_is_what_was_sent_and_never_received() {
        for addr in ["127.0.0.1:0", "[::1]:0"] {
            // Machines without IPv6 have nothing to say about it.
            let Ok(receiver) = UdpSocket::bind(addr) else {
                continue;
            };
            let drops = KernelDrops::of(&receiver);
            let sender = UdpSocket::bind(addr).unwrap();
            let sent = 2_000;
            for _ in 0..sent {
                sender
                    .send_to(&[0; 8_000], receiver.local_addr().unwrap())
                    .unwrap();
            }
            receiver.set_nonblocking(true).unwrap();
            let received =
                std::iter::from_fn(|| receiver.recv(&mut [0; 8_000]).ok()).count() as u64;
            assert!(received < sent, "the buffer holds everything");
            assert_eq!(drops.count(), sent - received);
            drop(receiver);
            assert_eq!(
                drops.count(),
                sent - received,
                "known after the end of the socket"
            );
        }
    }
}
