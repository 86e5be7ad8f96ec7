//! Spans on their way to a collector, within a bound of bytes, and the count of what became of them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::trouble::{News, Trouble};
use super::{Endpoint, MAX_REQUEST};
use crate::model::Span;
use crate::stats::ForwardStats;

/// How long the first span of a request waits for others.
const LINGER: Duration = Duration::from_millis(100);

/// Where the receiving threads leave spans for the sending one. Its lock is held to add or take pointers and to count.
#[derive(Debug)]
pub(crate) struct Queue {
    endpoint: Endpoint,
    to: String,
    max_bytes: usize,
    state: Mutex<State>,
    /// Told when spans come, and at the end.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Chunk>,
    /// Of those waiting and those being sent.
    bytes: usize,
    spans: u64,
    /// When sending must be over, once the agent is ending.
    end: Option<Instant>,
    trouble: Trouble,
    accepted: u64,
    sent: u64,
    dropped: u64,
    refused: u64,
    unsent: u64,
    retries: u64,
}

impl State {
    fn left(&self) -> Option<Duration> {
        let end = self.end?;
        Some(end.saturating_duration_since(Instant::now()))
    }
}

/// Spans of one process, shared with the store.
#[derive(Debug)]
struct Chunk {
    spans: Arc<[Span]>,
    bytes: usize,
}

/// What is sent next.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) chunks: Vec<Arc<[Span]>>,
    bytes: usize,
}

/// What became of spans that were taken out.
#[derive(Debug)]
pub(super) enum Fate {
    /// The collector took them, all but so many.
    Sent { rejected: u64 },
    /// The collector will not take them, for this reason.
    Refused(String),
    /// The agent ended first.
    Unsent,
}

