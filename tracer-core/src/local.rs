//! What a thread knows: the stack of its active spans, and its part of each tracer.
//!
//! What works on it takes it out of its [place](LOCAL) meanwhile, and finds nothing there when the thread is ending. No code of
//! the user runs while it is out: values are converted before and dropped after. [`MODE`] sums up the top of the stack in a
//! byte, so a call that is not traced costs one read.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;

use crate::clock::{self, Instant};
use crate::context::{SpanContext, flag, state};
use crate::counts::ThreadCounts;
use crate::details::Details;
use crate::id::{self, SpanId, TraceId};
use crate::keep;
use crate::part::Parts;
use crate::pending::{self, Made, WaitingSpares};
use crate::record::SpanRecord;
use crate::registry;
pub(crate) use crate::stack::Place;
use crate::stack::Stack;

mod begin;
mod edit;
mod note;
mod noted;
mod rest;
mod spare;
mod visit;

pub(crate) use begin::{
    enter_child, enter_root, refuse_root, start_child, start_root, start_under, take_root,
};
pub(crate) use edit::{
    edit, edit_details, log, log_first, log_now, put_bytes, put_first, put_number, put_tag,
};
pub(crate) use note::{
    is_noted, keep_waiting, leave, leave_at_length, leave_detailed, make_waiting, note_first,
    note_root, resume, settle, suspend,
};
use noted::NotedDetails;
pub(crate) use rest::finish_above;
use rest::{ask_at_end, finish_other, hand_over_held};
pub(crate) use spare::{bare, keep, keep_empty, spare};
pub(crate) use visit::{
    finish_detailed, finish_plain, finish_poll, hand_over, pop, pop_plain, pop_span, push,
};

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Idle) };
    /// Where the thread's [`Local`] is while nothing works on it. Without a destructor, or each use would ask first whether
    /// that has run; it is dropped with [`END`].
    static LOCAL: Cell<Option<ManuallyDrop<Box<Local>>>> = const { Cell::new(None) };
    /// Whether there was one.
    static IS_MADE: Cell<bool> = const { Cell::new(false) };
    static END: End = const { End };
}

/// The end of a thread.
struct End;

/// What starting a span on this thread means at the moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub(crate) enum Mode {
    /// Nothing is active and no default tracer is set: a root, if a tracer is installed.
    Idle,
    /// Nothing is active, but a default tracer is set: a root.
    Default,
    /// What is active leaves the decision or the tracer open.
    Undecided,
    /// A span or context of a trace that is sampled, or decided about late, is active: a recorded child.
    Sampled,
    /// A span or context of a refused trace is active: nothing to record.
    Refused,
    /// A thread of ours: nothing is traced.
    Suppressed,
}

#[derive(Debug)]
struct Local {
    stack: Stack,
    /// Spans that were not put on the stack at once.
    made: Made,
    /// Details of those that are only noted.
    noted: NotedDetails,
    /// Memory of those whose futures were polled again, or ended.
    waiting: WaitingSpares,
    parts: Parts,
    defaults: Vec<u32>,
}

/// The mode of the calling thread.
#[inline]
pub(crate) fn mode() -> Mode {
    MODE.get()
}

/// Makes the calling thread one that is not traced, for good.
pub(crate) fn suppress_this_thread() {
    MODE.set(Mode::Suppressed);
}

/// Finishes the span at `place`.
pub(crate) fn finish(place: Place) {
    // Spans of refused traces have no times, and reading the clock is most of what they would cost.
    let end = if mode() == Mode::Refused {
        Instant::ZERO
    } else {
        clock::now()
    };
    let left = with(|local| {
        let own = local.made.find(place);
        let Some(record) = local.take_top(own) else {
            return local.stack.is_context(own).then_some(None);
        };
        if record.is_reported() && !place.is_noted() {
            // It was made at once, and nobody asked for more than a note has.
            pending::trust(record.context.parent_id.is_none());
        } else if record.is_bare() {
            // A context that is active by now where the span was: not the scope's.
            local.push(record);
            return Some(None);
        }
        Some(local.hand_over(record, end))
    });
    match left.flatten() {
        Some(None) => {}
        Some(Some(held)) => hand_over_held(held, end),
        // The end is that of the active span, whose trace may be another's.
        None => finish_other(place, clock::now()),
    }
}

/// Counts a span of a tracer.
pub(crate) fn count(tracer: u32, count: impl FnOnce(&ThreadCounts)) -> bool {
    with_made(|local| local.parts.get(tracer).map(|part| count(&part.counts)))
        .flatten()
        .is_some()
}

/// Brings the mode in line after the decision of an active span changed.
pub(crate) fn update_mode() {
    with(Local::update_mode);
}

