//! A span between the moments in which it is active: what wrappers of futures, streams, bodies and services hold.

use std::ops::ControlFlow;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::Poll;

use crate::context::{SpanContext, state};
use crate::local::{self, Mode};
use crate::pending::{self, Waiting};
use crate::scope::{self, Scope};
use crate::span::{self, Span};
use crate::stack::Place;
use crate::tracer::Tracer;

/// Holds a span that is active at times: during each [`enter`](Self::enter), on whichever thread that runs.
///
/// For authors of integrations whose work is done in pieces, such as the polls of a future and then of the body it
/// returned. The span lies on the thread's stack while a piece runs and in here otherwise: it is moved, not shared, so
/// there is neither lock nor reference count. It finishes when the slot is told to or dropped. For a future alone take
/// [`TraceFuture::in_span`](crate::TraceFuture::in_span).
///
/// ```
/// # use tracer_core::{SpanSlot, Tracer};
/// # let tracer = Tracer::disabled();
/// let mut slot = SpanSlot::new(tracer.start_span("import"));
/// slot.enter(|| { /* the span is active */ });
/// slot.span().set_tag("rows", 7); // it is not, but still open
/// slot.finish();
/// ```
#[derive(Debug)]
pub struct SpanSlot {
    span: Span,
    /// A piece of its work panicked: the span says so.
    panicked: bool,
    home: Home,
}

/// As [`Tracer`]: nothing of a span can be seen half done.
impl UnwindSafe for SpanSlot {}
impl RefUnwindSafe for SpanSlot {}

/// Where work without a span belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Home {
    /// To what is active where it begins: that is with the first poll.
    Unbegun,
    /// To what is active where it goes on.
    Anywhere,
    /// To a refused trace, in which it just began.
    Begun,
    /// To a refused trace, of which nothing need be known.
    Refused,
}

impl SpanSlot {
    /// A slot that holds `span`.
    #[must_use]
    pub const fn new(span: Span) -> Self {
        Self {
            span,
            panicked: false,
            home: Home::Anywhere,
        }
    }

    /// A slot for a call that just began. In a refused trace it has no span, and what it starts stays refused wherever it goes
    /// on.
    #[inline]
    pub(crate) fn of_call(span: Span) -> Self {
        let mut slot = Self::new(span);
        if !slot.span.is_present() && local::mode() == Mode::Refused {
            slot.home = Home::Begun;
        }
        slot
    }

    /// A slot of work that begins with the first poll.
    pub(crate) const fn unbegun() -> Self {
        Self {
            span: Span::disabled(),
            panicked: false,
            home: Home::Unbegun,
        }
    }

    /// Whether the work did not begin before: this is when it begins.
    #[inline]
    pub(crate) fn is_beginning(&mut self) -> bool {
        let is_beginning = self.home == Home::Unbegun;
        if is_beginning {
            self.home = Home::Anywhere;
        }
        is_beginning
    }

    /// A slot that makes a context active instead of a span of its own; without one it does nothing.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use tracer_core::SpanSlot;
    /// let order = tracer.start_span("order");
    /// let mut slot = SpanSlot::of_context(Some(order.context()));
    /// slot.enter(|| tracer.start_span("charge").finish());
    /// # drop(order);
    /// # tracer_testing::assert_trace!(test, "order\n  charge");
    /// ```
    #[must_use]
    pub fn of_context(context: Option<SpanContext>) -> Self {
        Self::new(Span::new(context.map(local::bare)))
    }

