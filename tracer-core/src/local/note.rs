//! Spans of a thread that are only [noted](crate::pending): when that is enough, and how they become others.

use super::{LOCAL, Local, MODE, Mode, Place, borrow, with};
use crate::clock::{self, Instant};
use crate::context::SpanContext;
use crate::id::{self, SpanId, TraceId};
use crate::name::Name;
use crate::pending::{self, Last};
use crate::record::SamplerTags;

/// Finishes the span at `place` if it is the last that was noted, and takes no more than a line of a ring. `false` if not,
/// and nothing happened.
#[inline(always)]
pub(crate) fn leave(place: Place) -> bool {
    let left = pending::last(place, |note| {
        if !note.is_ordinary() || !clock::has_counter() {
            return None;
        }
        borrow(LOCAL.take(), |local| local.send(&note))?
    });
    left.flatten().is_some()
}

/// The same if it has details.
#[inline(never)]
pub(crate) fn leave_detailed(place: Place) -> bool {
    let left = pending::last(place, |note| {
        if !note.is_detailed() || !clock::has_counter() {
            return None;
        }
        borrow(LOCAL.take(), |local| local.send_detailed(&note))?
    });
    left.flatten().is_some()
}

/// The same if it is the first of its trace that is left, or a root, or something stands in its way.
#[inline(never)]
pub(crate) fn leave_first(place: Place) -> bool {
    let left = pending::last(place, |note| {
        let end = clock::now();
        borrow(LOCAL.take(), |local| local.send_first(&note, end)).unwrap_or_else(|| {
            // Noted inside of work here, by an allocator: its spans are not recorded.
            note.forget();
            Some(())
        })
    });
    left.flatten().is_some()
}

/// Notes a root where nothing is active. `None` if it must be made at once.
#[inline]
pub(super) fn note_root(
    name: Name,
    ids: (TraceId, SpanId),
    tracer: u32,
    tags: SamplerTags,
) -> Option<Place> {
    let is_allowed = borrow(LOCAL.take(), |local| local.allows_root(tracer))?;
    if !is_allowed {
        return None;
    }
    let place = pending::note_root(name, &SpanContext::root(ids, tracer, true), tags)?;
    MODE.set(Mode::Sampled);
    Some(place)
}

/// Whether the span at `place` is of a refused trace, and nobody asked anything of it yet.
#[inline]
pub(crate) fn is_noted(place: Place) -> bool {
    MODE.get() == Mode::Refused && pending::is_noted(place)
}

/// Makes spans of those that this thread only noted.
pub(crate) fn settle() {
    with(|_| ());
}

impl Local {
    /// Makes spans of those that were only noted.
    #[inline(never)]
    pub(super) fn make_pending(&mut self) {
        let Self { stack, made, .. } = self;
        made.retain(|place| stack.get_mut(place).is_some());
        let mut taken = 0;
        pending::take(|note| {
            let mut details = None;
            if note.has_details {
                details = self.noted.take(taken);
                taken += 1;
            }
            let mut record = self.stack.spare();
            let (mut sampler, mut start) = (None, Some(note.start));
            if let Some((trace, tags)) = note.root {
                record.context = trace.root(note.span_id, note.tracer, note.state);
                sampler = Some(tags);
            } else if let Some(parent) = self.stack.top() {
                let mut span_id = note.span_id;
                if span_id.is_none() {
                    (span_id, start) = (id::next_span(), None);
                }
                record.context = parent.context.child(span_id);
                record.context.tracer = note.tracer;
            } else {
                return;
            }
            self.begin(&mut record, note.name, sampler, start);
            record.details = details;
            let place = self.stack.push(record);
            self.made.add(note.place, place);
        });
        self.noted.clear();
    }

    /// Allows notes of children of the active span. `false` if there is more to them than a note can say: they carry
    /// something, or go to another ring than their parent.
    pub(super) fn allow_notes(&mut self, tracer: u32) -> bool {
        let Some(top) = self.stack.top() else {
            return false;
        };
        let context = &top.context;
        let own = if tracer == 0 { context.tracer } else { tracer };
        let are_recorded = MODE.get() == Mode::Sampled;
        let allowed = !are_recorded
            || !pending::is_distrusted(false)
                && top.is_reported()
                && context.carried.is_none()
                && own == context.tracer
                && self.parts.get(own).is_some_and(|part| part.has_ring());
        if allowed {
            pending::begin(top, own);
        }
        allowed
    }

    /// Whether a root of a tracer may be noted: its spans go to the ring that is at hand.
    #[inline]
    pub(super) fn allows_root(&mut self, tracer: u32) -> bool {
        !pending::is_distrusted(true)
            && self
                .parts
                .last_of(tracer)
                .is_some_and(|part| part.has_ring())
    }

    /// Sends a span that was only noted. `None` if it takes more.
    #[inline]
    fn send(&mut self, note: &Last<'_>) -> Option<()> {
        self.parts.finish_draft(note.draft, || {
            note.forget();
            clock::now()
        })
    }

    /// The same with its details.
    #[inline]
    fn send_detailed(&mut self, note: &Last<'_>) -> Option<()> {
        let details = self.noted.last()?;
        self.parts.finish_detailed(note.draft, details)?;
        self.noted.pop(note);
        note.forget();
        Some(())
    }

    /// The same with its trace, and what the sampler said of a root.
    fn send_first(&mut self, note: &Last<'_>, end: Instant) -> Option<()> {
        let (part, sampler) = (self.parts.last()?, note.sampler());
        let details = if note.has_details() {
            Some(self.noted.last()?)
        } else {
            None
        };
        let has_details = details.is_some();
        if part.finish_first(note.draft, end, note.trace(), sampler, details)? {
            note.set_known();
        }
        if has_details {
            self.noted.pop(note);
        }
        note.forget();
        if sampler.is_some() {
            pending::end();
            self.update_mode();
        }
        Some(())
    }
}
