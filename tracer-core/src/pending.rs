//! Spans that nobody has asked anything of.
//!
//! Most spans are entered, are the parents of others, and are left: nobody tags them, and nobody asks for their contexts. So
//! entering one makes a [note](note) of it in cells of the thread: no borrow, no record, nothing that must be dropped. Left as
//! it was entered, a span of a sampled trace goes from its note into the ring, and one of a refused trace nowhere. Whoever
//! comes to the stack for anything else finds the notes turned into spans there: nobody can tell the difference, but that a
//! noted span is counted as started when it is finished or turned.
//!
//! That costs a third of what writing a record on the stack, reading it, and taking it off again does.

use std::cell::Cell;

use crate::callsite::Callsite;
use crate::clock::{self, Instant};
use crate::context::state;
use crate::id::{self, SpanId};
use crate::name::Name;
use crate::record::SpanRecord;
use crate::report::line::Brief;
use crate::stack::Place;

thread_local! {
    /// Without a destructor, so it can always be reached.
    static PENDING: Pending = const { Pending::new() };
}

/// Notes a thread keeps; one more makes spans of them all.
const MOST: usize = 16;

/// Spans that are made at once after notes were for nothing, at the most.
const MOST_DISTRUST: u8 = 3;

/// Spans that were entered one inside of the other, on the ground of the span that is on top of the stack.
struct Pending {
    notes: [Slot; MOST],
    count: Cell<u32>,
    /// How many times notes were taken: those of different times are not mistaken for each other.
    time: Cell<u32>,
    /// The tracer of all notes. 0 if there is no ground: then nothing may be noted.
    tracer: Cell<u32>,
    state: Cell<u16>,
    /// Whether no span of the trace was left yet.
    is_first: Cell<bool>,
    /// How many spans without tags are made at once before others are noted again: where most are tagged, notes are for
    /// nothing.
    distrust: Cell<u8>,
    /// The active span, if its trace is sampled.
    active: Cell<SpanId>,
}

/// A span entered. Of a refused trace only its name is set. With gaps, or fields would be read in pairs: a [`Brief`] says
/// what is wrong with that.
#[repr(C, align(64))]
struct Slot {
    name: Cell<Name>,
    start: Cell<Instant>,
    gap: u64,
    parent_id: Cell<SpanId>,
    another_gap: u64,
    span_id: Cell<SpanId>,
}

/// A span that was only noted.
#[derive(Clone, Copy)]
pub(crate) struct Note {
    /// Where it was said to be.
    pub(crate) place: Place,
    pub(crate) name: Name,
    pub(crate) tracer: u32,
    /// None if the trace is refused.
    pub(crate) span_id: SpanId,
    pub(crate) start: Instant,
}

/// The note of the active span.
pub(crate) struct Last<'p> {
    pending: &'p Pending,
    slot: &'p Slot,
    at: u32,
}

/// Whether spans are noted for nothing of late.
#[inline]
pub(crate) fn is_distrusted() -> bool {
    PENDING.with(|pending| pending.distrust.get() > 0)
}

/// Learns from a span that was made at once, and needed not.
#[inline]
pub(crate) fn trust() {
    PENDING.with(|pending| {
        pending
            .distrust
            .set(pending.distrust.get().saturating_sub(1));
    });
}

/// Allows notes of spans of a tracer under the one on top of the stack, until [`end`].
pub(crate) fn begin(top: &SpanRecord, tracer: u32) {
    PENDING.with(|pending| {
        pending.tracer.set(tracer);
        pending.active.set(top.context.span_id);
        let kept = state::INHERITED | state::RECORDING | state::COUNTED;
        pending.state.set(top.context.state & kept);
        pending.is_first.set(true);
    });
}

/// Forbids notes, unless there are some: whether there are, and must be [taken](take).
#[inline]
pub(crate) fn end() -> bool {
    PENDING.with(|pending| {
        let is_any = pending.count.get() > 0;
        if !is_any {
            pending.tracer.set(0);
        }
        is_any
    })
}

/// Notes a child of the active span, if its trace is refused and notes of that tracer are allowed. `None` if they are not.
#[inline]
pub(crate) fn note_refused(name: Name, tracer: u32) -> Option<Place> {
    PENDING.with(|pending| {
        if pending.tracer.get() != tracer || pending.is_recorded() {
            return None;
        }
        pending.write(name).map(|(_, place)| place)
    })
}

/// Notes a child of the active span, if notes of that tracer are allowed. `None` if it must be made at once.
#[inline]
pub(crate) fn note(name: Name, tracer: u32) -> Option<Place> {
    PENDING.with(|pending| (pending.tracer.get() == tracer).then(|| pending.note(name))?)
}

/// The same for a child of the same tracer as the active span.
#[inline]
pub(crate) fn note_child(name: Name) -> Option<Place> {
    PENDING.with(|pending| (pending.tracer.get() != 0).then(|| pending.note(name))?)
}

/// The same where notes were just [allowed](begin). Apart, for the others are to be part of their callers.
#[inline(never)]
pub(crate) fn note_first(text: &'static str, site: Option<&'static Callsite>) -> Option<Place> {
    PENDING.with(|pending| pending.note(Name::of(text, site)))
}

/// Forgets the note at `place`, if it is that of the active span and its trace is refused.
#[inline]
pub(crate) fn leave_refused(place: Place) -> bool {
    PENDING.with(|pending| {
        let at = pending.count.get().wrapping_sub(1);
        let is_it = place == pending.place(at) && !pending.is_recorded();
        if is_it {
            pending.count.set(at);
        }
        is_it
    })
}

