//! A thread's part of each tracer it has spans of: its counters and its ring.

use std::sync::Arc;

use crate::clock::Instant;
use crate::counts::ThreadCounts;
use crate::details::{Details, Limits};
use crate::hint::few;
use crate::record::SpanRecord;
use crate::registry;
use crate::report::lane::Room;
use crate::report::line::{Drafted, TraceDraft};
use crate::report::queue::Hub;
use crate::report::ring::{Handed, Ring};

/// The parts of one thread. Most threads have one.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The one used last. Not behind a pointer: nearly all spans take it.
    last: Option<Part>,
    others: Vec<Part>,
}

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
        Self {
            last: None,
            others: Vec::new(),
        }
    }

    /// The part of a tracer, made at the thread's first span of it. `None` if that tracer is gone.
    #[inline]
    pub(crate) fn get(&mut self, tracer: u32) -> Option<&mut Part> {
        match &self.last {
            Some(last) if last.tracer == tracer => self.last.as_mut(),
            _ => self.find(tracer),
        }
    }

    /// The part used last.
    #[inline]
    pub(crate) fn last(&mut self) -> Option<&mut Part> {
        self.last.as_mut()
    }

    /// The part used last, if it is of that tracer.
    #[inline]
    pub(crate) fn last_of(&self, tracer: u32) -> Option<&Part> {
        self.last.as_ref().filter(|last| last.tracer == tracer)
    }

    /// The ring of the part used last, and room in it for a line, if that needs not be looked for.
    #[inline]
    pub(crate) fn room_at_hand(&mut self) -> Option<(&mut Ring, Room)> {
        let Some(Part {
            ring: Some(ring), ..
        }) = &mut self.last
        else {
            few();
            return None;
        };
        let Some(room) = ring.room_at_hand() else {
            few();
            return None;
        };
        Some((ring, room))
    }

    /// Counts a span of the last span's tracer that ends now, started and finished, and sends its line and its details to the
    /// reporter thread. `None` if that takes more, and nothing happened.
    #[inline]
    pub(crate) fn finish_detailed(
        &mut self,
        draft: Drafted<'_>,
        trace: Option<&TraceDraft>,
        details: &mut Details,
    ) -> Option<()> {
        let ring = self.last.as_mut()?.ring.as_mut()?;
        ring.copy_detailed(draft, trace, details)
    }

    /// Counts a span with a record as finished and sends its line, if it is of the tracer used last and takes no more. `None`
    /// if it does, and nothing happened.
    #[inline]
    pub(crate) fn finish_record(
        &mut self,
        record: &SpanRecord,
        end: impl FnOnce() -> Instant,
    ) -> Option<()> {
        let part = self.last.as_mut()?;
        if part.tracer != record.context.tracer || !record.is_ordinary() {
            return None;
        }
        part.ring.as_mut()?.copy_record(record, end)
    }

    /// The same with its details, which it must have. What is left of `record` owns nothing.
    #[inline]
    pub(crate) fn finish_detailed_record(
        &mut self,
        record: &mut SpanRecord,
        end: impl FnOnce() -> Instant,
    ) -> Option<()> {
        let part = self.last.as_mut()?;
        if part.tracer != record.context.tracer || !record.is_ordinary() {
            return None;
        }
        part.ring.as_mut()?.copy_detailed_record(record, end)
    }

    /// Empty details for a span of `tracer`: used ones if there are.
    pub(crate) fn details(&mut self, tracer: u32) -> Box<Details> {
        match self.get(tracer) {
            Some(part) => part.details(),
            None => Box::new(Details::new(Limits::default())),
        }
    }

    /// Used details for a span of `tracer`, if they are at hand.
    #[inline]
    pub(crate) fn used_details(&mut self, tracer: u32) -> Option<Box<Details>> {
        let part = self.last.as_mut().filter(|part| part.tracer == tracer)?;
        part.ring.as_mut()?.used_details()
    }

    #[cold]
    fn find(&mut self, tracer: u32) -> Option<&mut Part> {
        let found = match self.others.iter().position(|part| part.tracer == tracer) {
            Some(at) => self.others.swap_remove(at),
            None => self.attach(tracer)?,
        };
        self.others.extend(self.last.replace(found));
        self.last.as_mut()
    }

    fn attach(&mut self, tracer: u32) -> Option<Part> {
        let hub = registry::hub(tracer)?;
        self.last.take_if(|part| part.hub.is_closed());
        self.others.retain(|part| !part.hub.is_closed());
        let (ring, counts) = hub.attach(tracer);
        Some(Part {
            tracer,
            hub,
            ring,
            counts,
        })
    }
}

impl Part {
    /// Counts a recorded span that ended at `end` and moves it to the reporter thread, or drops it and counts why. What is
    /// left in `record` owns nothing.
    #[inline(always)]
    pub(crate) fn finish(&mut self, record: &mut SpanRecord, end: Instant) {
        if let Some(ring) = &mut self.ring {
            let handed = ring.hand_over(record, end, &self.hub);
            if handed != Handed::Queued {
                self.finish_without_line(|_| handed);
            }
        } else {
            let record = record.take_ended(end);
            self.finish_without_line(|hub| hub.hand_over(record));
        }
    }

    /// Counts a span as finished before it is handed over otherwise than by the ring, or not at all.
    #[cold]
    fn finish_without_line(&self, hand_over: impl FnOnce(&Hub) -> Handed) {
        self.counts.lineless.add(1);
        match hand_over(&self.hub) {
            Handed::Queued => {}
            Handed::Full => self.counts.queue_full.add(1),
            Handed::Closed => self.counts.after_shutdown.add(1),
        }
    }

    /// Whether spans go to the reporter thread, and without a lock. Not asked for each: those that finish after a shutdown lie in
    /// the ring until it is full, and are known for what they are by that.
    pub(crate) fn has_ring(&self) -> bool {
        self.ring.is_some() && !self.hub.is_closed()
    }

    /// Sends a draft with details or without, as soon as there is room. Whether it was not dropped, for there was no room; `None`
    /// if it takes a record.
    pub(crate) fn finish_at_length(
        &mut self,
        draft: Drafted<'_>,
        end: Instant,
        trace: Option<&TraceDraft>,
        details: Option<&mut Details>,
    ) -> Option<bool> {
        let ring = self.ring.as_mut()?;
        if let Some(details) = &details {
            details.sealed_len()?;
        }
        if self.hub.is_closed() {
            return None;
        }
        let sent = ring.copy_at_length(draft, end, trace, details, &self.hub);
        if !sent {
            self.counts.started.add(1);
            self.finish_without_line(|_| Handed::Full);
        }
        Some(sent)
    }

    /// Empty details.
    #[inline]
    fn details(&mut self) -> Box<Details> {
        match &mut self.ring {
            Some(ring) => ring.details(),
            None => Box::new(Details::new(self.hub.limits)),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.hub.detach(&self.counts);
    }
}
