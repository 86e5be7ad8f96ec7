//! What a thread knows: the stack of its active spans, and its part of each tracer.
//!
//! Active spans live here by value. Everything is reached through `try_with`, for a thread may be ending, and no code of
//! the user runs while the stack is borrowed: values are converted before and dropped after. [`MODE`] sums up the top of
//! the stack in a byte that needs neither borrow nor destructor, so a call that is not traced costs one read.

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;

use crate::callsite::Callsite;
use crate::clock::{self, Instant};
use crate::context::{SpanContext, flag, state};
use crate::counts::ThreadCounts;
use crate::details::{Details, Limits};
use crate::id::{self, SpanId, TraceId};
use crate::name::Name;
use crate::part::Parts;
use crate::pending::{self, Made};
use crate::record::{SamplerTags, SpanRecord};
pub(crate) use crate::stack::Place;
use crate::stack::Stack;

mod edit;
mod note;
mod rest;

pub(crate) use edit::{edit, edit_details, log, put_tag};
pub(crate) use note::{is_noted, leave, settle};
pub(crate) use rest::finish_above;
use rest::{finish_other, hand_over_held, hand_over_late, pop_below};

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Idle) };
    static LOCAL: RefCell<Local> = const { RefCell::new(Local::new()) };
}

/// What starting a span on this thread means at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Nothing is active and no default tracer is set: a root, if a tracer is installed.
    Idle,
    /// Nothing is active, but a default tracer is set: a root.
    Default,
    /// A span or context of a trace that is sampled, or decided about late, is active: a recorded child.
    Sampled,
    /// A span or context of a refused trace is active: nothing to record.
    Refused,
    /// What is active leaves the decision or the tracer open.
    Undecided,
    /// A thread of ours: nothing is traced.
    Suppressed,
}