/// The place of the active span, and the number of its tracer.
pub(crate) fn top() -> (Place, u32) {
    with(|local| {
        (
            local.stack.top_place(),
            local.stack.top().map_or(0, |record| record.context.tracer),
        )
    })
    .unwrap_or((Place::NONE, 0))
}

/// The place of a span that is active on this thread, or below the active one.
pub(crate) fn place_of(span_id: SpanId) -> Place {
    with(|local| local.stack.place_of(span_id)).unwrap_or(Place::NONE)
}

/// A copy of the active context.
pub(crate) fn context() -> Option<SpanContext> {
    with(|local| local.stack.top().map(|record| record.context.share())).flatten()
}

/// The same, if it carries something.
pub(crate) fn carrying() -> Option<SpanContext> {
    // Spans that are only noted carry what the one below them does: they stay notes.
    let carries = |local: &mut Local| local.stack.top()?.context.carried.as_ref().map(|_| ());
    borrow(LOCAL.take(), carries).flatten()?;
    context()
}

/// The tracer of the active span, else this thread's default.
pub(crate) fn tracer() -> Option<u32> {
    with(|local| {
        let active = local
            .stack
            .top()
            .map(|record| record.context.tracer)
            .filter(|&tracer| tracer != 0);
        active.or_else(|| local.defaults.last().copied())
    })
    .flatten()
}

/// Sets this thread's default tracer.
pub(crate) fn push_default(tracer: u32) {
    with_made(|local| {
        local.defaults.push(tracer);
        local.update_mode();
    });
}

/// Takes back a default of this thread: the newest one of that tracer.
pub(crate) fn pop_default(tracer: u32) {
    with(|local| {
        if let Some(at) = local
            .defaults
            .iter()
            .rposition(|&default| default == tracer)
        {
            local.defaults.remove(at);
            local.update_mode();
        }
    });
}

/// Draws the id of a trace. `None` on a thread that is ending.
pub(crate) fn draw_trace(bits128: bool) -> Option<TraceId> {
    (!has_ended()).then(|| id::draw_trace(bits128))
}

/// Draws a span id. `None` on a thread that is ending.
pub(crate) fn draw_span() -> Option<SpanId> {
    (!has_ended()).then(id::next_span)
}

/// Empty details for a span of `tracer`: used ones of this thread if there are.
pub(crate) fn details(tracer: u32) -> Box<Details> {
    let used = borrow(LOCAL.take(), |local| local.parts.used_details(tracer));
    used.flatten().unwrap_or_else(|| new_details(tracer))
}

#[inline(never)]
fn new_details(tracer: u32) -> Box<Details> {
    with_made(|local| local.parts.details(tracer))
        .unwrap_or_else(|| Box::new(Details::new(registry::limits(tracer))))
}

/// Prepares a forked child's only thread: fresh ids, no open spans, no queues of the parent.
pub(crate) fn after_fork() {
    id::reseed();
    let left = with(|local| {
        let left = (
            std::mem::replace(&mut local.stack, Stack::new()),
            std::mem::replace(&mut local.parts, Parts::new()),
        );
        local.update_mode();
        left
    });
    let Some((stack, tracers)) = left else { return };
    drop(stack);
    #[expect(
        clippy::mem_forget,
        reason = "what only the parent reads: giving it back takes locks that a thread may have held at the fork"
    )]
    std::mem::forget(tracers);
}

/// Works on what the thread knows. `None` if that is nothing, when the thread is ending, and from code that runs inside of
/// other work here, such as an allocator that traces.
#[inline]
fn with<R>(work: impl FnOnce(&mut Local) -> R) -> Option<R> {
    borrow(LOCAL.take(), |local| work(local.settled()))
}

/// The same if it is nothing yet.
#[inline]
fn with_made<R>(work: impl FnOnce(&mut Local) -> R) -> Option<R> {
    borrow(LOCAL.take().or_else(make), |local| work(local.settled()))
}

/// Works on what was taken out, and puts it back. Work that panicked would leave the thread with nothing: none does, for it is
/// all ours.
#[inline]
fn borrow<R>(
    local: Option<ManuallyDrop<Box<Local>>>,
    work: impl FnOnce(&mut Local) -> R,
) -> Option<R> {
    let mut local = local?;
    let result = work(&mut local);
    LOCAL.set(Some(local));
    Some(result)
}

/// The thread's first; `None` if there was one.
#[cold]
#[inline(never)]
fn make() -> Option<ManuallyDrop<Box<Local>>> {
    if IS_MADE.replace(true) || has_ended() {
        return None;
    }
    Some(ManuallyDrop::new(Box::new(Local::new())))
}

