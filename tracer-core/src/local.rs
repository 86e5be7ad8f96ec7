//! What a thread knows: the stack of its active spans, and its part of each tracer.
//!
//! Active spans live here by value. Everything is reached through `try_with`, for a thread may be ending, and no code of
//! the user runs while the stack is borrowed: values are converted before and dropped after. [`MODE`] sums up the top of
//! the stack in a byte that needs neither borrow nor destructor, so a call that is not traced costs one read.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::callsite::Callsite;
use crate::clock::Instant;
use crate::context::{SpanContext, flag, state};
use crate::details::{Details, Limits};
use crate::id::{IdGenerator, SpanId, TraceId};
use crate::record::SpanRecord;
use crate::report::queue::{Handed, Hub, Ring};
use crate::stats::ThreadCounts;
use crate::tracer::{self, Tracer};

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

/// Where an active span lies on its thread's stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    depth: u32,
    span_id: SpanId,
}

impl Place {
    /// The place of no span.
    pub(crate) const NONE: Self = Self { depth: u32::MAX, span_id: SpanId::NONE };
}

#[derive(Debug)]
struct Local {
    stack: Vec<SpanRecord>,
    ids: IdGenerator,
    tracers: Vec<LocalTracer>,
    defaults: Vec<Tracer>,
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

/// Starts a recorded child of the active span, whose mode must be `Sampled`, and activates it. Its tracer is the one
/// given, or with 0 that of its parent.
#[inline]
pub(crate) fn enter_child(name: &'static str, callsite: Option<&'static Callsite>, tracer: u32) -> Place {
    with(|local| {
        let Some(parent) = local.stack.last() else { return Place::NONE };
        let span_id = SpanId(local.ids.draw());
        let mut context = parent.context.child(span_id);
        if tracer != 0 {
            context.tracer = tracer;
        }
        let tracer = context.tracer;
        let Some(counts) = local.counts(tracer) else { return Place::NONE };
        counts.started.add(1);
        let depth = local.stack.len() as u32;
        let now = Instant::now();
        local.stack.push(SpanRecord { context, name, start: now, end: now, callsite, details: None, sampler: None });
        Place { depth, span_id }
    })
    .unwrap_or(Place::NONE)
}

/// Finishes the active span at `place`.
#[inline]
pub(crate) fn finish(place: Place, end: Instant) {
    let finished = with(|local| {
        let mut record = local.take(place)?;
        record.end = end;
        local.hand_over(record)
    });
    drop(finished);
}

/// Puts a span on the stack. Gives it back if the thread is ending or must not trace.
#[inline]
pub(crate) fn push(record: SpanRecord) -> Result<Place, SpanRecord> {
    if mode() == Mode::Suppressed {
        return Err(record);
    }
    let mut record = Some(record);
    let place = with(|local| {
        let record = record.take()?;
        let place = Place { depth: local.stack.len() as u32, span_id: record.context.span_id };
        local.stack.push(record);
        local.update_mode();
        Some(place)
    });
    match (place.flatten(), record) {
        (Some(place), _) => Ok(place),
        (None, Some(record)) => Err(record),
        (None, None) => Ok(Place::NONE),
    }
}

/// Takes the span at `place` off the stack. Spans still above it, whose scopes were leaked or moved out of the poll that
/// opened them, are finished when `and_above`; else they stay and this one leaves a gap.
#[inline]
pub(crate) fn pop(place: Place, and_above: bool) -> Option<SpanRecord> {
    with(|local| {
        if and_above && local.stack.len() > place.depth as usize + 1 && local.holds(place) {
            local.finish_above(place);
        }
        local.take(place)
    })
    .flatten()
}

/// Hands a finished span that is not on the stack to its reporter thread.
pub(crate) fn hand_over(record: SpanRecord) {
    drop(with(|local| local.hand_over(record)));
}

/// Counts a started span of a tracer.
pub(crate) fn count(tracer: u32, count: impl FnOnce(&ThreadCounts)) -> bool {
    with(|local| local.counts(tracer).map(count)).flatten().is_some()
}

/// Works on the span at `place`.
pub(crate) fn edit<R>(place: Place, edit: impl FnOnce(&mut SpanRecord) -> R) -> Option<R> {
    with(|local| if local.holds(place) { local.stack.get_mut(place.depth as usize).map(edit) } else { None }).flatten()
}

/// Works on the span at `place`, which has details if it is recorded: used ones of this thread if there are.
pub(crate) fn edit_details<R>(place: Place, edit: impl FnOnce(&mut SpanRecord) -> R) -> Option<R> {
    with(|local| {
        if !local.holds(place) {
            return None;
        }
        let record = local.stack.get(place.depth as usize)?;
        if record.details.is_none() && record.is_recording() {
            let details = match local.spare(record.context.tracer) {
                Ok(spare) => spare,
                Err(limits) => Box::new(Details::new(limits)),
            };
            local.stack.get_mut(place.depth as usize)?.details = Some(details);
        }
        local.stack.get_mut(place.depth as usize).map(edit)
    })
    .flatten()
}

/// Brings the mode in line after the decision of an active span changed.
pub(crate) fn update_mode() {
    with(Local::update_mode);
}

/// The place of the active span.
pub(crate) fn top() -> Place {
    with(|local| match local.stack.last() {
        Some(record) => Place { depth: local.stack.len() as u32 - 1, span_id: record.context.span_id },
        None => Place::NONE,
    })
    .unwrap_or(Place::NONE)
}

/// A copy of the active context.
pub(crate) fn context() -> Option<SpanContext> {
    with(|local| local.stack.last().map(|record| record.context.share())).flatten()
}

/// The tracer of the active span, or this thread's default; `None` if there is neither.
pub(crate) fn tracer() -> Option<Tracer> {
    let (active, default) = with(|local| {
        let active = local.stack.last().map(|record| record.context.tracer).filter(|&tracer| tracer != 0);
        (active, local.defaults.last().cloned())
    })?;
    active.and_then(tracer::registered).or(default)
}

/// Sets this thread's default tracer.
pub(crate) fn push_default(tracer: Tracer) {
    with(|local| {
        local.defaults.push(tracer);
        local.update_mode();
    });
}

/// Takes back a default of this thread: the newest one of that tracer.
pub(crate) fn pop_default(tracer: u32) {
    let taken = with(|local| {
        let at = local.defaults.iter().rposition(|default| default.id() == tracer)?;
        let taken = local.defaults.remove(at);
        local.update_mode();
        Some(taken)
    });
    drop(taken);
}

/// Draws the ids of a root: trace and span. `None` on a thread that is ending.
pub(crate) fn draw_root(bits128: bool) -> Option<(TraceId, SpanId)> {
    with(|local| {
        let low = local.ids.draw();
        let high = if bits128 { local.ids.draw() } else { 0 };
        (TraceId { high, low }, SpanId(low))
    })
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
        let left = (std::mem::take(&mut local.stack), std::mem::take(&mut local.tracers));
        local.update_mode();
        left
    });
    // The rings' other ends are in the parent's reporter thread, which does not exist here: nobody will read them.
    drop(left);
}

