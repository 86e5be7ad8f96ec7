//! The scope: the time a span is the active one of its thread.

use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::marker::PhantomData;
use std::time::SystemTime;

use crate::active::ActiveSpan;
use crate::context::SpanContext;
use crate::fields::Fields;
use crate::local;
use crate::pending;
use crate::record::SpanRecord;
use crate::span::{self, Span};
use crate::stack::Place;
use crate::tag::TagValue;

/// Keeps a span active on the calling thread. Dropping it makes the one before active again and finishes the span.
///
/// Spans started meanwhile on this thread become its children. Scopes are to be dropped in the reverse order of their
/// making, as blocks do by themselves; other orders are put right and counted in [`Stats`](crate::Stats::out_of_order).
///
/// # Not across an await
///
/// A scope belongs to its thread. Held over an `.await`, it would be active in whatever task the thread runs next, and this
/// task would go on without it:
///
/// ```compile_fail
/// # fn spawn<F: Future + Send>(_: F) {}
/// # let tracer = tracer_core::Tracer::disabled();
/// # async fn load() {}
/// spawn(async move {
///     let _scope = tracer.start_active_span("load"); // error: `Scope` is not `Send`
///     load().await;
/// });
/// ```
///
/// Give the span to the future instead, which makes it active whenever the future is polled:
///
/// ```
/// # use tracer_core::TraceFuture;
/// # fn spawn<F: Future + Send>(_: F) {}
/// # let tracer = tracer_core::Tracer::disabled();
/// # async fn load() {}
/// spawn(load().in_span(tracer.start_span("load")));
/// ```
///
/// On runtimes that do not demand `Send`, three lines in your `clippy.toml` find the mistake:
///
/// ```toml
/// await-holding-invalid-types = [
///     { path = "tracer_core::Scope", reason = "use `.in_span(span)` on the future" },
/// ]
/// ```
#[derive(Debug)]
#[must_use = "a scope that is dropped at once finishes its span at once: bind it to a variable"]
pub struct Scope {
    place: Cell<Place>,
    /// Not `Send`: the span lies on this thread's stack.
    thread: PhantomData<*const ()>,
}

impl Scope {
    /// Of a span that may be none.
    pub(crate) fn of(mut record: Option<Box<SpanRecord>>) -> Self {
        // A thread that is ending has no stack, and no queue its spans could go to.
        Self::at(local::push(&mut record))
    }

    /// Of a span that lies on the stack.
    #[inline]
    pub(crate) const fn at(place: Place) -> Self {
        Self {
            place: Cell::new(place),
            thread: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn active(&self) -> ActiveSpan {
        ActiveSpan::at(self.place.get())
    }

    /// Whether tags and logs are kept: the trace is sampled.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.active().is_recording()
    }

    /// The span's context. Empty without a tracer.
    #[must_use]
    pub fn context(&self) -> SpanContext {
        self.active().context().unwrap_or(SpanContext::EMPTY)
    }

    /// As [`Span::set_tag`].
    #[inline]
    pub fn set_tag<'v>(
        &self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<TagValue<'v>>,
    ) -> &Self {
        self.active().set_tag(key, value);
        self
    }

