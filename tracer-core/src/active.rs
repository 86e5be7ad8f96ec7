//! The active span of a thread, for code that did not start it.

use std::borrow::Cow;
use std::error::Error;
use std::marker::PhantomData;
use std::time::SystemTime;

use crate::context::{Decision, SpanContext};
use crate::details::Stored;
use crate::edit::{self, Edit};
use crate::fields::{Field, Fields};
use crate::inquiry::{Change, Inquiry};
use crate::local::{self, Mode};
use crate::record::SpanRecord;
use crate::span;
use crate::stack::Place;
use crate::tag::TagValue;
use crate::tags;
use crate::template::SpanTemplate;
use crate::tracer;

/// The span that was active when [`active_span`](crate::active_span) was called: a handle to tag it, not to finish it.
///
/// Without an active span every method does nothing. Where only a context is active
/// ([`in_current_context`](crate::TraceFuture::in_current_context), [`carry`](crate::carry)) there is a
/// [`context`](Self::context) but no span of this task to tag: what is set is left out and counted in
/// [`Stats::tags_ignored`](crate::Stats::tags_ignored), and so is what is set after the span's end.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// let _scope = tracer.start_active_span("checkout");
/// tracer_core::active_span().set_tag("items", 3).log([("event", "priced")]);
/// # drop(_scope);
/// # tracer_testing::assert_trace!(test, "checkout {items=3} [event=priced]");
/// ```
#[derive(Debug)]
pub struct ActiveSpan {
    place: Place,
    /// Whose span it was, for counting what comes after its end; 0 if not known.
    tracer: u32,
    /// Not `Send`: the span lies on this thread's stack.
    thread: PhantomData<*const ()>,
}

impl ActiveSpan {
    #[inline]
    pub(crate) const fn at(place: Place) -> Self {
        Self::of(place, 0)
    }

    #[inline]
    const fn of(place: Place, tracer: u32) -> Self {
        Self {
            place,
            tracer,
            thread: PhantomData,
        }
    }

    /// The one on top of the stack.
    #[inline]
    pub(crate) fn top() -> Self {
        let (place, tracer) = local::top();
        Self::of(place, tracer)
    }

    /// Whether tags and logs are kept: a span is active and its trace is sampled.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        !local::is_noted(self.place) && self.read(|record| record.is_recording()).unwrap_or(false)
    }

    /// The active context; `None` if there is none.
    #[must_use]
    pub fn context(&self) -> Option<SpanContext> {
        self.read(|record| record.context.share())
    }

    /// As [`Span::set_tag`](crate::Span::set_tag).
    #[inline]
    pub fn set_tag<'v>(
        &self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<TagValue<'v>>,
    ) -> &Self {
        if !self.place.is_none() {
            let (key, value) = (key.into(), value.into());
            match Stored::of(&value) {
                Stored::Number(kind, bits) => {
                    if !local::put_number(self.place, &key, kind, bits) {
                        put_tag(self.place, self.tracer, &key, Stored::Number(kind, bits));
                    }
                }
                Stored::Bytes(kind, bytes) => {
                    if !local::put_bytes(self.place, &key, kind, bytes) {
                        put_tag(self.place, self.tracer, &key, Stored::Bytes(kind, bytes));
                    }
                }
            }
        }
        self
    }

    /// As [`Span::log`](crate::Span::log).
    #[inline]
    pub fn log<'v>(&self, fields: impl Fields<'v>) -> &Self {
        if self.is_kept() {
            let mut fields = fields.into_fields();
            let fields = fields.as_mut();
            if !local::log_now(self.place, fields) && !local::log_first(self.place, fields) {
                log(self.place, self.tracer, None, fields);
            }
        }
        self
    }

    /// As [`Span::log_at`](crate::Span::log_at).
    pub fn log_at<'v>(&self, time: SystemTime, fields: impl Fields<'v>) -> &Self {
        if self.is_kept() {
            log(
                self.place,
                self.tracer,
                Some(time),
                fields.into_fields().as_mut(),
            );
        }
        self
    }

    /// As [`Span::log_error`](crate::Span::log_error).
    pub fn log_error<E: Error + ?Sized>(&self, error: &E) -> &Self {
        if self.is_recording() {
            let fields = edit::error_fields(std::any::type_name::<E>(), edit::describe(error));
            self.set_tag(tags::ERROR, true).log(fields);
        }
        self
    }

    /// As [`Span::set_operation_name`](crate::Span::set_operation_name).
    pub fn set_operation_name(&self, name: impl Into<Cow<'static, str>>) -> &Self {
        if !self.place.is_none() {
            let name = name.into();
            self.edit(
                |record| record.set_name(name),
                || self.ask(&Change::OperationName),
            );
        }
        self
    }

    /// Sets the operation name and tags of a template, if they are kept: as one, where the span has none yet.
    #[expect(
        clippy::must_use_candidate,
        reason = "a setter; what it returns is for chaining"
    )]
    pub fn apply(&self, template: &SpanTemplate) -> &Self {
        if self.is_kept() {
            self.edit(|record| record.apply(template), || self.ask_all(template));
        }
        self
    }

    /// As [`Span::set_baggage_item`](crate::Span::set_baggage_item). Works where only a context is active, too.
    #[expect(
        clippy::must_use_candidate,
        reason = "a setter; what it returns is for chaining"
    )]
    pub fn set_baggage_item(&self, key: &str, value: &str) -> &Self {
        let tracer = self.read(|record| record.context.tracer);
        let room = tracer::room_for_baggage(tracer.unwrap_or(0), key);
        self.edit(|record| record.set_baggage_item(key, value, room), || {});
        self
    }

    /// The value of a baggage item.
    #[must_use]
    pub fn baggage_item(&self, key: &str) -> Option<String> {
        self.read(|record| record.context.baggage_item(key).map(str::to_owned))
            .flatten()
    }

    /// Whether there is a span whose trace is not plainly refused.
    #[inline]
    fn is_kept(&self) -> bool {
        !self.place.is_none() && !local::is_noted(self.place)
    }

    fn read<R>(&self, read: impl FnOnce(&SpanRecord) -> R) -> Option<R> {
        if self.place.is_none() {
            None
        } else {
            local::edit(self.place, |record| read(record))
        }
    }

    /// Changes the span. `ask` is for a sampler that has not decided yet.
    fn edit(&self, edit: impl FnOnce(&mut SpanRecord) -> Edit, ask: impl FnOnce()) {
        if !self.place.is_none() {
            self.settle(local::edit_details(self.place, edit), ask);
        }
    }

    /// Does what a change of a span came to, if that span was there.
    #[inline]
    fn settle(&self, edited: Option<(Edit, u32)>, ask: impl FnOnce()) {
        match edited {
            Some((Edit::Done, _)) => {}
            Some((Edit::Undecided, _)) => ask(),
            other => self.settle_other(other),
        }
    }

    #[cold]
    fn settle_other(&self, edited: Option<(Edit, u32)>) {
        match edited {
            Some((Edit::AsksForDebug, tracer)) => self.ask_for_debug(tracer),
            Some((outcome, tracer)) => span::settle(outcome, tracer),
            None => span::settle(Edit::Ignored, self.tracer),
        }
    }

    #[cold]
    fn ask_about_tag(&self, key: &str, value: &TagValue<'_>) {
        self.ask(&Change::Tag { key, value });
    }

    /// Asks the sampler, which has not decided yet.
    #[cold]
    fn ask(&self, change: &Change<'_>) {
        if let Some(inquiry) = self.read(Inquiry::about).flatten() {
            inquiry.make(change);
        }
    }

    #[cold]
    fn ask_all(&self, template: &SpanTemplate) {
        self.ask(&Change::OperationName);
        for (key, value) in template.tags() {
            self.ask_about_tag(key, &value);
        }
    }

    /// As [`span::ask_for_debug`], which is not to be asked while what the thread knows is taken out.
    #[cold]
    fn ask_for_debug(&self, tracer: u32) {
        let asked = self.read(|record| {
            (
                record.context.decision(),
                record.operation_name().to_owned(),
            )
        });
        let Some((decision, name)) = asked else {
            return;
        };
        if decision == Decision::Debug || tracer::allow_debug(tracer, &name) {
            let forced = local::edit_details(self.place, SpanRecord::force);
            span::settle(forced.map_or(Edit::Ignored, |(forced, _)| forced), tracer);
            local::update_mode();
        }
    }
}