impl Queue {
    pub(crate) fn new(endpoint: Endpoint, max_bytes: usize) -> Self {
        Self {
            to: endpoint.to_string(),
            endpoint,
            max_bytes,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Queues spans, or drops and counts what does not fit. Never waits.
    pub(crate) fn offer(&self, chunks: Vec<Arc<[Span]>>) {
        let chunks = chunks.into_iter().filter(|spans| !spans.is_empty());
        // Measured before the lock.
        let chunks: Vec<_> = chunks.map(Chunk::of).collect();
        let mut dropped = 0;
        let mut state = self.lock();
        for chunk in chunks {
            let spans = chunk.spans.len() as u64;
            state.accepted += spans;
            if state.end.is_some() {
                state.unsent += spans;
            } else if state.bytes + chunk.bytes > self.max_bytes {
                dropped += spans;
            } else {
                state.bytes += chunk.bytes;
                state.spans += spans;
                state.waiting.push_back(chunk);
            }
        }
        let news = match dropped {
            0 => News::default(),
            _ => state.trouble.loses(&self.to, dropped, "the queue is full"),
        };
        state.dropped += dropped;
        drop(state);
        self.changed.notify_all();
        news.tell();
    }

    /// Takes out what the next request, or one more than that, can hold. Waits for the first span, and a little for
    /// others; `None` when the agent is ending and nothing waits.
    pub(super) fn take(&self) -> Option<Taken> {
        let state = self.lock();
        let mut state = self
            .changed
            .wait_while(state, |state| {
                state.waiting.is_empty() && state.end.is_none()
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.bytes < MAX_REQUEST && state.end.is_none() {
            (state, _) = self
                .changed
                .wait_timeout_while(state, LINGER, |state| {
                    state.bytes < MAX_REQUEST && state.end.is_none()
                })
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut taken = Taken {
            chunks: Vec::new(),
            bytes: 0,
        };
        while taken.bytes < MAX_REQUEST
            && let Some(chunk) = state.waiting.pop_front()
        {
            taken.bytes += chunk.bytes;
            taken.chunks.push(chunk.spans);
        }
        (!taken.chunks.is_empty()).then_some(taken)
    }

    /// Gives back the room of what was taken, when all of it has met its fate.
    pub(super) fn release(&self, taken: Taken) {
        let Taken { chunks, bytes } = taken;
        self.lock().bytes -= bytes;
        // After the lock: the store may have let go of them.
        drop(chunks);
    }

    /// Counts what became of spans that were taken.
    pub(super) fn settle(&self, spans: u64, fate: &Fate) {
        let mut state = self.lock();
        state.spans -= spans;
        let news = match fate {
            Fate::Sent { rejected } => {
                let rejected = spans.min(*rejected);
                state.sent += spans - rejected;
                state.refused += rejected;
                if rejected > 0 {
                    let reason = "it took the request without some of its spans";
                    state.trouble.loses(&self.to, rejected, reason)
                } else if state.waiting.is_empty() {
                    state.trouble.is_over(&self.to)
                } else {
                    News::default()
                }
            }
            Fate::Refused(reason) => {
                state.refused += spans;
                state.trouble.loses(&self.to, spans, reason)
            }
            Fate::Unsent => {
                state.unsent += spans;
                News::default()
            }
        };
        drop(state);
        news.tell();
    }

    /// Counts a failure and waits before the next try, less when the agent ends meanwhile. Returns whether there is time
    /// for one.
    pub(super) fn pause(&self, length: Duration, reason: &str) -> bool {
        let mut state = self.lock();
        state.retries += 1;
        let before = state.end;
        let news = state.trouble.fails(&self.to, reason);
        drop(state);
        news.tell();
        let state = self.lock();
        let length = state.left().map_or(length, |left| left.min(length));
        let (state, _) = self
            .changed
            .wait_timeout_while(state, length, |state| state.end == before)
            .unwrap_or_else(PoisonError::into_inner);
        state.left().is_none_or(|left| !left.is_zero())
    }

    /// How much time there is, if the agent is ending.
    pub(super) fn left(&self) -> Option<Duration> {
        self.lock().left()
    }

    /// Ends it: what waits is sent until then, and nothing further is taken in.
    pub(crate) fn close(&self, end: Instant) {
        self.lock().end = Some(end);
        self.changed.notify_all();
    }

    /// How many spans wait or have been left over.
    pub(crate) fn unsent(&self) -> u64 {
        let state = self.lock();
        state.spans + state.unsent
    }

    pub(crate) fn stats(&self) -> ForwardStats {
        let state = self.lock();
        ForwardStats {
            to: self.to.clone(),
            spans_accepted: state.accepted,
            spans_sent: state.sent,
            spans_waiting: state.spans,
            spans_dropped: state.dropped,
            spans_refused: state.refused,
            spans_unsent: state.unsent,
            bytes: state.bytes as u64,
            bytes_limit: self.max_bytes as u64,
            retries: state.retries,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chunk {
    fn of(spans: Arc<[Span]>) -> Self {
        let process = spans.first().map_or(0, |span| span.process.cost());
        let bytes = process + spans.iter().map(Span::cost).sum::<usize>();
        Self { spans, bytes }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::read::read_json;

    /// A logger that counts how often it is told while the queue is free, and panics each time.
    struct Rude;

    static QUEUE: OnceLock<Queue> = OnceLock::new();
    static FREE: AtomicU32 = AtomicU32::new(0);

    impl log::Log for Rude {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            if let Some(queue) = QUEUE.get()
                && record.args().to_string().contains(&queue.to)
            {
                FREE.fetch_add(queue.state.try_lock().is_ok().into(), Ordering::Relaxed);
                panic!("on purpose");
            }
        }

        fn flush(&self) {}
    }

    #[test]
    fn a_logger_neither_holds_the_queue_nor_ends_what_uses_it() {
        log::set_logger(&Rude).unwrap();
        log::set_max_level(log::LevelFilter::Info);
        let endpoint = "http://rude.invalid:4318".parse().unwrap();
        let queue = QUEUE.get_or_init(|| Queue::new(endpoint, 1));

        assert!(queue.pause(Duration::ZERO, "it is away"));
        let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"7","spanId":"1","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;
        let trace = read_json(json).unwrap().remove(0);
        queue.offer(vec![trace.spans().cloned().collect()]);
        queue.settle(0, &Fate::Sent { rejected: 0 });
        let stats = queue.stats();
        assert_eq!((stats.spans_dropped, stats.retries), (1, 1));
        assert_eq!(
            FREE.load(Ordering::Relaxed),
            3,
            "it fails, loses, works again"
        );
    }
}
