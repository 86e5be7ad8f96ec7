//! The span: one named and timed piece of work.

use std::borrow::Cow;
use std::error::Error;
use std::time::{Duration, SystemTime};

use crate::callsite::Callsite;
use crate::clock::{self, Instant};
use crate::context::{SpanContext, flag, state};
use crate::details::Stored;
use crate::edit::{self, Edit};
use crate::fields::Fields;
use crate::inquiry::{Change, Inquiry};
use crate::local;
use crate::name::Name;
use crate::record::SpanRecord;
use crate::registry;
use crate::scope::Scope;
use crate::tag::TagValue;
use crate::tags;
use crate::template::SpanTemplate;
use crate::tracer;

/// An open span. It has one owner and finishes when it is finished, dropped, or its scope or future ends.
///
/// A span is moved, not shared: [`activate`](Self::activate) makes it the active span of a block,
/// [`in_span`](crate::TraceFuture::in_span) of a future. What others need of it is its [`context`](Self::context).
///
/// When its trace is not sampled the setters return at once and nothing is kept; without a tracer they do nothing at all.
///
/// ```
/// # let tracer = tracer_core::Tracer::disabled();
/// let mut span = tracer.start_span("say-hello");
/// span.set_tag("hello-to", "Bryan");
/// span.log((("event", "string-format"), ("value", 7)));
/// span.finish(); // or drop it
/// ```
#[derive(Debug)]
#[must_use = "a span that is dropped at once measures nothing: bind it, activate it or give it to a future"]
pub struct Span {
    /// `None` without a tracer, and after the end.
    record: Option<Box<SpanRecord>>,
}

const _: () = assert!(size_of::<Span>() == size_of::<usize>());

impl Span {
    /// A span that records nothing.
    ///
    /// ```
    /// # use tracer_core::Span;
    /// let mut span = Span::disabled();
    /// span.set_tag("into", "the void");
    /// assert!(!span.is_recording() && !span.context().is_valid());
    /// ```
    pub const fn disabled() -> Self {
        Self { record: None }
    }

    #[inline]
    pub(crate) const fn new(record: Option<Box<SpanRecord>>) -> Self {
        Self { record }
    }

    /// Whether there is a span, recorded or not.
    #[inline]
    pub(crate) const fn is_present(&self) -> bool {
        self.record.is_some()
    }

    /// A child of the active span; see [`local::start_child`].
    #[inline(never)]
    pub(crate) fn child(text: &'static str, site: Option<&'static Callsite>, tracer: u32) -> Self {
        Self::new(local::start_child(Name::of(text, site), tracer))
    }

    /// The record, for taking it out and putting it back.
    #[inline]
    pub(crate) const fn record(&mut self) -> &mut Option<Box<SpanRecord>> {
        &mut self.record
    }

