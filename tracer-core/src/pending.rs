//! Spans that nobody has asked anything of.
//!
//! Most spans are entered, are the parents of others, and are left: nobody asks for their contexts. So entering one makes a
//! [note](note) of it in cells of the thread: no borrow, no record, nothing that must be dropped. Tags and logs are kept beside
//! it, and sent ahead of it. Left as it was entered, a span of a sampled trace goes from its note into the ring, and one of a
//! refused trace nowhere. Whoever comes to the stack for anything else finds the notes turned into spans there: nobody can tell
//! the difference, but that a noted span is counted as started when it is finished or turned.
//!
//! That costs a third of what writing a record on the stack, reading it, and taking it off again does.

use std::cell::Cell;

use crate::callsite::Callsite;
use crate::clock::{self, Anchor, Instant};
use crate::context::state;
use crate::hint::few;
use crate::id::{self, SpanId, TraceId};
use crate::local::Mode;
use crate::name::{Name, Number};
use crate::record::{SamplerTags, SpanRecord};
use crate::report::line::{Draft, Drafted, Mark, Trace, TraceDraft};
use crate::stack::Place;

mod made;
mod next;
mod waiting;

pub(crate) use made::Made;
use next::Next;
pub(crate) use waiting::{Waiting, WaitingSpares, suspend, suspend_again};

thread_local! {
    /// Without a destructor, so it can always be reached.
    static PENDING: Pending = const { Pending::new() };
}

/// Notes a thread keeps; one more makes spans of them all.
pub(crate) const MOST: usize = 16;

/// Spans that are made at once after notes were for nothing, at the most.
const MOST_DISTRUST: u8 = 3;

/// Spans that were entered one inside of the other, on the ground of the span that is on top of the stack, or of none: then
/// the first is a root.
struct Pending {
    /// One for each note, outermost first. Before them the ground, of which only the id is used: the parent of the first note.
    drafts: [Draft; 1 + MOST],
    next: Cell<Next>,
    /// The tracer of all notes. 0 if there is no ground: then no child may be noted.
    tracer: Cell<u32>,
    /// The tracer of all notes if their trace is sampled, else 0: what is asked before a child is noted.
    recorded_of: Cell<u32>,
    /// The tracer of all notes if their trace is refused, else 0.
    refused_of: Cell<u32>,
    /// The tracer whose roots may be noted, where nothing is active; or 0.
    roots_of: Cell<u32>,
    state: Cell<u16>,
    /// The first of the notes that is left in the ordinary way: no root, nor one with details, nor the first of its trace.
    ordinary: Cell<u32>,
    /// Whether the reporter thread knows the trace.
    is_known: Cell<bool>,
    /// How many notes there are up to the last one with details.
    detailed: Cell<u32>,
    /// How many spans are made at once before others are noted again: where most are asked for their contexts, notes are for
    /// nothing. Of roots, and of others.
    distrust: [Cell<u8>; 2],
    /// Their trace, if it is sampled.
    trace: TraceDraft,
    /// How many of the notes are roots: one or none.
    roots: Cell<u32>,
    /// The mode of the thread outside of the root.
    outside: Cell<Mode>,
}

/// A span that was only noted.
#[derive(Clone, Copy)]
pub(crate) struct Note {
    /// What its scope has in place of a place on the stack.
    pub(crate) place: Place,
    pub(crate) name: Name,
    pub(crate) tracer: u32,
    /// None if the trace is refused.
    pub(crate) span_id: SpanId,
    pub(crate) state: u16,
    pub(crate) start: Instant,
    /// Whether it has details.
    pub(crate) has_details: bool,
    /// Of a root its trace, and what the sampler said.
    pub(crate) root: Option<(Trace, SamplerTags)>,
}

/// What it takes to note a root, whatever its trace is.
#[derive(Clone, Copy)]
pub(crate) struct ReadyForRoot {
    number: Number,
    anchor: Anchor,
}

/// The note of the active span.
pub(crate) struct Last<'p> {
    pending: &'p Pending,
    pub(crate) draft: Drafted<'p>,
    at: u32,
}

/// Whether notes were for nothing of late, because spans had to be made of them anyway.
#[inline]
pub(crate) fn is_distrusted(is_root: bool) -> bool {
    PENDING.with(|pending| pending.distrust[usize::from(!is_root)].get() > 0)
}

/// Trusts notes a little more: a span was made at once, and a note would have been enough.
#[inline]
pub(crate) fn trust(is_root: bool) {
    PENDING.with(|pending| {
        let distrust = &pending.distrust[usize::from(!is_root)];
        distrust.set(distrust.get().saturating_sub(1));
    });
}

