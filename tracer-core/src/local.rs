//! What a thread knows: the stack of its active spans, and its part of each tracer.
//!
//! Active spans live here by value. Everything is reached through `try_with`, for a thread may be ending, and no code of
//! the user runs while the stack is borrowed: values are converted before and dropped after. [`MODE`] sums up the top of
//! the stack in a byte that needs neither borrow nor destructor, so a call that is not traced costs one read.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::callsite::Callsite;
use crate::clock::{Anchor, Instant};
use crate::context::{SpanContext, flag, state};
use crate::counts::ThreadCounts;
use crate::details::{Details, Limits};
use crate::id::{IdGenerator, SpanId, TraceId};
use crate::record::{SamplerTags, SpanRecord};
use crate::registry;
use crate::report::queue::{Handed, Hub, Ring};
pub(crate) use crate::stack::Place;
use crate::stack::Stack;

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
    /// A sampled span or context is active: a recorded child.
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
    ids: IdGenerator,
    tracers: Vec<LocalTracer>,
    defaults: Vec<u32>,
}

/// A thread's part of one tracer.
#[derive(Debug)]
struct LocalTracer {
    tracer: u32,
    hub: Arc<Hub>,
    ring: Option<Ring>,
    counts: Arc<ThreadCounts>,
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
/// given, or with 0 that of its parent.
#[inline]
pub(crate) fn enter_child(
    name: &'static str,
    callsite: Option<&'static Callsite>,
    tracer: u32,
) -> Place {
    with(|local| {
        let child = local.stack.push_child(SpanId(local.ids.draw()))?;
        if tracer != 0 {
            child.context.tracer = tracer;
        }
        local.begin(name, callsite, None)
    })
    .flatten()
    .unwrap_or(Place::NONE)
}

/// Starts a root and activates it. `decide` runs inside of the borrow: it is the verdict of a sampler of ours.
#[inline]
pub(crate) fn enter_root(
    name: &'static str,
    callsite: Option<&'static Callsite>,
    tracer: u32,
    bits128: bool,
    decide: impl FnOnce(TraceId) -> (bool, Option<SamplerTags>),
) -> Place {
    with(|local| {
        let ids = local.draw_root(bits128);
        let (sampled, tags) = decide(ids.0);
        local
            .stack
            .push_empty()?
            .context
            .begin_root(ids, tracer, sampled);
        if !sampled && let Some(counts) = local.counts(tracer) {
            counts.refused.add(1);
        }
        local.begin(name, callsite, tags)
    })
    .flatten()
    .unwrap_or(Place::NONE)
}

/// Finishes the active span at `place`.
#[inline]
pub(crate) fn finish(place: Place) {
    // Spans of refused traces have no times, and reading the clock is most of what they would cost.
    let end = if mode() == Mode::Refused {
        Instant::ZERO
    } else {
        Instant::now()
    };
    let left = with(|local| {
        let Some(record) = local.stack.top_at(place) else {
            return local.finish_from_below(place, end);
        };
        // The way of most spans: from the slot on the stack straight into the ring.
        let tracer = record.context.tracer;
        let left = match local
            .tracers
            .iter_mut()
            .find(|local| local.tracer == tracer)
        {
            Some(local) if record.is_recording() => {
                local.finish(record, end);
                None
            }
            _ => Some(record.take_ended(end)),
        };
        local.stack.drop_top();
        local.update_mode();
        left.and_then(|record| local.hand_over(record))
    });
    drop(left);
}

/// Puts a span on the stack. Gives it back if the thread is ending or must not trace.
#[inline]
pub(crate) fn push(record: SpanRecord) -> Result<Place, SpanRecord> {
    if mode() == Mode::Suppressed {
        return Err(record);
    }
    let mut record = Some(record);
    let place = with(|local| {
        let place = local.stack.push(record.take()?);
        local.update_mode();
        Some(place)
    });
    match (place.flatten(), record) {
        (_, Some(record)) => Err(record),
        (place, None) => Ok(place.unwrap_or(Place::NONE)),
    }
}

/// Takes the span at `place` off the stack. Spans still above it, whose scopes were leaked or moved out of the poll that
/// opened them, are finished when `and_above`; else they stay and this one leaves a gap.
#[inline]
pub(crate) fn pop(place: Place, and_above: bool) -> Option<SpanRecord> {
    with(|local| {
        if and_above && !local.stack.is_top(place) {
            local.finish_above(place);
        }
        local.take(place)
    })
    .flatten()
}

/// Hands a finished span that is not on the stack to its reporter thread.
pub(crate) fn hand_over(record: SpanRecord) {
    if mode() == Mode::Suppressed && LOCAL.try_with(|_| ()).is_err() {
        return hand_over_late(record);
    }
    drop(with(|local| local.hand_over(record)));
}

/// Hands over a span that outlived its thread's part of the tracer: one that the user keeps in a thread-local.
#[cold]
fn hand_over_late(record: SpanRecord) {
    if record.context.state & state::COUNTED != 0
        && let Some(hub) = registry::hub(record.context.tracer)
    {
        hub.hand_over_late(record);
    }
}

/// Counts a started span of a tracer.
pub(crate) fn count(tracer: u32, count: impl FnOnce(&ThreadCounts)) -> bool {
    with(|local| local.counts(tracer).map(count))
        .flatten()
        .is_some()
}

/// Works on the span at `place`.
pub(crate) fn edit<R>(place: Place, edit: impl FnOnce(&mut SpanRecord) -> R) -> Option<R> {
    with(|local| local.stack.get_mut(place).map(edit)).flatten()
}

/// Works on the span at `place`, which has details if it is recorded: used ones of this thread if there are.
pub(crate) fn edit_details<R>(place: Place, edit: impl FnOnce(&mut SpanRecord) -> R) -> Option<R> {
    with(|local| {
        let record = local.stack.get_mut(place)?;
        if record.details.is_none() && record.is_recording() {
            let tracer = record.context.tracer;
            let details = local
                .spare(tracer)
                .unwrap_or_else(|limits| Box::new(Details::new(limits)));
            local.stack.get_mut(place)?.details = Some(details);
        }
        local.stack.get_mut(place).map(edit)
    })
    .flatten()
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
    with(|local| local.draw_root(bits128))
}

/// Draws a span id. `None` on a thread that is ending.
pub(crate) fn draw_span() -> Option<SpanId> {
    with(|local| SpanId(local.ids.draw()))
}

/// Empty details for a span of `tracer`: used ones of this thread if there are.
pub(crate) fn details(tracer: u32) -> Box<Details> {
    let limits = match with(|local| local.spare(tracer)) {
        Some(Ok(spare)) => return spare,
        Some(Err(limits)) => limits,
        None => Limits::default(),
    };
    Box::new(Details::new(limits))
}

/// Prepares a forked child's only thread: fresh ids, no open spans, no queues of the parent.
pub(crate) fn after_fork() {
    let left = with(|local| {
        local.ids.seed();
        let left = (
            std::mem::replace(&mut local.stack, Stack::new()),
            std::mem::take(&mut local.tracers),
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
            local
                .try_borrow_mut()
                .ok()
                .map(|mut local| work(&mut local))
        })
        .ok()
        .flatten()
}

impl Local {
    const fn new() -> Self {
        Self {
            stack: Stack::new(),
            ids: IdGenerator::UNSEEDED,
            tracers: Vec::new(),
            defaults: Vec::new(),
        }
    }

    #[inline]
    fn draw_root(&mut self, bits128: bool) -> (TraceId, SpanId) {
        let low = self.ids.draw();
        let high = if bits128 { self.ids.draw() } else { 0 };
        (TraceId { high, low }, SpanId(low))
    }

    /// Begins the span whose context was just put on top.
    #[inline]
    fn begin(
        &mut self,
        name: &'static str,
        callsite: Option<&'static Callsite>,
        sampler: Option<SamplerTags>,
    ) -> Option<Place> {
        let record = self.stack.top_mut()?;
        record.name = name;
        record.callsite = callsite;
        record.sampler = sampler;
        let tracer = record.context.tracer;
        if !record.is_recording() {
            record.start = Instant::ZERO;
            MODE.set(Mode::Refused);
            return Some(self.stack.top_place());
        }
        MODE.set(Mode::Sampled);
        match self.counts(tracer) {
            Some(counts) => counts.started.add(1),
            None => self.stack.top_mut()?.context.state &= !state::COUNTED,
        }
        self.stack.top_mut()?.start = Instant::now();
        Some(self.stack.top_place())
    }

    /// Takes the span at `place` off the stack.
    #[inline]
    fn take(&mut self, place: Place) -> Option<SpanRecord> {
        if self.stack.top_at(place).is_none() {
            return self.take_from_below(place);
        }
        let record = self.stack.pop();
        self.update_mode();
        record
    }

    #[cold]
    fn take_from_below(&mut self, place: Place) -> Option<SpanRecord> {
        let record = self.stack.take_from_below(place)?;
        self.count_out_of_order(&record);
        Some(record)
    }

    #[cold]
    fn finish_from_below(&mut self, place: Place, end: Instant) -> Option<SpanRecord> {
        let mut record = self.take_from_below(place)?;
        record.end = end;
        self.hand_over(record)
    }

    #[cold]
    fn finish_above(&mut self, place: Place) {
        let end = Instant::now();
        while self.stack.get_mut(place).is_some() && !self.stack.is_top(place) {
            let Some(mut record) = self.stack.pop() else {
                return;
            };
            record.end = end;
            self.count_out_of_order(&record);
            drop(self.hand_over(record));
        }
    }

    fn count_out_of_order(&mut self, record: &SpanRecord) {
        if let Some(local) = self.local_tracer(record.context.tracer) {
            local
                .hub
                .counts
                .out_of_order
                .fetch_add(1, Ordering::Relaxed);
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

    /// Counts a finished span and moves it to the reporter thread. What comes back is to be dropped by the caller.
    fn hand_over(&mut self, mut record: SpanRecord) -> Option<SpanRecord> {
        if record.context.state & state::COUNTED != 0 {
            let local = self.local_tracer(record.context.tracer)?;
            if record.is_recording() {
                let end = record.end;
                local.finish(&mut record, end);
            } else {
                local.counts.finished.add(1);
                local.counts.withdrawn.add(1);
            }
        }
        Some(record)
    }

    fn counts(&mut self, tracer: u32) -> Option<&ThreadCounts> {
        self.local_tracer(tracer).map(|local| &*local.counts)
    }

    fn spare(&mut self, tracer: u32) -> Result<Box<Details>, Limits> {
        let local = self.local_tracer(tracer).ok_or_else(Limits::default)?;
        let limits = local.hub.limits;
        local.ring.as_mut().and_then(Ring::spare).ok_or(limits)
    }

    /// This thread's part of a tracer, made at its first span.
    #[inline]
    fn local_tracer(&mut self, tracer: u32) -> Option<&mut LocalTracer> {
        let at = match self.tracers.iter().position(|local| local.tracer == tracer) {
            Some(at) => at,
            None => self.attach(tracer)?,
        };
        self.tracers.get_mut(at)
    }

    #[cold]
    fn attach(&mut self, tracer: u32) -> Option<usize> {
        let hub = registry::hub(tracer)?;
        self.tracers.retain(|local| !local.hub.is_closed());
        let (ring, counts) = hub.attach();
        self.tracers.push(LocalTracer {
            tracer,
            hub,
            ring,
            counts,
        });
        Some(self.tracers.len() - 1)
    }
}

impl LocalTracer {
    /// Moves a recorded span to the reporter thread; what is left in `record` owns nothing.
    #[inline]
    fn finish(&mut self, record: &mut SpanRecord, end: Instant) {
        self.counts.finished.add(1);
        let handed = match &mut self.ring {
            Some(ring) => ring.hand_over(record, end, &self.hub),
            None => self.hub.hand_over(record.take_ended(end)),
        };
        match handed {
            Handed::Queued => {}
            Handed::Full => self.counts.queue_full.add(1),
            Handed::Closed => self.counts.after_shutdown.add(1),
        }
    }
}

impl Drop for LocalTracer {
    fn drop(&mut self) {
        self.hub.detach(&self.counts);
    }
}

/// A thread that ends with spans open, because their scopes were leaked, still counts them as finished.
impl Drop for Local {
    fn drop(&mut self) {
        MODE.set(Mode::Suppressed);
        while let Some(record) = self.stack.pop() {
            drop(self.hand_over(record));
        }
    }
}

impl SpanContext {
    /// The context of a child of the same trace and decision.
    pub(crate) fn child(&self, span_id: SpanId) -> Self {
        let mut child = Self::EMPTY;
        child.begin_child(self, span_id);
        child
    }

    /// Makes this the context of a child of `parent`.
    #[inline]
    pub(crate) fn begin_child(&mut self, parent: &Self, span_id: SpanId) {
        let recording = if parent.flags & flag::SAMPLED != 0 {
            state::RECORDING | state::COUNTED
        } else {
            0
        };
        self.trace_id = parent.trace_id;
        self.span_id = span_id;
        self.parent_id = parent.span_id;
        self.anchor = parent.anchor.or_newest();
        if parent.carried.is_some() || self.carried.is_some() {
            self.carried.clone_from(&parent.carried);
        }
        self.tracer = parent.tracer;
        self.flags = parent.flags;
        self.state = parent.state & state::INHERITED | recording;
    }

    /// Makes this the context of a root.
    #[inline]
    pub(crate) fn begin_root(
        &mut self,
        (trace_id, span_id): (TraceId, SpanId),
        tracer: u32,
        sampled: bool,
    ) {
        self.trace_id = trace_id;
        self.span_id = span_id;
        self.parent_id = SpanId::NONE;
        self.anchor = Anchor::newest();
        self.carried = None;
        self.tracer = tracer;
        self.flags = if sampled { flag::SAMPLED } else { 0 };
        self.state = if sampled {
            state::RANDOM | state::RECORDING | state::COUNTED
        } else {
            state::RANDOM
        };
    }

    /// Moves the context out; what is left owns nothing.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_id: self.parent_id,
            anchor: self.anchor,
            carried: self.carried.take(),
            tracer: self.tracer,
            flags: self.flags,
            state: self.state,
        }
    }

    /// A copy for others to hold: what only concerns the record is left out.
    pub(crate) fn share(&self) -> Self {
        let mut shared = self.clone();
        shared.state &= state::INHERITED | state::REMOTE;
        shared
    }

    /// What being on top of the stack means for the next span.
    #[inline]
    fn mode(&self) -> Mode {
        if self.state & state::DEFERRED != 0 || self.tracer == 0 || self.trace_id.is_none() {
            Mode::Undecided
        } else if self.is_sampled() {
            Mode::Sampled
        } else {
            Mode::Refused
        }
    }
}