    /// Whether tags and logs are kept: the trace is sampled. Ask before computing an expensive value.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # fn summary_of_a_thousand_items() -> String { "long".to_owned() }
    /// let mut span = tracer.start_span("order");
    /// if span.is_recording() {
    ///     span.set_tag("summary", summary_of_a_thousand_items());
    /// }
    /// # drop(span);
    /// # tracer_testing::assert_trace!(test, "order {summary=long}");
    /// ```
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.record
            .as_ref()
            .is_some_and(|record| record.is_recording())
    }

    /// The span's context, for other threads, tasks and services; it outlives the span. Empty without a tracer.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let import = tracer.start_span("import");
    /// let context = import.context();
    /// import.finish();
    /// tracer.build_span("index").follows_from(&context).start().finish();
    /// # tracer_testing::assert_trace!(test, "import\n  index (follows_from import)");
    /// ```
    #[must_use]
    pub fn context(&self) -> SpanContext {
        self.record
            .as_ref()
            .map_or(SpanContext::EMPTY, |record| record.context.share())
    }

    /// The time since the span started; zero when it is not recorded.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match &self.record {
            Some(record) if record.is_recording() => clock::now().duration_since(record.start),
            _ => Duration::ZERO,
        }
    }

    /// Sets a tag; a later value for the same key wins. [`tags::SAMPLING_PRIORITY`] steers sampling instead.
    pub fn set_tag<'v>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<TagValue<'v>>,
    ) -> &mut Self {
        if self.record.is_some() {
            let value = value.into();
            let key = key.into();
            self.set_tag_to(&key, &value);
        }
        self
    }

    fn set_tag_to(&mut self, key: &str, value: &TagValue<'_>) {
        let is_put = match &mut self.record {
            Some(record) => record.put_ordinary_tag(key, Stored::of(value)),
            None => false,
        };
        if !is_put {
            self.set_tag_at_length(key, value);
        }
    }

    #[inline(never)]
    fn set_tag_at_length(&mut self, key: &str, value: &TagValue<'_>) {
        if self.edit(|record| record.set_tag(key, value)) == Edit::Undecided {
            self.ask(&Change::Tag { key, value });
        }
    }

    /// Sets the operation name and tags of a template, if they are kept: as one, where the span has none yet.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// use tracer_core::{SpanKind, SpanTemplate, tags};
    ///
    /// let common = SpanTemplate::new().tag(tags::SPAN_KIND, SpanKind::Server).tag(tags::COMPONENT, "mail");
    /// tracer.start_span("receive").apply(&common).set_tag("bytes", 700);
    /// # tracer_testing::assert_trace!(test, "receive {bytes=700, component=mail, span.kind=server}");
    /// ```
    pub fn apply(&mut self, template: &SpanTemplate) -> &mut Self {
        if self.edit(|record| record.apply(template)) == Edit::Undecided {
            self.ask(&Change::OperationName);
            for (key, value) in template.tags() {
                self.ask(&Change::Tag { key, value: &value });
            }
        }
        self
    }

    /// Logs fields with the time of the call: a tuple of pairs, an array, a `Vec` or a map; see [`Fields`].
    pub fn log<'v>(&mut self, fields: impl Fields<'v>) -> &mut Self {
        self.log_with(None, fields)
    }

    /// Logs fields with a time of the caller's, which should lie between start and finish.
    pub fn log_at<'v>(&mut self, time: SystemTime, fields: impl Fields<'v>) -> &mut Self {
        self.log_with(Some(time), fields)
    }

    fn log_with<'v>(&mut self, time: Option<SystemTime>, fields: impl Fields<'v>) -> &mut Self {
        if self.is_recording() {
            let mut fields = fields.into_fields();
            self.edit(|record| record.log(time, fields.as_mut()));
        }
        self
    }

    /// Marks the span as failed and logs the error with its causes, by the OpenTracing conventions.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let mut span = tracer.start_span("charge");
    /// if let Err(error) = "ten".parse::<u32>() {
    ///     span.log_error(&error);
    /// }
    /// # drop(span);
    /// assert_eq!(test.spans()[0].tag("error"), Some(true.into()));
    /// ```
    pub fn log_error<E: Error + ?Sized>(&mut self, error: &E) -> &mut Self {
        if self.is_recording() {
            let fields = edit::error_fields(std::any::type_name::<E>(), edit::describe(error));
            self.set_tag(tags::ERROR, true).log(fields);
        }
        self
    }

    /// The operation name as it is now; `None` of a span that is not recorded.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let span = tracer.start_span("GET");
    /// assert_eq!(span.operation_name(), Some("GET"));
    /// # drop(span);
    /// # test.forget();
    /// ```
    #[must_use]
    pub fn operation_name(&self) -> Option<&str> {
        let record = self.record.as_deref()?;
        record.is_recording().then(|| record.operation_name())
    }

    /// Changes the operation name.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let mut span = tracer.start_span("GET");
    /// span.set_operation_name("GET /orders/{id}"); // the router has found it
    /// # drop(span);
    /// # tracer_testing::assert_trace!(test, "GET /orders/{id}");
    /// ```
    pub fn set_operation_name(&mut self, name: impl Into<Cow<'static, str>>) -> &mut Self {
        if self.record.is_some() {
            let name = name.into();
            if self.edit(|record| record.set_name(name)) == Edit::Undecided {
                self.ask(&Change::OperationName);
            }
        }
        self
    }

    /// Sets a baggage item, which travels to all spans started under this one from now on, in other services too; an
    /// empty value removes it. Contexts taken earlier keep what they had. Beyond the limits of
    /// [`Baggage`](crate::Baggage) the item is left out and the log of the span says so.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let mut order = tracer.start_span("order");
    /// let before = order.context();
    /// order.set_baggage_item("tenant", "acme");
    /// let charge = tracer.build_span("charge").child_of(&order.context()).start();
    /// assert_eq!((charge.baggage_item("tenant"), before.baggage_item("tenant")), (Some("acme"), None));
    /// # drop((charge, order));
    /// # test.forget();
    /// ```
    pub fn set_baggage_item(&mut self, key: &str, value: &str) -> &mut Self {
        let tracer = self
            .record
            .as_ref()
            .map_or(0, |record| record.context.tracer);
        let room = tracer::room_for_baggage(tracer, key);
        self.edit(|record| record.set_baggage_item(key, value, room));
        self
    }

    /// The value of a baggage item.
    #[must_use]
    pub fn baggage_item(&self, key: &str) -> Option<&str> {
        self.record.as_ref()?.context.baggage_item(key)
    }

    /// Makes this the active span of the calling thread until the scope is dropped, which also finishes it.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let order = tracer.start_span("order").activate();
    /// tracer.start_span("charge").finish(); // its child
    /// drop(order);
    /// # tracer_testing::assert_trace!(test, "order\n  charge");
    /// ```
    pub fn activate(mut self) -> Scope {
        Scope::at(local::push(&mut self.record))
    }

    /// Finishes the span now. Dropping it does the same.
    #[inline]
    pub fn finish(self) {}

    /// Finishes the span at a time of the caller's; a time before the start counts as the start.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use std::time::{Duration, SystemTime};
    /// let begun = SystemTime::now() - Duration::from_secs(60);
    /// let span = tracer.build_span("read from a log").start_time(begun).start();
    /// span.finish_at(begun + Duration::from_secs(2));
    /// assert_eq!(test.spans()[0].duration(), Duration::from_secs(2));
    /// ```
    pub fn finish_at(mut self, time: SystemTime) {
        if let Some(mut record) = self.record.take() {
            finish_at(&mut record, time);
            local::hand_over(record, Instant::ZERO);
        }
    }

    /// Sets a tag known at compile time.
    pub(crate) fn set_tag_if_recording(&mut self, key: &'static str, value: bool) {
        if self.is_recording() {
            self.set_tag_to(key, &TagValue::Bool(value));
        }
    }

    fn edit(&mut self, edit: impl FnOnce(&mut SpanRecord) -> Edit) -> Edit {
        let Some(record) = &mut self.record else {
            return Edit::Ignored;
        };
        if record.details.is_none() && record.is_recording() {
            record.details = Some(local::details(record.context.tracer));
        }
        let outcome = match edit(record) {
            Edit::AsksForDebug => ask_for_debug(record),
            outcome => outcome,
        };
        settle(outcome, record.context.tracer);
        outcome
    }

    /// Asks the sampler, which has not decided yet.
    #[cold]
    fn ask(&self, change: &Change<'_>) {
        if let Some(inquiry) = self.record.as_deref().and_then(Inquiry::about) {
            inquiry.make(change);
        }
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            end(record);
        }
    }
}