/// `None` when the thread is ending, or from code that runs inside of a borrow, such as an allocator that traces.
#[inline]
fn with<R>(work: impl FnOnce(&mut Local) -> R) -> Option<R> {
    LOCAL.try_with(|local| local.try_borrow_mut().ok().map(|mut local| work(&mut local))).ok().flatten()
}

impl Local {
    const fn new() -> Self {
        Self { stack: Vec::new(), ids: IdGenerator::UNSEEDED, tracers: Vec::new(), defaults: Vec::new() }
    }

    /// Whether the span at `place` is still the one it was.
    #[inline]
    fn holds(&self, place: Place) -> bool {
        self.stack.get(place.depth as usize).is_some_and(|record| {
            record.context.span_id == place.span_id && record.context.state & state::CLOSED == 0
        })
    }

    /// Takes the span at `place` off the stack.
    #[inline]
    fn take(&mut self, place: Place) -> Option<SpanRecord> {
        if !self.holds(place) {
            return None;
        }
        if self.stack.len() != place.depth as usize + 1 {
            return self.take_from_below(place);
        }
        let record = self.stack.pop();
        self.update_mode();
        record
    }

    /// Takes a span that others still lie on. It leaves a gap, which goes when they do.
    #[cold]
    fn take_from_below(&mut self, place: Place) -> Option<SpanRecord> {
        let slot = self.stack.get_mut(place.depth as usize)?;
        let mut gap = slot.gap();
        gap.context.state |= state::CLOSED;
        let record = std::mem::replace(slot, gap);
        if let Some(local) = self.local_tracer(record.context.tracer) {
            local.hub.counts.out_of_order.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        Some(record)
    }

    #[cold]
    fn finish_above(&mut self, place: Place) {
        let end = Instant::now();
        while self.stack.len() > place.depth as usize + 1 {
            let Some(mut record) = self.stack.pop() else { return };
            record.end = end;
            if let Some(local) = self.local_tracer(record.context.tracer) {
                local.hub.counts.out_of_order.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            drop(self.hand_over(record));
        }
    }

    /// Brings [`MODE`] in line with the stack; drops gaps that lie on top.
    #[inline]
    fn update_mode(&mut self) {
        let mode = loop {
            let Some(top) = self.stack.last() else {
                break if self.defaults.is_empty() { Mode::Idle } else { Mode::Default };
            };
            if top.context.state & state::CLOSED != 0 {
                self.stack.pop();
                continue;
            }
            break top.context.mode();
        };
        if MODE.get() != Mode::Suppressed {
            MODE.set(mode);
        }
    }

    /// Counts a finished span and moves it to the reporter thread. What comes back is to be dropped by the caller.
    #[inline]
    fn hand_over(&mut self, record: SpanRecord) -> Option<SpanRecord> {
        if record.context.state & state::COUNTED == 0 {
            return Some(record);
        }
        let recording = record.is_recording();
        let local = self.local_tracer(record.context.tracer)?;
        local.counts.finished.add(1);
        if !recording {
            local.counts.withdrawn.add(1);
            return Some(record);
        }
        let handed = match &mut local.ring {
            Some(ring) => ring.hand_over(record, &local.hub),
            None => local.hub.hand_over(record),
        };
        match handed {
            Handed::Queued => {}
            Handed::Full => local.counts.queue_full.add(1),
            Handed::Closed => local.counts.after_shutdown.add(1),
        }
        None
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
        let hub = tracer::registered_hub(tracer)?;
        self.tracers.retain(|local| !local.hub.is_closed());
        let (ring, counts) = hub.attach();
        self.tracers.push(LocalTracer { tracer, hub, ring, counts });
        Some(self.tracers.len() - 1)
    }
}

impl Drop for LocalTracer {
    fn drop(&mut self) {
        let stranded = self.ring.as_ref().map_or(0, Ring::stranded);
        self.counts.after_shutdown.add(stranded);
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
    #[inline]
    pub(crate) fn child(&self, span_id: SpanId) -> Self {
        let recording = if self.flags & flag::SAMPLED != 0 { state::RECORDING | state::COUNTED } else { 0 };
        Self {
            trace_id: self.trace_id,
            span_id,
            parent_id: self.span_id,
            anchor: self.anchor.or_newest(),
            carried: self.carried.clone(),
            tracer: self.tracer,
            flags: self.flags,
            state: self.state & state::INHERITED | recording,
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