/// Allows notes of spans of a tracer under the one on top of the stack, until [`end`].
pub(crate) fn begin(top: &SpanRecord, tracer: u32) {
    PENDING.with(|pending| {
        let kept = state::INHERITED | state::RECORDING | state::COUNTED;
        pending.begin(Trace::of(&top.context), top.context.state & kept, tracer);
        pending.roots.set(0);
        pending.set_ground(top.context.span_id);
    });
}

/// Allows notes of roots of a tracer, until [`end`].
pub(crate) fn allow_roots(tracer: u32) {
    PENDING.with(|pending| pending.roots_of.set(tracer));
}

/// Whether roots of that tracer are [allowed](allow_roots) where nothing is active.
#[inline]
pub(crate) fn are_roots_allowed(tracer: u32) -> bool {
    PENDING.with(|pending| pending.roots_of.get() == tracer)
}

/// Where roots of that tracer are [allowed](allow_roots), what it takes to note one by that name. `None` if they are not, or it
/// takes asking for anything.
#[inline]
pub(crate) fn ready_for_root(name: Name, tracer: u32) -> Option<ReadyForRoot> {
    PENDING.with(|pending| {
        if pending.roots_of.get() != tracer || !clock::has_counter() {
            few();
            return None;
        }
        let number = name.recent_number()?;
        let anchor = Anchor::newest_at_once()?;
        Some(ReadyForRoot { number, anchor })
    })
}

/// Notes the root of a trace that is sampled, and allows notes of spans under it, until it is left: then the mode of the thread
/// is that `outside` again.
#[inline]
pub(crate) fn note_root(
    ready: ReadyForRoot,
    trace_id: TraceId,
    tracer: u32,
    sampler: SamplerTags,
    outside: Mode,
) -> Option<Place> {
    PENDING.with(|pending| {
        let trace = Trace::sampled(trace_id, ready.anchor);
        let state = state::RANDOM | state::RECORDING | state::COUNTED;
        pending.begin(trace, state, tracer);
        pending.roots.set(1);
        pending.outside.set(outside);
        pending.set_ground(SpanId(sampler.param.to_bits()));
        let mark = Mark::new(state, ready.number).with_sampler(sampler.kind);
        pending.write(0, mark, trace_id.root())
    })
}

/// Forbids notes, unless there are some: whether there are, and must be [taken](take).
#[inline]
pub(crate) fn end() -> bool {
    PENDING.with(|pending| {
        let is_any = pending.count() > 0;
        if !is_any {
            pending.forbid();
            pending.roots_of.set(0);
        }
        is_any
    })
}

/// Notes a child of the active span, if notes of that tracer are allowed and the trace is sampled. `None` if not, or if that takes
/// asking for anything.
#[inline(always)]
pub(crate) fn note(name: Name, tracer: u32) -> Option<Place> {
    PENDING.with(|pending| {
        if pending.recorded_of.get() != tracer {
            few();
            return None;
        }
        let Some(number) = name.recent_number() else {
            few();
            return None;
        };
        pending.note_child(number)
    })
}

/// The same where the trace is refused.
#[inline(always)]
pub(crate) fn note_refused(name: Name, tracer: u32) -> Option<Place> {
    PENDING.with(|pending| {
        if pending.refused_of.get() != tracer {
            return None;
        }
        pending.write_refused(name)
    })
}

/// The same for a child of the same tracer as the active span, whose trace is sampled, by the number of its name.
#[inline(always)]
pub(crate) fn note_child(number: Number) -> Option<Place> {
    PENDING.with(|pending| {
        if pending.recorded_of.get() == 0 {
            few();
            return None;
        }
        pending.note_child(number)
    })
}

/// Notes a child of the active span as [`note`] does, whatever it takes. 0 is the tracer of the active span.
#[inline(never)]
pub(crate) fn note_at_length(
    text: &'static str,
    site: Option<&'static Callsite>,
    tracer: u32,
) -> Option<Place> {
    PENDING.with(|pending| {
        let allowed = pending.tracer.get();
        if allowed == 0 || tracer != 0 && allowed != tracer {
            return None;
        }
        let name = Name::of(text, site);
        if pending.is_recorded() {
            pending.write_child(name.number()?, id::next_span())
        } else {
            pending.write_refused(name)
        }
    })
}

/// Forgets the note at `place`, if it is that of the active span. Its trace is refused.
#[inline]
pub(crate) fn leave_refused(place: Place) -> bool {
    PENDING.with(|pending| {
        let own = Next::of(place);
        let is_it = pending.next.get() == own.after();
        if is_it {
            pending.next.set(own);
        }
        is_it
    })
}