    /// As [`Span::log`].
    #[inline]
    pub fn log<'v>(&self, fields: impl Fields<'v>) -> &Self {
        self.active().log(fields);
        self
    }

    /// As [`Span::log_at`].
    pub fn log_at<'v>(&self, time: SystemTime, fields: impl Fields<'v>) -> &Self {
        self.active().log_at(time, fields);
        self
    }

    /// As [`Span::log_error`].
    pub fn log_error<E: Error + ?Sized>(&self, error: &E) -> &Self {
        self.active().log_error(error);
        self
    }

    /// As [`Span::set_operation_name`].
    pub fn set_operation_name(&self, name: impl Into<Cow<'static, str>>) -> &Self {
        self.active().set_operation_name(name);
        self
    }

    /// As [`Span::set_baggage_item`].
    pub fn set_baggage_item(&self, key: &str, value: &str) -> &Self {
        self.active().set_baggage_item(key, value);
        self
    }

    /// The value of a baggage item.
    #[must_use]
    pub fn baggage_item(&self, key: &str) -> Option<String> {
        self.active().baggage_item(key)
    }

    /// Makes the span inactive and gives it back unfinished.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let scope = tracer.start_active_span("import");
    /// let span = scope.into_span(); // open, and no longer active
    /// tracer.start_span("something else").finish();
    /// span.finish();
    /// # tracer_testing::assert_trace!(test, "import\nsomething else");
    /// ```
    pub fn into_span(self) -> Span {
        self.take_span(false)
    }

    /// The same at the end of a poll: spans above, whose scopes were leaked in it, are finished.
    pub(crate) fn leave_poll(self) -> Span {
        self.take_span(true)
    }

    fn take_span(&self, and_above: bool) -> Span {
        let place = self.place.replace(Place::NONE);
        Span::new(if place.is_none() {
            None
        } else {
            local::pop_span(place, and_above)
        })
    }

    /// Where the span lies. The scope ends no span any more.
    #[inline]
    pub(crate) fn into_place(self) -> Place {
        self.place.replace(Place::NONE)
    }

    /// Finishes the span now, as dropping the scope does.
    #[inline]
    pub fn finish(self) {}

    /// Finishes the span at a time of the caller's.
    pub fn finish_at(self, time: SystemTime) {
        self.into_span().finish_at(time);
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        let place = self.place.get();
        if !place.is_none() {
            end(place);
        }
    }
}

/// Apart, so that code with a scope contains a branch and a call; and in pieces, for what most scopes need is little, and a
/// function that calls others saves registers for that.
#[inline(never)]
fn end(place: Place) {
    if place.is_refused() {
        if !pending::leave_refused(place) {
            end_made(place);
        }
    } else if std::thread::panicking() {
        end_made(place);
    } else {
        end_noted(place);
    }
}

#[inline(never)]
fn end_noted(place: Place) {
    if !local::leave(place) {
        end_detailed(place);
    }
}

#[inline(never)]
fn end_detailed(place: Place) {
    if !local::leave_detailed(place) {
        end_at_length(place);
    }
}

#[inline(never)]
fn end_at_length(place: Place) {
    if !local::leave_at_length(place) {
        end_made(place);
    }
}

/// Finishes a span and those above it. Above the last note there is none.
#[inline(never)]
pub(crate) fn end_poll(place: Place) {
    if pending::is_last(place) {
        end(place);
    } else {
        local::finish_above(place);
        end_made(place);
    }
}

/// Finishes a span that is more than a note.
#[inline(never)]
fn end_made(place: Place) {
    if std::thread::panicking() {
        local::edit(place, span::mark_panic);
    }
    local::finish(place);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sampler;
    use crate::tree::Test;

    #[test]
    fn scope_of_a_finished_span_leaves_its_context_where_that_is_active_now() {
        let finish: fn(Scope) = drop;
        let take = |scope: Scope| assert!(!scope.into_span().is_recording());
        for (end, is_below) in [(finish, false), (finish, true), (take, false), (take, true)] {
            let test = Test::new(|builder| builder.sampler(Sampler::constant(true)));
            let root = test.tracer.start_span("root");
            let (mut kept, mut context) = (Scope::at(Place::NONE), SpanContext::EMPTY);
            root.context().in_scope(|| {
                kept = test.tracer.start_active_span("kept");
                context = kept.context();
            });
            let work = || {
                let mut above = Some(test.tracer.start_active_span("above"));
                if !is_below {
                    above = None;
                }
                end(kept);
                drop(above);
                test.tracer.start_span("child").finish();
            };
            root.context().in_scope(|| context.in_scope(work));
            drop(root);
            assert_eq!(test.take(), "root\n  kept\n    above\n    child\n");
        }
    }
}