/// Whether the active span is noted at `place`.
#[inline]
pub(crate) fn is_last(place: Place) -> bool {
    last(place, |_| ()).is_some()
}

/// The note at `place`, if it is that of the active span.
#[inline]
pub(crate) fn last<R>(place: Place, work: impl FnOnce(Last<'_>) -> R) -> Option<R> {
    PENDING.with(|pending| {
        let at = pending.count.get().wrapping_sub(1);
        let slot = pending.notes.get(at as usize)?;
        (place == pending.place(at)).then(|| work(Last { pending, slot, at }))
    })
}

impl Pending {
    const fn new() -> Self {
        Self {
            notes: [const { Slot::new() }; MOST],
            count: Cell::new(0),
            time: Cell::new(0),
            tracer: Cell::new(0),
            state: Cell::new(0),
            is_first: Cell::new(true),
            distrust: Cell::new(0),
            active: Cell::new(SpanId::NONE),
        }
    }

    #[inline]
    fn is_recorded(&self) -> bool {
        self.state.get() & state::RECORDING != 0
    }

    #[inline]
    fn place(&self, at: u32) -> Place {
        Place::pending(self.time.get(), at)
    }

    /// Writes down what there is to say of a span of a refused trace.
    #[inline]
    fn write(&self, name: Name) -> Option<(&Slot, Place)> {
        let at = self.count.get();
        let slot = self.notes.get(at as usize)?;
        self.count.set(at + 1);
        slot.name.set(name);
        Some((slot, self.place(at)))
    }

    #[inline]
    fn note(&self, name: Name) -> Option<Place> {
        let (slot, place) = self.write(name)?;
        if self.is_recorded() {
            let span_id = id::next_span();
            slot.span_id.set(span_id);
            slot.parent_id.set(self.active.replace(span_id));
            // Last: what beginning a span takes is not part of it.
            slot.start.set(clock::now());
        }
        Some(place)
    }
}

impl Slot {
    const fn new() -> Self {
        Self {
            name: Cell::new(Name::NONE),
            start: Cell::new(Instant::ZERO),
            gap: 0,
            parent_id: Cell::new(SpanId::NONE),
            another_gap: 0,
            span_id: Cell::new(SpanId::NONE),
        }
    }
}

impl Last<'_> {
    /// Whether no span of the trace was left yet.
    #[inline]
    pub(crate) fn is_first(&self) -> bool {
        self.pending.is_first.get()
    }

    /// Remembers that one was.
    pub(crate) fn set_left(&self) {
        self.pending.is_first.set(false);
    }

    #[inline]
    pub(crate) fn name(&self) -> Name {
        self.slot.name.get()
    }

    /// The span as it goes into the ring, ended at `end`.
    #[inline]
    pub(crate) fn ended(&self, end: Instant) -> Brief {
        Brief {
            span_id: self.slot.span_id.get(),
            parent_id: self.slot.parent_id.get(),
            start: self.slot.start.get(),
            end,
        }
    }

    /// Its state.
    #[inline]
    pub(crate) fn state(&self) -> u16 {
        self.pending.state.get()
    }

    /// Makes the span below the active one.
    #[inline]
    pub(crate) fn forget(&self) {
        self.pending.count.set(self.at);
        self.pending.active.set(self.slot.parent_id.get());
    }
}

/// Whether the span at `place` is still a note.
#[inline]
pub(crate) fn is_noted(place: Place) -> bool {
    PENDING.with(|pending| place.is_pending_since(pending.time.get()))
}

/// Takes all notes, outermost first. `make` must not come back here.
pub(crate) fn take(mut make: impl FnMut(Note)) {
    PENDING.with(|pending| {
        let count = pending.count.replace(0);
        let (tracer, is_recorded) = (pending.tracer.replace(0), pending.is_recorded());
        let time = pending.time.get();
        pending.time.set(time.wrapping_add(1));
        if is_recorded {
            let more = pending.distrust.get().saturating_add(1);
            pending.distrust.set(more.min(MOST_DISTRUST));
        }
        for (at, slot) in (0..count).zip(&pending.notes) {
            make(Note {
                place: Place::pending(time, at),
                name: slot.name.get(),
                tracer,
                span_id: if is_recorded {
                    slot.span_id.get()
                } else {
                    SpanId::NONE
                },
                start: slot.start.get(),
            });
        }
    });
}

/// Places of notes, and where the spans that were made of them lie.
#[derive(Debug)]
pub(crate) struct Made(Vec<(Place, Place)>);

impl Made {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn add(&mut self, noted: Place, place: Place) {
        self.0.push((noted, place));
    }

    /// Where a span lies: where it was said to, or if that was a note, where it was put. None if it is not there any more.
    #[inline]
    pub(crate) fn find(&self, place: Place) -> Place {
        if place.is_pending() {
            self.look_up(place)
        } else {
            place
        }
    }

    #[cold]
    #[inline(never)]
    fn look_up(&self, noted: Place) -> Place {
        let found = self.0.iter().find(|(at, _)| *at == noted);
        found.map_or(Place::NONE, |(_, place)| *place)
    }

    /// Forgets the spans that are not there any more.
    pub(crate) fn retain(&mut self, mut is_there: impl FnMut(Place) -> bool) {
        self.0.retain(|(_, place)| is_there(*place));
    }
}

#[cfg(test)]
mod tests;