/// Whether there are notes.
pub(crate) fn are_any() -> bool {
    PENDING.with(|pending| pending.count() > 0)
}

/// Whether the active span is noted at `place`.
#[inline]
pub(crate) fn is_last(place: Place) -> bool {
    PENDING.with(|pending| {
        pending
            .last()
            .is_some_and(|last| place == pending.place(last.at, last.draft.own()))
    })
}

/// The note at `place`, if it is that of the active span and its trace is sampled.
#[inline]
pub(crate) fn last<R>(place: Place, work: impl FnOnce(Last<'_>) -> R) -> Option<R> {
    PENDING.with(|pending| {
        let Some(last) = pending.last() else {
            few();
            return None;
        };
        // No other span has its id, nor has one without.
        if !place.is_of(last.draft.own().span_id.get()) {
            few();
            return None;
        }
        Some(work(last))
    })
}

impl Pending {
    const fn new() -> Self {
        Self {
            drafts: [const { Draft::new() }; 1 + MOST],
            next: Cell::new(Next::FIRST),
            tracer: Cell::new(0),
            recorded_of: Cell::new(0),
            refused_of: Cell::new(0),
            state: Cell::new(0),
            ordinary: Cell::new(0),
            is_known: Cell::new(false),
            detailed: Cell::new(0),
            distrust: [const { Cell::new(0) }; 2],
            trace: TraceDraft::new(),
            roots_of: Cell::new(0),
            roots: Cell::new(0),
            outside: Cell::new(Mode::Idle),
        }
    }

    /// Allows notes of spans of that trace, state and tracer.
    #[inline]
    fn begin(&self, trace: Trace, state: u16, tracer: u32) {
        self.tracer.set(tracer);
        self.state.set(state);
        let (recorded, refused) = if self.is_recorded() {
            (tracer, 0)
        } else {
            (0, tracer)
        };
        self.recorded_of.set(recorded);
        self.refused_of.set(refused);
        self.trace.set(trace);
        self.is_known.set(false);
        self.detailed.set(0);
        self.ordinary.set(u32::MAX);
    }

    /// Forbids notes of children.
    #[inline]
    fn forbid(&self) {
        self.tracer.set(0);
        self.recorded_of.set(0);
        self.refused_of.set(0);
    }

    #[inline]
    fn draft(&self, at: u32) -> Option<&Draft> {
        let [_, notes @ ..] = &self.drafts;
        notes.get(at as usize)
    }

    #[inline]
    fn set_ground(&self, parent: SpanId) {
        let [ground, ..] = &self.drafts;
        ground.span_id.set(parent);
    }

    /// Says which notes are left in the ordinary way.
    #[inline]
    fn set_ordinary(&self) {
        self.ordinary.set(if self.is_known.get() {
            self.detailed.get().max(self.roots.get())
        } else {
            u32::MAX
        });
    }

    #[inline]
    fn is_recorded(&self) -> bool {
        self.state.get() & state::RECORDING != 0
    }

    /// The note of the active span.
    #[inline]
    fn last(&self) -> Option<Last<'_>> {
        let at = self.count().wrapping_sub(1);
        let pair = self.drafts.get(at as usize..)?.first_chunk()?;
        let (pending, draft) = (self, Drafted(pair));
        Some(Last { pending, draft, at })
    }

    /// Where the span of a note was said to be.
    #[inline]
    fn place(&self, at: u32, draft: &Draft) -> Place {
        if self.is_recorded() {
            Place::noted(draft.span_id.get())
        } else {
            self.next.get().at(at).place()
        }
    }

    /// How many notes there are.
    #[inline]
    fn count(&self) -> u32 {
        self.next.get().count()
    }

    #[inline(always)]
    fn note_child(&self, number: Number) -> Option<Place> {
        let Some(span_id) = id::next_span_at_once() else {
            few();
            return None;
        };
        self.write_child(number, span_id)
    }

    #[inline]
    fn write_refused(&self, name: Name) -> Option<Place> {
        let next = self.next.get();
        self.draft(next.count())?.refused.set(name);
        self.next.set(next.after());
        Some(next.place())
    }

    #[inline(always)]
    fn write_child(&self, number: Number, span_id: SpanId) -> Option<Place> {
        self.write(self.count(), Mark::new(self.state.get(), number), span_id)
    }

    #[inline(always)]
    fn write(&self, at: u32, mark: Mark, span_id: SpanId) -> Option<Place> {
        // Without one, times take long to take, which is not for here.
        if !clock::has_counter() {
            few();
            return None;
        }
        let Some(draft) = self.draft(at) else {
            few();
            return None;
        };
        // In the middle: the reading waits for what is before it, and the next one for what is behind.
        let start = clock::now();
        self.next.set(self.next.get().after());
        draft.mark.set(mark);
        draft.span_id.set(span_id);
        draft.start.set(start);
        Some(Place::noted(span_id))
    }
}

