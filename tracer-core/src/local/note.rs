//! Spans of a thread that are only [noted](crate::pending): when that is enough, and how they become others.

use super::{LOCAL, Local, MODE, Mode, Place, borrow, has_ended, with, with_made};
use crate::clock::{self, Instant};
use crate::hint::few;
use crate::id::{self, TraceId};
use crate::name::Number;
use crate::pending::{self, Last, ReadyForRoot, Waiting};
use crate::record::{SamplerTags, SpanRecord};
use crate::registry;

/// Finishes the span at `place` if it is the last that was noted, has no details, and takes no more than a line of a ring.
/// `false` if not, and nothing happened.
#[inline(always)]
pub(crate) fn leave(place: Place) -> bool {
    let left = pending::last(place, |note| {
        if note.has_details() {
            return None;
        }
        if !clock::has_counter() {
            few();
            return None;
        }
        let Some(local) = LOCAL.take() else {
            few();
            return None;
        };
        borrow(Some(local), |local| local.send(&note))?
    });
    left.flatten().is_some()
}

/// The same if it has details.
#[inline(always)]
pub(crate) fn leave_detailed(place: Place) -> bool {
    let left = pending::last(place, |note| {
        if !note.has_details() || !clock::has_counter() {
            return None;
        }
        borrow(LOCAL.take(), |local| local.send_detailed(&note))?
    });
    left.flatten().is_some()
}

/// The same whatever it takes.
#[inline(never)]
pub(crate) fn leave_at_length(place: Place) -> bool {
    let left = pending::last(place, |note| {
        let end = clock::now();
        borrow(LOCAL.take(), |local| local.send_at_length(&note, end)).unwrap_or_else(|| {
            // Noted inside of work here, by an allocator: its spans are not recorded.
            forget(&note);
            Some(())
        })
    });
    left.flatten().is_some()
}

/// Notes a root where nothing is active.
#[inline]
pub(crate) fn note_root(
    ready: ReadyForRoot,
    trace_id: TraceId,
    tracer: u32,
    tags: SamplerTags,
) -> Option<Place> {
    let place = pending::note_root(ready, trace_id, tracer, tags, MODE.get())?;
    MODE.set(Mode::Sampled);
    Some(place)
}

/// Notes the first child of the active span, whose trace is sampled, by the number of its name. `None` if it is not the first,
/// or takes more.
#[inline(always)]
pub(crate) fn note_first(number: Number) -> Option<Place> {
    if pending::are_any() {
        return None;
    }
    let allowed = borrow(LOCAL.take(), |local| local.allow_notes(0));
    if allowed == Some(true) {
        pending::note_child(number)
    } else {
        None
    }
}

/// Allows notes of roots of a tracer until the thread's [`Local`] changes, if its spans go to the ring that is at hand.
pub(super) fn allow_root(tracer: u32) -> bool {
    let is_allowed = !pending::is_distrusted(true)
        && borrow(LOCAL.take(), |local| local.goes_to_ring(tracer)) == Some(true);
    if is_allowed {
        pending::allow_roots(tracer);
    }
    is_allowed
}

/// When the span of a note ends, for which it is forgotten at the last moment.
#[inline]
fn end(note: &Last<'_>) -> Instant {
    note.forget();
    clock::now()
}

fn forget(note: &Last<'_>) {
    note.forget();
    leave_trace(note);
}

/// Makes it so that nothing is active, if that was the root.
#[inline]
fn leave_trace(note: &Last<'_>) {
    if note.is_root() {
        MODE.set(note.end_trace());
    }
}

/// Notes a waiting span again where its parent is active. `None` if it is not, or more was asked of the spans there.
#[inline]
pub(crate) fn resume(waiting: &Waiting) -> Option<Place> {
    waiting.resume().or_else(|| resume_at_length(waiting))
}

#[inline(never)]
fn resume_at_length(waiting: &Waiting) -> Option<Place> {
    if MODE.get() != Mode::Sampled || pending::are_any() {
        return None;
    }
    let allowed = borrow(LOCAL.take(), |local| local.allow_notes(waiting.tracer()));
    allowed.filter(|is_allowed| *is_allowed)?;
    waiting.resume()
}

/// Takes the note at `place` out of its place, if that is all that is known of the active span and it is no root.
#[inline]
pub(crate) fn suspend(place: Place) -> Option<Box<Waiting>> {
    let memory = || borrow(LOCAL.take(), |local| local.waiting.spare());
    pending::suspend(place, memory)
}

/// Keeps the memory of a waiting span that does not wait any more for the next ones of this thread.
#[inline]
pub(crate) fn keep_waiting(waiting: Box<Waiting>) {
    let mut waiting = Some(waiting);
    borrow(LOCAL.take(), |local| {
        waiting = local.waiting.keep(waiting.take()?);
        Some(())
    });
}

/// Makes a span of a waiting one. `None` from inside of other work here.
pub(crate) fn make_waiting(waiting: &Waiting) -> Option<Box<SpanRecord>> {
    let made = with_made(|local| {
        let mut record = local.stack.spare();
        record.context = waiting.context();
        local.begin(&mut record, waiting.name(), None, Some(waiting.start()));
        record
    });
    made.or_else(|| make_late(waiting))
}

/// The same on a thread that is ending: it lay in another thread-local.
#[cold]
fn make_late(waiting: &Waiting) -> Option<Box<SpanRecord>> {
    let hub = registry::hub(waiting.tracer()).filter(|_| has_ended())?;
    hub.start_late();
    let mut record = Box::new(SpanRecord::empty());
    record.context = waiting.context();
    (record.name, record.start) = (waiting.name(), waiting.start());
    Some(record)
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

    /// Whether the spans of a tracer go to the ring that is at hand.
    fn goes_to_ring(&self, tracer: u32) -> bool {
        let part = self.parts.last_of(tracer);
        part.is_some_and(|part| part.has_ring())
    }

    /// Sends a span that was only noted and has no details. `None` if it takes more.
    #[inline(always)]
    fn send(&mut self, note: &Last<'_>) -> Option<()> {
        let (ring, room) = self.parts.room_at_hand()?;
        let end = end(note);
        if note.is_ordinary() {
            ring.copy(room, note.draft, end, None);
        } else {
            ring.copy(room, note.draft, end, note.new_trace());
            note.set_known();
            leave_trace(note);
        }
        Some(())
    }

    /// The same with its details.
    #[inline]
    fn send_detailed(&mut self, note: &Last<'_>) -> Option<()> {
        let details = self.noted.last()?;
        let trace = note.new_trace();
        self.parts.finish_detailed(note.draft, trace, details)?;
        if trace.is_some() {
            note.set_known();
        }
        self.noted.pop_sent(note);
        forget(note);
        Some(())
    }

    /// The same with its details or without, as soon as there is room.
    fn send_at_length(&mut self, note: &Last<'_>, end: Instant) -> Option<()> {
        let part = self.parts.last()?;
        let details = if note.has_details() {
            Some(self.noted.last()?)
        } else {
            None
        };
        let has_details = details.is_some();
        if part.finish_at_length(note.draft, end, note.new_trace(), details)? {
            note.set_known();
        }
        if has_details {
            self.noted.pop(note);
        }
        forget(note);
        Some(())
    }
}