#[derive(Debug)]
struct Local {
    stack: Stack,
    /// Spans that were not put on the stack at once.
    made: Made,
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

/// Starts a child of the active span, whose mode must be `Sampled` or `Refused`, and activates it. Its tracer is the one
/// given, or with 0 that of its parent. Where a [note](pending) is enough, the next span can be noted without this.
#[inline(never)]
pub(crate) fn enter_child(
    text: &'static str,
    site: Option<&'static Callsite>,
    tracer: u32,
) -> Place {
    with(|local| {
        if local.allow_notes(tracer)
            && let Some(place) = pending::note_first(text, site)
        {
            return place;
        }
        let span_id = id::next_span();
        let Some((record, place)) = local.stack.push_child(span_id) else {
            return Place::NONE;
        };
        if tracer != 0 {
            record.context.tracer = tracer;
        }
        MODE.set(enter(
            record,
            &mut local.parts,
            Name::of(text, site),
            None,
            None,
        ));
        place
    })
    .unwrap_or(Place::NONE)
}

/// Starts a child as [`enter_child`] does, but does not activate it. `None` if the thread is ending.
#[inline]
pub(crate) fn start_child(name: Name, tracer: u32) -> Option<SpanRecord> {
    let mut begun = None;
    with(|local| {
        let span_id = id::next_span();
        let mut context = local.stack.top()?.context.child(span_id);
        if tracer != 0 {
            context.tracer = tracer;
        }
        let start = begin(&mut context, &mut local.parts, None);
        begun = Some(record(context, name, None, start));
        Some(())
    });
    begun
}

/// Starts a root and activates it. `decide` is asked for the verdict of a sampler of ours.
#[inline]
pub(crate) fn enter_root(
    name: Name,
    tracer: u32,
    bits128: bool,
    decide: impl FnOnce(TraceId) -> (bool, Option<SamplerTags>),
) -> Place {
    let ids = id::draw_root(bits128);
    let (sampled, tags) = decide(ids.0);
    with(|local| {
        let Some((record, place)) = local.stack.push_empty(ids.1) else {
            return Place::NONE;
        };
        record.context = SpanContext::root(ids, tracer, sampled);
        MODE.set(enter(record, &mut local.parts, name, tags, None));
        place
    })
    .unwrap_or(Place::NONE)
}

/// Starts a root as [`enter_root`] does, but does not activate it. `None` if the thread is ending.
#[inline]
pub(crate) fn start_root(
    name: Name,
    tracer: u32,
    bits128: bool,
    decide: impl FnOnce(TraceId) -> (bool, Option<SamplerTags>),
) -> Option<SpanRecord> {
    let ids = id::draw_root(bits128);
    let (sampled, tags) = decide(ids.0);
    let mut context = SpanContext::root(ids, tracer, sampled);
    let start = with(|local| begin(&mut context, &mut local.parts, None))?;
    Some(record(context, name, tags, start))
}

/// Finishes the span at `place`.
pub(crate) fn finish(place: Place) {
    // Spans of refused traces have no times, and reading the clock is most of what they would cost.
    let end = if mode() == Mode::Refused {
        Instant::ZERO
    } else {
        clock::now()
    };
    if with(|local| local.finish_top(local.made.find(place), end)) == Some(false) {
        finish_other(place, end);
    }
}

/// Puts a span on the stack; what is left of `record` owns nothing. If the thread is ending or must not trace the place is
/// none, and the span stays.
#[inline]
pub(crate) fn push(record: &mut SpanRecord) -> Place {
    if mode() == Mode::Suppressed {
        return Place::NONE;
    }
    with(|local| {
        let Some((slot, place)) = local.stack.push_empty(record.context.span_id) else {
            return Place::NONE;
        };
        record.move_to(slot);
        MODE.set(slot.context.mode());
        place
    })
    .unwrap_or(Place::NONE)
}

/// Takes the span at `place` off the stack, into `record`; `false` if it is not there. Spans still above it, whose scopes
/// were leaked or moved out of the poll that opened them, are finished when `and_above`; else they stay and this one leaves
/// a gap.
#[inline]
pub(crate) fn pop(place: Place, and_above: bool, record: &mut SpanRecord) -> bool {
    with(|local| {
        let place = local.made.find(place);
        if and_above && !local.stack.is_top(place) {
            return None;
        }
        Some(local.take(place, record))
    })
    .unwrap_or(Some(false))
    .unwrap_or_else(|| pop_below(place, record))
}

/// Hands a span that is not on the stack to its reporter thread, as ended at `end`. What is left of it is to be dropped.
#[inline]
pub(crate) fn hand_over(record: &mut SpanRecord, end: Instant) {
    match with(|local| local.hand_over(record, end)) {
        Some(true) => {}
        Some(false) => hand_over_held(record, end),
        None => hand_over_late(record, end),
    }
}

/// Counts a started span of a tracer.
pub(crate) fn count(tracer: u32, count: impl FnOnce(&ThreadCounts)) -> bool {
    with(|local| local.parts.get(tracer).map(|part| count(&part.counts)))
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
    with(|local| {
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

/// Draws the ids of a root: trace and span. `None` on a thread that is ending.
pub(crate) fn draw_root(bits128: bool) -> Option<(TraceId, SpanId)> {
    with(|_| id::draw_root(bits128))
}

/// Draws a span id. `None` on a thread that is ending.
pub(crate) fn draw_span() -> Option<SpanId> {
    with(|_| id::next_span())
}

/// Empty details for a span of `tracer`: used ones of this thread if there are.
pub(crate) fn details(tracer: u32) -> Box<Details> {
    with(|local| local.parts.details(tracer))
        .unwrap_or_else(|| Box::new(Details::new(Limits::default())))
}

/// Prepares a forked child's only thread: fresh ids, no open spans, no queues of the parent.
pub(crate) fn after_fork() {
    let left = with(|local| {
        id::reseed();
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

/// `None` when the thread is ending, or from code that runs inside of a borrow, such as an allocator that traces.
#[inline]
fn with<R>(work: impl FnOnce(&mut Local) -> R) -> Option<R> {
    LOCAL
        .try_with(|local| {
            local.try_borrow_mut().ok().map(|mut local| {
                if pending::end() {
                    local.make_pending();
                }
                work(&mut local)
            })
        })
        .ok()
        .flatten()
}

impl Local {
    const fn new() -> Self {
        Self {
            stack: Stack::new(),
            made: Made::new(),
            parts: Parts::new(),
            defaults: Vec::new(),
        }
    }

    /// Finishes the span at `place` if it is the active one, which most are. `false` if it was not, and nothing happened.
    #[inline]
    fn finish_top(&mut self, place: Place, end: Instant) -> bool {
        let Some((record, below)) = self.stack.top_two_at(place) else {
            return false;
        };
        let mode = below.map(|below| below.context.mode());
        if record.is_reported() {
            let Some(part) = self.parts.get(record.context.tracer) else {
                return false;
            };
            if record.details.is_none() {
                pending::trust();
            }
            part.finish(record, end);
        } else if record.context.state & state::COUNTED != 0 {
            return false;
        } else {
            record.clear();
        }
        if let Some(mode) = mode {
            self.stack.drop_one();
            MODE.set(mode);
        } else {
            self.stack.drop_top();
            self.update_mode();
        }
        true
    }

    /// Takes the span at `place` off the stack, into `record`; `false` if it is not there.
    #[inline]
    fn take(&mut self, place: Place, record: &mut SpanRecord) -> bool {
        let Some(slot) = self.stack.top_at(place) else {
            return self.take_from_below(place, record);
        };
        slot.move_to(record);
        self.stack.drop_top();
        self.update_mode();
        true
    }

    #[cold]
    fn take_from_below(&mut self, place: Place, record: &mut SpanRecord) -> bool {
        let Some(taken) = self.stack.take_from_below(place) else {
            return false;
        };
        *record = taken;
        self.count_out_of_order(record.context.tracer);
        true
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

    /// Counts a finished span and moves it to the reporter thread, if it is to be. What is left is to be dropped. `false` if
    /// it is to be given to its local trace, and nothing happened.
    #[inline]
    fn hand_over(&mut self, record: &mut SpanRecord, end: Instant) -> bool {
        if record.context.state & state::COUNTED == 0 {
            return true;
        }
        let Some(part) = self.parts.get(record.context.tracer) else {
            return true;
        };
        if record.is_reported() {
            part.finish(record, end);
        } else if record.is_held() {
            return false;
        } else {
            part.counts.finished.add(1);
            part.counts.withdrawn.add(1);
        }
        true
    }
}

/// Begins a span on the stack that has its context. Says what being active would mean.
#[inline]
fn enter(
    record: &mut SpanRecord,
    parts: &mut Parts,
    name: Name,
    sampler: Option<SamplerTags>,
    start: Option<Instant>,
) -> Mode {
    record.name = name;
    record.sampler = sampler;
    record.start = begin(&mut record.context, parts, start);
    if record.is_recording() {
        Mode::Sampled
    } else {
        Mode::Refused
    }
}

/// The record of a span that is not on the stack.
#[inline]
fn record(
    context: SpanContext,
    name: Name,
    sampler: Option<SamplerTags>,
    start: Instant,
) -> SpanRecord {
    SpanRecord {
        context,
        name,
        start,
        end: Instant::ZERO,
        details: None,
        sampler,
    }
}

/// Counts a span that begins, and reads the clock if it has not begun before. When it began, if that is to be known.
#[inline]
fn begin(context: &mut SpanContext, parts: &mut Parts, start: Option<Instant>) -> Instant {
    if !context.is_recording() {
        // Others need no part of the tracer, nor the ring and the locks that come with a thread's first: a child of a fork
        // must not wait for those.
        if context.parent_id.is_none()
            && let Some(part) = parts.get(context.tracer)
        {
            part.counts.refused.add(1);
        }
        return Instant::ZERO;
    }
    match parts.get(context.tracer) {
        Some(part) => part.counts.started.add(1),
        None => context.state &= !state::COUNTED,
    }
    // Last: what beginning a span takes is not part of it.
    start.unwrap_or_else(clock::now)
}

/// A thread that ends with spans open, because their scopes were leaked, still counts them as finished.
impl Drop for Local {
    fn drop(&mut self) {
        if pending::end() {
            self.make_pending();
        }
        MODE.set(Mode::Suppressed);
        let end = clock::now();
        while let Some(mut record) = self.stack.pop() {
            if !self.hand_over(&mut record, end) {
                record.end = end;
                self.give_to_trace(&mut record);
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
        } else if self.state & state::DEFERRED != 0 || self.tracer == 0 || self.trace_id.is_none() {
            Mode::Undecided
        } else if self.flags & flag::SAMPLED != 0 {
            Mode::Sampled
        } else {
            Mode::Refused
        }
    }
}