impl ReadyForRoot {
    /// The name of the root.
    pub(crate) fn name(self) -> Name {
        self.number.name().unwrap_or(Name::NONE)
    }
}

impl Last<'_> {
    /// Whether the reporter thread knows the trace, and the span is no root and has no details.
    #[inline]
    pub(crate) fn is_ordinary(&self) -> bool {
        self.at >= self.pending.ordinary.get()
    }

    #[inline]
    pub(crate) fn is_root(&self) -> bool {
        self.at < self.pending.roots.get()
    }

    /// Whether the span has details, which whoever [said](Self::add_details) so keeps.
    #[inline]
    pub(crate) fn has_details(&self) -> bool {
        self.draft.own().mark.get().has(Mark::BLOCK)
    }

    /// Remembers that the span has details. Which of the notes it is.
    #[inline]
    pub(crate) fn add_details(&self) -> u32 {
        let mark = &self.draft.own().mark;
        mark.set(mark.get().with(Mark::BLOCK));
        self.pending.detailed.set(self.at + 1);
        self.pending.set_ordinary();
        self.at
    }

    /// Remembers that they are gone, and which note is the last that still has some.
    #[inline]
    pub(crate) fn take_details(&self, others: Option<u32>) {
        self.pending.detailed.set(others.map_or(0, |at| at + 1));
        self.pending.set_ordinary();
    }

    #[inline]
    pub(crate) fn tracer(&self) -> u32 {
        self.pending.tracer.get()
    }

    /// Its trace, if the reporter thread does not know that.
    #[inline]
    pub(crate) fn new_trace(&self) -> Option<&TraceDraft> {
        let pending = self.pending;
        (!pending.is_known.get()).then_some(&pending.trace)
    }

    /// Remembers that the reporter thread knows the trace.
    #[inline]
    pub(crate) fn set_known(&self) {
        self.pending.is_known.set(true);
        self.pending.set_ordinary();
    }

    /// Forbids notes of children after the root. The mode outside of it.
    #[inline]
    pub(crate) fn end_trace(&self) -> Mode {
        self.pending.forbid();
        self.pending.outside.get()
    }

    /// Makes the span below the active one.
    #[inline]
    pub(crate) fn forget(&self) {
        self.pending.next.set(self.pending.next.get().before());
    }
}

/// Whether the span at `place` is still a note, and its trace refused.
#[inline]
pub(crate) fn is_noted(place: Place) -> bool {
    PENDING
        .with(|pending| place.is_refused() && Next::of(place).time() == pending.next.get().time())
}

/// Takes all notes, outermost first. `make` must not come back here.
pub(crate) fn take(mut make: impl FnMut(Note)) {
    PENDING.with(|pending| {
        let next = pending.next.get();
        pending.next.set(next.at(0));
        let (tracer, is_recorded) = (pending.tracer.get(), pending.is_recorded());
        pending.forbid();
        let roots = pending.roots.replace(0);
        pending.roots_of.set(0);
        if is_recorded {
            let distrust = &pending.distrust[usize::from(roots == 0)];
            distrust.set(distrust.get().saturating_add(1).min(MOST_DISTRUST));
        }
        for (at, drafts) in (0..next.count()).zip(pending.drafts.windows(2)) {
            let Some(drafted) = drafts.first_chunk().map(Drafted) else {
                continue;
            };
            let draft = drafted.own();
            let (name, span_id, has_details) = if is_recorded {
                let mark = draft.mark.get();
                (mark.name(), draft.span_id.get(), mark.has(Mark::BLOCK))
            } else {
                (draft.refused.get(), SpanId::NONE, false)
            };
            let sampler = drafted.sampler().filter(|_| at < roots);
            make(Note {
                place: pending.place(at, draft),
                name,
                tracer,
                span_id,
                state: pending.state.get(),
                start: draft.start.get(),
                has_details,
                root: sampler.map(|sampler| (pending.trace.get(), sampler)),
            });
            // Its scope may outlive this by far, and is not to be taken for that of a note to come.
            draft.span_id.set(Draft::NO_SPAN);
        }
        pending.next.set(next.later());
    });
}

#[cfg(test)]
mod tests;