/// Whether the thread is one that must not trace, as the reporter thread: a flush there would wait for itself. Not whether it is
/// ending.
pub(crate) fn is_reporting() -> bool {
    mode() == Mode::Suppressed && !has_ended()
}

/// Whether the thread is ending, and what it knew is gone. If not it is told to do so.
fn has_ended() -> bool {
    END.try_with(|_| ()).is_err()
}

impl Local {
    fn new() -> Self {
        Self {
            stack: Stack::new(),
            made: Made::new(),
            noted: NotedDetails::new(),
            waiting: WaitingSpares::new(),
            parts: Parts::new(),
            defaults: Vec::new(),
        }
    }

    /// With spans in the place of notes, for whom it makes a difference which are active.
    #[inline]
    fn settled(&mut self) -> &mut Self {
        if pending::end() {
            self.make_pending();
        }
        self
    }

    /// Puts a span on the stack.
    #[inline]
    fn push(&mut self, record: Box<SpanRecord>) -> Place {
        MODE.set(record.context.mode());
        self.stack.push(record)
    }

    /// Takes the span at `place` off the stack, if it is the active one.
    #[inline(always)]
    fn take_top(&mut self, place: Place) -> Option<Box<SpanRecord>> {
        let record = self.stack.take_top(place)?;
        self.update_mode();
        Some(record)
    }

    /// Takes the span at `place` off the stack, wherever it lies.
    #[cold]
    fn take(&mut self, place: Place) -> Option<Box<SpanRecord>> {
        if self.stack.is_top(place) {
            return self.take_top(place);
        }
        let record = self.stack.take_from_below(place)?;
        self.count_out_of_order(record.context.tracer);
        Some(record)
    }

    fn count_out_of_order(&mut self, tracer: u32) {
        if let Some(part) = self.parts.get(tracer) {
            part.hub.counts.out_of_order.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Brings [`MODE`] in line with the stack.
    #[inline]
    fn update_mode(&mut self) {
        let mode = match self.stack.top() {
            Some(top) => top.context.mode(),
            None if self.defaults.is_empty() => Mode::Idle,
            None => Mode::Default,
        };
        if MODE.get() != Mode::Suppressed {
            MODE.set(mode);
        }
    }

    /// Counts a finished span and moves it to the reporter thread, if it is to be. Gives it back if it is to be given to its
    /// local trace, and nothing happened.
    #[inline(never)]
    fn hand_over(&mut self, mut record: Box<SpanRecord>, end: Instant) -> Option<Box<SpanRecord>> {
        let is_counted = record.context.state & state::COUNTED != 0;
        match self.parts.get(record.context.tracer) {
            Some(part) if is_counted && record.is_reported() => part.finish(&mut record, end),
            Some(_) if is_counted && record.is_held() => return Some(record),
            Some(part) if is_counted => {
                part.counts.lineless.add(1);
                part.counts.withdrawn.add(1);
                record.clear();
            }
            _ => record.clear(),
        }
        self.stack.keep(record);
        None
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Some(mut local) = LOCAL.take() else {
            return;
        };
        local.settled();
        MODE.set(Mode::Suppressed);
        drop(ManuallyDrop::into_inner(local));
    }
}

/// A thread that ends with spans open, because their scopes were leaked, still counts them as finished.
impl Drop for Local {
    fn drop(&mut self) {
        let end = clock::now();
        while let Some(record) = self.stack.pop() {
            if let Some(mut held) = self.hand_over(record, end) {
                held.end = end;
                ask_at_end(&held);
                self.give_to_trace(held);
            }
        }
    }
}

impl SpanContext {
    /// What being on top of the stack means for the next span.
    #[inline]
    fn mode(&self) -> Mode {
        if self.state & (state::RECORDING | state::LATE) != 0 {
            // Has a tracer, a trace and a decision, or is decided about late. Asked first, for most that are asked are.
            Mode::Sampled
        } else if self.state & (state::DEFERRED | state::REMOTE) != 0
            || self.tracer == 0
            || self.trace_id.is_none()
        {
            self.mode_of_other()
        } else if self.flags & flag::SAMPLED != 0 {
            Mode::Sampled
        } else {
            Mode::Refused
        }
    }

    /// The same of one that came from elsewhere, or leaves something open. Part of its caller: those that ask call nothing.
    #[inline(always)]
    fn mode_of_other(&self) -> Mode {
        if self.state & state::DEFERRED != 0 || self.tracer == 0 || self.trace_id.is_none() {
            Mode::Undecided
        } else if self.flags & flag::SAMPLED != 0 {
            Mode::Sampled
        } else if keep::is_any() {
            // The caller refused the trace: a policy may hold what is started here.
            Mode::Undecided
        } else {
            Mode::Refused
        }
    }
}
