//! A thread's part of each tracer it has spans of: its counters and its ring.

use std::sync::Arc;

use crate::clock::Instant;
use crate::counts::ThreadCounts;
use crate::details::{Details, Limits};
use crate::record::SpanRecord;
use crate::registry;
use crate::report::queue::Hub;
use crate::report::ring::{Handed, Ring};
use crate::report::slip::Brief;

/// The parts of one thread, that used last in front: most threads have one.
#[derive(Debug)]
pub(crate) struct Parts(Vec<Part>);

/// A thread's part of one tracer.
#[derive(Debug)]
pub(crate) struct Part {
    tracer: u32,
    pub(crate) hub: Arc<Hub>,
    ring: Option<Ring>,
    pub(crate) counts: Arc<ThreadCounts>,
}

impl Parts {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// The part of a tracer, made at the thread's first span of it. `None` if that tracer is gone.
    #[inline]
    pub(crate) fn get(&mut self, tracer: u32) -> Option<&mut Part> {
        match self.0.first() {
            Some(first) if first.tracer == tracer => self.0.first_mut(),
            _ => self.find(tracer),
        }
    }

    /// The part used last.
    #[inline]
    pub(crate) fn first(&mut self) -> Option<&mut Part> {
        self.0.first_mut()
    }

    /// Empty details for a span of `tracer`: used ones if there are.
    pub(crate) fn details(&mut self, tracer: u32) -> Box<Details> {
        match self.get(tracer) {
            Some(part) => part.details(),
            None => Box::new(Details::new(Limits::default())),
        }
    }

    #[cold]
    fn find(&mut self, tracer: u32) -> Option<&mut Part> {
        let at = match self.0.iter().position(|part| part.tracer == tracer) {
            Some(at) => at,
            None => self.attach(tracer)?,
        };
        self.0.swap(0, at);
        self.0.first_mut()
    }

    fn attach(&mut self, tracer: u32) -> Option<usize> {
        let hub = registry::hub(tracer)?;
        self.0.retain(|part| !part.hub.is_closed());
        let (ring, counts) = hub.attach();
        self.0.push(Part {
            tracer,
            hub,
            ring,
            counts,
        });
        Some(self.0.len() - 1)
    }
}

impl Part {
    /// Counts a recorded span that ended at `end` and moves it to the reporter thread, or drops it and counts why. What is
    /// left in `record` owns nothing.
    #[inline(always)]
    pub(crate) fn finish(&mut self, record: &mut SpanRecord, end: Instant) {
        self.counts.finished.add(1);
        let handed = match &mut self.ring {
            Some(ring) => ring.hand_over(record, end, &self.hub),
            None => self.hand_over_to_hub(record, end),
        };
        match handed {
            Handed::Queued => {}
            Handed::Full => self.counts.queue_full.add(1),
            Handed::Closed => self.counts.after_shutdown.add(1),
        }
    }

    /// Whether spans go to the reporter thread without a lock.
    pub(crate) fn has_ring(&self) -> bool {
        self.ring.is_some()
    }

    /// Makes the trace of a span the one of the spans to come. `None` if there is no room to say so.
    #[inline(never)]
    pub(crate) fn announce(&mut self, span: &SpanRecord) -> Option<()> {
        self.ring.as_mut()?.announce(span)
    }

    /// Counts a span of the trace that was [announced](Self::announce), started and finished, and moves it to the reporter
    /// thread. `None` if it takes more.
    #[inline]
    pub(crate) fn finish_brief(&mut self, brief: Brief, state: u16) -> Option<()> {
        let ring = self.ring.as_mut()?;
        if self.hub.is_closed() {
            return None;
        }
        self.counts.started.add(1);
        self.counts.finished.add(1);
        if ring.send_brief(brief, state, &self.hub) == Handed::Full {
            self.counts.queue_full.add(1);
        }
        Some(())
    }

    #[cold]
    fn hand_over_to_hub(&self, record: &mut SpanRecord, end: Instant) -> Handed {
        self.hub.hand_over(record.take_ended(end))
    }

    /// Empty details.
    #[inline]
    fn details(&mut self) -> Box<Details> {
        let limits = self.hub.limits;
        match &mut self.ring {
            Some(ring) => ring.details(limits),
            None => Box::new(Details::new(limits)),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.hub.detach(&self.counts);
    }
}
