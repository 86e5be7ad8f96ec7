//! Datagrams between the socket and the decoder.
//!
//! A client that flushes sends its datagrams microseconds apart; reading one takes a millisecond, and the kernel's buffer
//! holds about six full ones. So one thread does nothing but empty the sockets into this queue, and another reads from
//! it. The queue is bounded in bytes; what does not fit is counted, which is more than the kernel would tell us.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::{Sink, Source, decode_binary, decode_compact};

/// Bytes of datagrams that may wait: a burst of five hundred full ones, read in about a second.
const MAX_BYTES: usize = 32 << 20;
/// What a datagram in the queue costs besides its bytes, so that empty ones are bounded too.
const DATAGRAM_COST: usize = 128;

/// The end of the queue at the sockets. When it is dropped, the other end finishes what waits, and ends.
#[derive(Debug)]
pub(crate) struct Backlog {
    queue: mpsc::Sender<(Source, Box<[u8]>)>,
    waiting: Arc<AtomicUsize>,
    sink: Arc<Sink>,
}

/// The end of the queue at the decoder.
#[derive(Debug)]
pub(crate) struct Reader {
    queue: mpsc::Receiver<(Source, Box<[u8]>)>,
    waiting: Arc<AtomicUsize>,
    sink: Arc<Sink>,
}

/// An empty queue into `sink`.
pub(crate) fn backlog(sink: Arc<Sink>) -> (Backlog, Reader) {
    let (sender, receiver) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let backlog = Backlog {
        queue: sender,
        waiting: Arc::clone(&waiting),
        sink: Arc::clone(&sink),
    };
    (
        backlog,
        Reader {
            queue: receiver,
            waiting,
            sink,
        },
    )
}

impl Backlog {
    /// Queues a copy of a datagram, or counts it as dropped when the queue is full.
    pub(super) fn offer(&self, source: Source, datagram: &[u8]) {
        let cost = datagram.len() + DATAGRAM_COST;
        // One thread offers, the other only takes away: what is read here can only have become less.
        if self.waiting.load(Ordering::Relaxed) + cost > MAX_BYTES {
            return self.sink.count_overflow(source);
        }
        self.waiting.fetch_add(cost, Ordering::Relaxed);
        // The reader ends after this end only; were it gone, the agent would be ending.
        let _ = self.queue.send((source, datagram.into()));
    }
}

impl Reader {
    /// Hands datagrams to the sink until the other end is dropped and nothing waits.
    pub(crate) fn run(self) {
        for (source, datagram) in self.queue {
            let decode = match source {
                Source::Compact => decode_compact,
                // By HTTP nothing comes here.
                Source::Binary | Source::Http | Source::Otlp => decode_binary,
            };
            let _ = self.sink.take(source, || decode(&datagram));
            self.waiting
                .fetch_sub(datagram.len() + DATAGRAM_COST, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_full_queue_drops_counts_and_recovers() {
        let sink = Arc::new(Sink::new(Store::new(1 << 20, 10), Default::default(), None));
        let (backlog, reader) = backlog(Arc::clone(&sink));
        let datagram = [0xff; 60_000];
        let fit = MAX_BYTES / (datagram.len() + DATAGRAM_COST);
        for _ in 0..fit + 5 {
            backlog.offer(Source::Compact, &datagram);
        }
        assert_eq!(sink.stats().received.compact.overflowed, 5);
        let waiting = Arc::clone(&reader.waiting);
        drop(backlog);
        reader.run();
        assert_eq!(sink.stats().received.compact.malformed, fit as u64);
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
    }
}