/// Apart, so that code with a span contains a branch and a call; and in pieces, for a function that calls others saves
/// registers for that.
#[inline(never)]
pub(crate) fn end(record: Box<SpanRecord>) {
    if record.context.state & state::COUNTED == 0 {
        end_uncounted(record);
    } else {
        end_counted(record);
    }
}

#[inline(never)]
fn end_uncounted(record: Box<SpanRecord>) {
    if let Some(record) = local::keep_empty(record) {
        local::keep(record);
    }
}

#[inline(never)]
fn end_counted(record: Box<SpanRecord>) {
    if std::thread::panicking() {
        end_at_length(record);
    } else if record.details.is_some() {
        end_detailed(record);
    } else if let Some(record) = local::finish_plain(record) {
        end_at_length(record);
    }
}

#[inline(never)]
fn end_detailed(record: Box<SpanRecord>) {
    if let Some(record) = local::finish_detailed(record) {
        end_at_length(record);
    }
}

#[inline(never)]
fn end_at_length(mut record: Box<SpanRecord>) {
    let end = clock::now();
    if std::thread::panicking() {
        mark_panic(&mut record);
    }
    local::hand_over(record, end);
}

/// Sets the end of a record to a time of the caller's.
pub(crate) fn finish_at(record: &mut SpanRecord, time: SystemTime) {
    if record.is_recording() {
        if record.details.is_none() {
            record.details = Some(local::details(record.context.tracer));
        }
        record.details().finished_at = Some(clock::unix_nanos(time));
    }
}

/// Counts what a change came to.
pub(crate) fn settle(outcome: Edit, tracer: u32) {
    match outcome {
        Edit::Done | Edit::AsksForDebug | Edit::Undecided => {}
        Edit::Ignored => registry::count_ignored(tracer),
        Edit::BaggageDenied => registry::count(tracer, |counts| &counts.baggage_denied),
        Edit::BaggageCut => registry::count(tracer, |counts| &counts.baggage_truncated),
        Edit::Forced => {
            local::count(tracer, |counts| counts.started.add(1));
        }
    }
}

/// Makes a span part of a debug trace, if its operation may begin one.
#[cold]
pub(crate) fn ask_for_debug(record: &mut SpanRecord) -> Edit {
    let is_debug = record.context.flags() & flag::DEBUG != 0;
    if is_debug || tracer::allow_debug(record.context.tracer, record.operation_name()) {
        record.force()
    } else {
        Edit::Done
    }
}

/// Says that the span ended by a panic, unless the thread was unwinding before it began.
#[cold]
pub(crate) fn mark_panic(record: &mut SpanRecord) {
    if record.is_recording() && record.context.state & state::UNWINDING == 0 {
        record.set_tag(tags::ERROR, &true.into());
        let fields = edit::error_fields("panic", "the function panicked".to_owned());
        record.log(None, &fields);
        // Told: what else ends it while the thread unwinds, such as the drop of its future, says nothing new.
        record.context.state |= state::UNWINDING;
    }
}
