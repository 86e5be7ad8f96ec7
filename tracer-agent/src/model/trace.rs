//! A trace as far as it is known.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Span, SpanId, TraceId};

/// A trace as far as it is known: the spans that have arrived, of whatever processes.
///
/// A snapshot: spans that arrive later are in the next one. Cloning copies pointers, not spans.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    id: TraceId,
    /// One slice per batch, so that a snapshot shares the spans with the store.
    chunks: Vec<Arc<[Span]>>,
    len: usize,
    refused: u64,
}

impl Trace {
    pub(crate) fn new(id: TraceId) -> Self {
        Self {
            id,
            chunks: Vec::new(),
            len: 0,
            refused: 0,
        }
    }

    /// Adds spans, and returns them shared.
    pub(crate) fn push(&mut self, spans: Vec<Span>) -> Arc<[Span]> {
        let spans: Arc<[Span]> = spans.into();
        self.len += spans.len();
        self.chunks.push(Arc::clone(&spans));
        spans
    }

    pub(crate) fn refuse(&mut self, spans: u64) {
        self.refused += spans;
    }

    /// The id all its spans share.
    #[must_use]
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// The spans in the order of their arrival. [`Tree`](crate::tree::Tree) puts them in the order of the calls.
    pub fn spans(&self) -> impl Iterator<Item = &Span> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// How many spans there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no span, which a trace of a store never is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many spans of this trace arrived and were not kept because the trace had grown too large.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The first span with this id.
    #[must_use]
    pub fn span(&self, id: SpanId) -> Option<&Span> {
        self.spans().find(|span| span.span_id == id)
    }

    /// The names of its services, sorted.
    #[must_use]
    pub fn services(&self) -> Vec<&str> {
        self.spans()
            .map(Span::service)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// When its first span started.
    #[must_use]
    pub fn start(&self) -> SystemTime {
        self.spans()
            .min_by_key(|span| span.start_micros)
            .map_or(SystemTime::UNIX_EPOCH, Span::start)
    }

    /// From the start of its first span to the end of its last.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let end = self.spans().map(Span::end_micros).max().unwrap_or(0);
        Duration::from_micros(end.saturating_sub(self.start_micros()))
    }

    pub(crate) fn start_micros(&self) -> u64 {
        self.spans()
            .map(|span| span.start_micros)
            .min()
            .unwrap_or(0)
    }
}
