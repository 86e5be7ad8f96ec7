//! Where received messages end: decoded, counted, stored.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::client::Clients;
use super::error::{Cause, DecodeError};
use super::kernel::KernelDrops;
use crate::forward;
use crate::model::{Batch, Span};
use crate::read::ReadError;
use crate::stats::{MessageCounters, Messages, Received, Stats};
use crate::store::{self, Store};

/// The ways a message may come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// A datagram of Thrift compact.
    Compact,
    /// A datagram of Thrift binary.
    Binary,
    /// A body of Thrift binary.
    Http,
    /// A body of OTLP.
    Otlp,
}

impl Source {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Compact => "Jaeger Thrift compact over UDP",
            Self::Binary => "Jaeger Thrift binary over UDP",
            Self::Http => "Jaeger Thrift over HTTP",
            Self::Otlp => "OTLP over HTTP",
        }
    }
}

/// Why a message could not be read: what it is counted under, and one line for people.
#[derive(Debug)]
pub(crate) struct Unreadable {
    cause: Cause,
    reason: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<DecodeError> for Unreadable {
    fn from(error: DecodeError) -> Self {
        Self {
            cause: error.cause(),
            reason: error.to_string(),
        }
    }
}

impl From<ReadError> for Unreadable {
    fn from(error: ReadError) -> Self {
        Self {
            cause: Cause::Malformed,
            reason: error.to_string(),
        }
    }
}

/// Takes messages in, of all sources and threads.
#[derive(Debug)]
pub(crate) struct Sink {
    store: Store,
    counters: [MessageCounters; 4],
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

    /// Decodes a batch and stores its spans.
    pub(crate) fn take(
        &self,
        source: Source,
        decode: impl FnOnce() -> Result<Batch, DecodeError>,
    ) -> Option<Result<(), Unreadable>> {
        self.count(source, |counters| {
            let batch = decode()?;
            self.clients
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .record(&batch);
            // Before the store tells those who wait: they look at the counters next.
            counters.count_ok();
            self.keep(batch.spans);
            Ok(())
        })
    }

    /// Goes through the spans of a message twice, to see that it can be read, and to store them: all or nothing, without holding
    /// all. What is read besides them is given back, and says how many were none.
    pub(super) fn take_each<T>(
        &self,
        source: Source,
        read: impl Fn(&mut dyn FnMut(Span)) -> Result<T, Unreadable>,
        invalid: impl FnOnce(&T) -> u64,
    ) -> Option<Result<T, Unreadable>> {
        self.count(source, |counters| {
            let besides = read(&mut |_| {})?;
            counters.count_ok();
            self.store.refuse(invalid(&besides));
            store::in_pieces(|spans| self.keep(spans), read)?;
            Ok(besides)
        })
    }

    fn keep(&self, spans: Vec<Span>) {
        let spans = self.store.insert(spans);
        if let Some(forward) = &self.forward {
            forward.offer(spans);
        }
    }

    /// Does what is to be done with a message. A refused one is counted and forgotten; the log has the first of each cause.
    /// `None` is a panic on the way, which is counted too: one message may not end the receiver.
    fn count<T>(
        &self,
        source: Source,
        work: impl FnOnce(&MessageCounters) -> Result<T, Unreadable>,
    ) -> Option<Result<T, Unreadable>> {
        let counters = &self.counters[source as usize];
        let taken = catch_unwind(AssertUnwindSafe(|| {
            let done = work(counters);
            if let Err(error) = &done
                && counters.count_refused(error.cause)
            {
                log::warn!(
                    "{}: message refused: {error}; further ones of this cause are only counted",
                    source.name()
                );
            }
            done
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
        let [compact, binary, http, otlp] = &self.counters;
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
                otlp: otlp.snapshot(),
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
