//! Where received messages end: decoded, counted, stored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::client::Clients;
use super::error::DecodeError;
use super::kernel::KernelDrops;
use super::{decode_batch_binary, decode_binary, decode_compact};
use crate::forward;
use crate::model::Batch;
use crate::stats::{MessageCounters, Messages, Received, Stats};
use crate::store::Store;

/// The ways a message may come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// A datagram of Thrift compact.
    Compact,
    /// A datagram of Thrift binary.
    Binary,
    /// A body of Thrift binary.
    Http,
}

impl Source {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Compact => "Jaeger Thrift compact over UDP",
            Self::Binary => "Jaeger Thrift binary over UDP",
            Self::Http => "Jaeger Thrift over HTTP",
        }
    }

    fn decode(self, bytes: &[u8]) -> Result<Batch, DecodeError> {
        match self {
            Self::Compact => decode_compact(bytes),
            Self::Binary => decode_binary(bytes),
            Self::Http => decode_batch_binary(bytes),
        }
    }
}

/// Takes messages in, of all sources and threads.
#[derive(Debug)]
pub(crate) struct Sink {
    store: Store,
    counters: [MessageCounters; 3],
    clients: Mutex<Clients>,
    /// Of the compact and the binary port.
    kernel: [KernelDrops; 2],
    /// Where spans are sent on from, if they are.
    forward: Option<Arc<forward::Queue>>,
}

impl Sink {
    pub(crate) fn new(
        store: Store,
        kernel: [KernelDrops; 2],
        forward: Option<Arc<forward::Queue>>,
    ) -> Self {
        Self {
            store,
            counters: Default::default(),
            clients: Mutex::default(),
            kernel,
            forward,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn forward(&self) -> Option<&forward::Queue> {
        self.forward.as_deref()
    }

    /// Decodes a message and stores its spans. A refused message is counted and forgotten; the log has the first of
    /// each cause. `None` is a panic on the way, which is counted too: one message may not end the receiver.
    pub(crate) fn take(&self, source: Source, bytes: &[u8]) -> Option<Result<(), DecodeError>> {
        let counters = &self.counters[source as usize];
        let taken = catch_unwind(AssertUnwindSafe(|| {
            let decoded = source.decode(bytes);
            match &decoded {
                Ok(_) => {}
                Err(error) if counters.count_refused(error.cause()) => log::warn!(
                    "{}: message refused: {error}; further ones of this cause are only counted",
                    source.name()
                ),
                Err(_) => {}
            }
            let batch = decoded?;
            self.clients
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .record(&batch);
            // Before the store tells those who wait: they look at the counters next.
            counters.count_ok();
            let spans = self.store.insert(batch.spans);
            if let Some(forward) = &self.forward {
                forward.offer(spans);
            }
            Ok::<_, DecodeError>(())
        }));
        if taken.is_err() {
            counters.count_panicked();
            // It may be the logger that panics.
            let _ = catch_unwind(|| log::error!("{}: reading a message panicked", source.name()));
        }
        taken.ok()
    }

    /// Counts a message that was dropped unread because too many wait; the log has the first.
    pub(super) fn count_overflow(&self, source: Source) {
        if self.counters[source as usize].count_overflowed() {
            let name = source.name();
            // A logger that panics shall not end the receiver.
            let _ = catch_unwind(|| {
                log::warn!(
                    "{name}: messages arrive faster than they are read; those dropped are only counted from now on"
                );
            });
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let [compact, binary, http] = &self.counters;
        let [compact_dropped, binary_dropped] = &self.kernel;
        Stats {
            received: Received {
                compact: Messages {
                    kernel_dropped: compact_dropped.count(),
                    ..compact.snapshot()
                },
                binary: Messages {
                    kernel_dropped: binary_dropped.count(),
                    ..binary.snapshot()
                },
                http: http.snapshot(),
            },
            store: self.store.stats(),
            forward: self.forward.as_ref().map(|queue| queue.stats()),
            clients: self
                .clients
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .list(),
        }
    }
}