    /// Runs `work` with the span active. If it panics, the span is marked as failed.
    #[inline]
    pub fn enter<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let place = self.push();
        let _visit = Visit { slot: self, place };
        work()
    }

    /// Runs a piece of work with the span active, as [`enter`](Self::enter) does. The span finishes with it if that breaks off:
    /// nothing is left to do.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use std::ops::ControlFlow;
    /// # use tracer_core::SpanSlot;
    /// let mut slot = SpanSlot::new(tracer.start_span("import"));
    /// let mut pages = ["a", "b"].into_iter();
    /// let mut next = || pages.next().map_or(ControlFlow::Break(None), |page| ControlFlow::Continue(Some(page)));
    /// while let Some(page) = slot.enter_until(&mut next) {
    ///     assert_ne!(page, "c");
    /// }
    /// # tracer_testing::assert_trace!(test, "import");
    /// ```
    #[inline]
    pub fn enter_until<R>(&mut self, work: impl FnOnce() -> ControlFlow<R, R>) -> R {
        let place = local::push(self.span.record());
        let mut visit = Visit { slot: self, place };
        match work() {
            ControlFlow::Continue(output) => output,
            ControlFlow::Break(output) => {
                visit.finish();
                output
            }
        }
    }

    /// Runs a piece of work with the span active, as [`enter`](Self::enter) does. The span ends if there is nothing left to do.
    #[inline]
    pub(crate) fn poll<R>(&mut self, work: impl FnOnce() -> Poll<R>) -> Poll<R> {
        let place = self.push();
        let mut visit = Visit { slot: self, place };
        let output = work();
        if output.is_ready() {
            visit.finish();
        } else if visit.place.is_none() && visit.slot.home == Home::Begun {
            visit.slot.stay();
        }
        output
    }

    /// Runs `work` in the span at `place`, which just began, or was `waiting`. The span ends if there is nothing left to do; else
    /// it is waiting if it is only noted, or in the slot from now on.
    #[inline]
    pub(crate) fn begin<R>(
        &mut self,
        place: Place,
        waiting: &mut Option<Box<Waiting>>,
        work: impl FnOnce() -> Poll<R>,
    ) -> Poll<R> {
        let mut visit = FirstVisit { place, waiting };
        let output = work();
        if output.is_pending() && !visit.suspend() {
            self.leave(visit.leave());
        }
        output
    }

    /// Puts the span of a piece of work into the slot.
    #[inline(never)]
    fn leave(&mut self, place: Place) {
        self.span = Scope::at(place).leave_poll();
        if !self.span.is_present() && local::mode() == Mode::Refused {
            self.stay();
        }
    }

    /// Makes a span of a waiting one, for whom it makes a difference where it lies.
    #[cold]
    pub(crate) fn hold(&mut self, waiting: Box<Waiting>) {
        self.span = Span::new(local::make_waiting(&waiting));
        local::keep_waiting(waiting);
    }

    /// The span, while it is not active; after the end one that records nothing.
    pub fn span(&mut self) -> &mut Span {
        &mut self.span
    }

    /// Whether a piece of the work panicked: what was not done then was not cancelled.
    #[must_use]
    pub fn panicked(&self) -> bool {
        self.panicked
    }

    /// Finishes the span now, unless it is finished.
    #[inline]
    pub fn finish(&mut self) {
        drop(std::mem::replace(&mut self.span, Span::disabled()));
    }

    #[inline]
    fn push(&mut self) -> Place {
        let place = local::push(self.span.record());
        if place.is_none() && self.home == Home::Refused {
            self.push_refused()
        } else {
            place
        }
    }

    /// Takes the caller's context with it, now that it is known to go on later. Of most, which carry no baggage, it is enough to
    /// know that they are refused: nobody records their ids. So work that goes on where it began costs next to nothing.
    #[inline(never)]
    fn stay(&mut self) {
        self.home = Home::Refused;
        if let Some(context) = local::carrying() {
            *self = Self::of_context(Some(context));
        }
    }

    /// In pieces, for a function that calls others saves registers for that.
    #[inline(never)]
    fn push_refused(&mut self) -> Place {
        if local::mode() < Mode::Refused {
            self.push_new()
        } else {
            Place::NONE
        }
    }

    /// Makes a refused trace of its own active, where another one is or none: of no tracer where there is none, and whichever
    /// comes follows its decision.
    #[inline(never)]
    fn push_new(&mut self) -> Place {
        let of_none = || Some(SpanContext::root(local::draw_trace(false)?, 0, false));
        *self = Self::of_context(Tracer::with_current(Tracer::refused).or_else(of_none));
        local::push(self.span.record())
    }

    /// Sets a tag that says the work was not done, unless a panic says why.
    pub(crate) fn set_unfinished(&mut self, tag: &'static str, value: bool) {
        if !self.panicked {
            self.span.set_tag_if_recording(tag, value);
        }
    }
}

/// Ends the span when there is nothing left to do or the work panics.
struct FirstVisit<'g> {
    place: Place,
    waiting: &'g mut Option<Box<Waiting>>,
}

impl FirstVisit<'_> {
    /// Lets the span wait. `false` if it is more than a note.
    #[inline(always)]
    fn suspend(&mut self) -> bool {
        let is_waiting = if self.waiting.is_some() {
            pending::suspend_again(self.place)
        } else {
            *self.waiting = suspend(self.place);
            self.waiting.is_some()
        };
        if is_waiting {
            self.place = Place::NONE;
        }
        is_waiting
    }

    /// Leaves the span open.
    #[inline]
    fn leave(mut self) -> Place {
        self.forget();
        std::mem::replace(&mut self.place, Place::NONE)
    }

    /// Lets nothing wait any more.
    #[inline]
    fn forget(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            local::keep_waiting(waiting);
        }
    }
}

impl Drop for FirstVisit<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.place.is_none() {
            self.forget();
            scope::end_poll(self.place);
        }
    }
}

/// Apart, so that futures contain little of what they do once.
#[inline(never)]
fn suspend(place: Place) -> Option<Box<Waiting>> {
    local::suspend(place)
}

/// Takes the span off the stack again, also when the work panics.
struct Visit<'g> {
    slot: &'g mut SpanSlot,
    place: Place,
}

impl Visit<'_> {
    /// Finishes the span where it lies.
    #[inline]
    fn finish(&mut self) {
        let place = std::mem::replace(&mut self.place, Place::NONE);
        if place.is_none() {
            self.slot.finish();
        } else {
            end_poll(place);
        }
    }
}

/// Apart, so that futures contain a branch and a call.
#[inline(never)]
fn end_poll(place: Place) {
    if std::thread::panicking() {
        local::edit(place, span::mark_panic);
        local::finish_poll(place);
    } else {
        end_quietly(place);
    }
}

/// Apart, for a function that calls others saves registers for that.
#[inline(never)]
fn end_quietly(place: Place) {
    match local::pop_plain(place) {
        Some(record) => span::end(record),
        None => local::finish_poll(place),
    }
}

impl Drop for Visit<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.place.is_none() {
            return;
        }
        let Some(mut record) = local::pop(self.place, true) else {
            return;
        };
        if std::thread::panicking() && !self.slot.panicked {
            span::mark_panic(&mut record);
            // The span is dropped while the thread still unwinds: once is enough.
            record.context.state |= state::UNWINDING;
            self.slot.panicked = true;
        }
        self.slot.span = Span::new(Some(record));
    }
}