/// Sets a tag that takes more than [`local::put_number`] and [`local::put_bytes`] do. Apart, and with all it needs in
/// registers, as the next.
#[inline(never)]
fn put_tag(place: Place, tracer: u32, key: &str, value: Stored<'_>) {
    if !local::put_first(place, key, value) {
        put_other_tag(place, tracer, key, value);
    }
}

#[cold]
fn put_other_tag(place: Place, tracer: u32, key: &str, value: Stored<'_>) {
    let span = ActiveSpan::of(place, tracer);
    let put = local::put_tag(place, key, value);
    span.settle(put, || span.ask_about_tag(key, &value.to_value()));
    if key == tags::SAMPLING_PRIORITY {
        local::update_mode();
    }
}

/// Logs where that takes more than [`local::log_now`] does.
#[cold]
fn log(place: Place, tracer: u32, time: Option<SystemTime>, fields: &[Field<'_>]) {
    ActiveSpan::of(place, tracer).settle(local::log(place, time, fields), || {});
}

/// The active span of this thread or task, whichever tracer started it; one that does nothing if there is none.
///
/// ```
/// fn charge(cents: u64) {
///     tracer_core::active_span().set_tag("cents", cents);
/// }
/// ```
#[must_use]
pub fn active_span() -> ActiveSpan {
    ActiveSpan::top()
}

/// Whether nothing that is started here is recorded, because the trace that is active is not sampled. `false` where nothing
/// is active, and as long as a decision may still change.
///
/// Costs the read of a byte: for integrations, to go the plain way and leave all of theirs out.
///
/// ```
/// # fn get(key: &str) -> u64 { 7 }
/// fn traced_get(key: &str) -> u64 {
///     if tracer_core::is_refused() {
///         return get(key);
///     }
///     let _span = tracer_core::tracer().start_active_span("GET");
///     get(key)
/// }
/// # assert_eq!(traced_get("a"), 7);
/// ```
#[must_use]
pub fn is_refused() -> bool {
    local::mode() == Mode::Refused
}

impl SpanContext {
    /// The span of this context, to be tagged, if it is active on this thread or has spans above it that are: for whoever
    /// was given the context of a span that surrounds it. Elsewhere one that does nothing.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let order = tracer.start_active_span("order");
    /// let context = order.context();
    /// let charge = tracer.start_active_span("charge");
    /// context.active_span().set_tag("paid", true); // the order's tag, set from within `charge`
    /// # drop(charge);
    /// # drop(order);
    /// # tracer_testing::assert_trace!(test, "order {paid=true}\n  charge");
    /// ```
    #[must_use]
    pub fn active_span(&self) -> ActiveSpan {
        ActiveSpan::at(if self.span_id.is_none() {
            Place::NONE
        } else {
            local::place_of(self.span_id)
        })
    }
}
