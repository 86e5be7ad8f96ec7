//! Spans with more than a name: references, tags and times given before the start.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::callsite::Callsite;
use crate::clock;
use crate::context::SpanContext;
use crate::details::{Reference, ReferenceKind};
use crate::edit::Edit;
use crate::inquiry::{Change, Inquiry};
use crate::kind::SpanKind;
use crate::local;
use crate::record::SpanRecord;
use crate::scope::Scope;
use crate::span::{self, Span};
use crate::tag::TagValue;
use crate::tags;
use crate::tracer::{Parent, Tracer};

/// A span to be started; see [`Tracer::build_span`].
///
/// ```
/// # use tracer_core::{SpanKind, Tracer};
/// # let tracer = Tracer::disabled();
/// # let caller = tracer.start_span("caller").context();
/// let span = tracer.build_span("charge").child_of(&caller).kind(SpanKind::Server).tag("order", 7).start();
/// ```
#[derive(Debug)]
#[must_use = "nothing is measured until `start` or `start_active` is called"]
pub struct SpanBuilder<'t> {
    tracer: &'t Tracer,
    name: Cow<'static, str>,
    callsite: Option<&'static Callsite>,
    /// Apart from the others, since most spans have no more than one: a list would be an allocation for it.
    first: Option<Reference>,
    others: Vec<Reference>,
    /// In a box: hardly any span has it.
    own: Option<Box<SpanContext>>,
    tags: Vec<(Cow<'static, str>, TagValue<'t>)>,
    kind: Option<SpanKind>,
    start_time: Option<SystemTime>,
    ignore_active: bool,
    new_trace: bool,
}

impl<'t> SpanBuilder<'t> {
    pub(crate) fn new(
        tracer: &'t Tracer,
        name: Cow<'static, str>,
        callsite: Option<&'static Callsite>,
    ) -> Self {
        Self {
            tracer,
            name,
            callsite,
            first: None,
            others: Vec::new(),
            own: None,
            tags: Vec::new(),
            kind: None,
            start_time: None,
            ignore_active: false,
            new_trace: false,
        }
    }

    /// The span of `context` waits for this one. `None` changes nothing, so the result of an extraction can be given.
    ///
    /// The first `child_of` is the parent, else the first `follows_from`, else the active span.
    pub fn child_of<'c>(self, context: impl Into<Option<&'c SpanContext>>) -> Self {
        self.reference(ReferenceKind::ChildOf, context.into())
    }

    /// The span of `context` caused this one but does not wait for it. `None` changes nothing.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let request = tracer.start_span("request");
    /// tracer.build_span("email").follows_from(&request.context()).start().finish();
    /// # drop(request);
    /// # tracer_testing::assert_trace!(test, "request\n  email (follows_from request)");
    /// ```
    pub fn follows_from<'c>(self, context: impl Into<Option<&'c SpanContext>>) -> Self {
        self.reference(ReferenceKind::FollowsFrom, context.into())
    }

    /// The span is the one of `context`: ids, decision and baggage are taken over as they are, and neither drawn nor asked
    /// for. Jaeger's `Self` reference, for ids that come from elsewhere, and for a span that two processes record together.
    /// `None`, and a context without a trace, changes nothing.
    ///
    /// ```
    /// # use tracer_core::{Decision, NullReporter, SpanContext, Tracer};
    /// # let tracer = Tracer::builder("shop").reporter(NullReporter).build()?;
    /// let context = SpanContext::remote(0xabc.into(), 0xdef.into(), Decision::Sampled);
    /// let span = tracer.build_span("job").self_reference(&context).start();
    /// assert_eq!(span.context().span_id(), 0xdef.into());
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    pub fn self_reference<'c>(mut self, context: impl Into<Option<&'c SpanContext>>) -> Self {
        let context = context.into().filter(|context| context.is_valid());
        self.own = context
            .map(|context| Box::new(context.share()))
            .or(self.own);
        self
    }

    fn reference(mut self, kind: ReferenceKind, context: Option<&SpanContext>) -> Self {
        if let Some(context) = context
            && !context.is_nothing()
        {
            let reference = Reference {
                kind,
                context: context.share(),
            };
            if self.first.is_none() {
                self.first = Some(reference);
            } else {
                self.others.push(reference);
            }
        }
        self
    }

    /// Sets a tag from the start, before the sampler decides.
    pub fn tag(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<TagValue<'t>>,
    ) -> Self {
        if self.tracer.is_enabled() {
            self.tags.push((key.into(), value.into()));
        }
        self
    }

    /// Sets the side of a remote call the span stands for.
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Starts the span at a time of the caller's instead of now.
    pub fn start_time(mut self, time: SystemTime) -> Self {
        self.start_time = Some(time);
        self
    }

    /// Begins a new trace even under an active span, unless a reference is given.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let _request = tracer.start_active_span("request");
    /// tracer.build_span("housekeeping").ignore_active().start().finish();
    /// # drop(_request);
    /// # tracer_testing::assert_trace!(test, "request\nhousekeeping");
    /// ```
    pub fn ignore_active(mut self) -> Self {
        self.ignore_active = true;
        self
    }

    /// Begins a new trace whatever references are given: those are recorded, but neither the trace nor the decision and
    /// the baggage of any is taken over. For callers that are not to be trusted with that.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use tracer_core::{Decision, SpanContext};
    /// let stranger = SpanContext::remote(0xabc.into(), 0xdef.into(), Decision::Refused);
    /// let span = tracer.build_span("GET").child_of(&stranger).new_trace().start();
    /// assert!(span.context().is_sampled() && span.context().trace_id() != stranger.trace_id());
    /// # drop(span);
    /// # test.forget();
    /// ```
    pub fn new_trace(mut self) -> Self {
        self.new_trace = true;
        self
    }

    /// Starts the span.
    pub fn start(self) -> Span {
        Span::new(self.begin())
    }

    /// Starts the span and makes it the active one of this thread until the scope ends.
    pub fn start_active(self) -> Scope {
        Scope::of(self.begin())
    }

    fn begin(self) -> Option<Box<SpanRecord>> {
        let chosen = self
            .first
            .iter()
            .chain(&self.others)
            .find(|reference| reference.kind == ReferenceKind::ChildOf)
            .or(self.first.as_ref());
        let parent = match (&self.own, chosen) {
            (Some(context), _) => Parent::Own(context),
            _ if self.new_trace => Parent::Root,
            (_, Some(reference)) => Parent::Context(&reference.context),
            _ if self.ignore_active => Parent::Root,
            _ => Parent::Active,
        };
        let mut record = self.tracer.begin(parent, self.name, self.callsite)?;
        let needs_details = self.kind.is_some()
            || !self.tags.is_empty()
            || self.start_time.is_some()
            || self.first.is_some();
        if record.is_recording() && record.details.is_none() && needs_details {
            record.details = Some(local::details(record.context.tracer));
        }
        if let Some(kind) = self.kind {
            set_tag(&mut record, tags::SPAN_KIND, &kind.into());
        }
        // Priority first: it decides whether the others are kept.
        for priorities in [true, false] {
            for (key, value) in &self.tags {
                if (key == tags::SAMPLING_PRIORITY) == priorities {
                    set_tag(&mut record, key, value);
                }
            }
        }
        if record.is_recording() {
            if let Some(time) = self.start_time {
                record.details().started_at = Some(clock::unix_nanos(time));
            }
            // A single parent is told by its id.
            let told = !self.new_trace
                && self.own.is_none()
                && self.others.is_empty()
                && matches!(&self.first, Some(only) if only.kind == ReferenceKind::ChildOf && only.context.is_valid());
            if !told && self.first.is_some() {
                record.details().references.extend(
                    self.first
                        .into_iter()
                        .chain(self.others)
                        .filter(|reference| reference.context.is_valid()),
                );
            }
        }
        Some(record)
    }
}

fn set_tag(record: &mut SpanRecord, key: &str, value: &TagValue<'_>) {
    let outcome = match record.set_tag(key, value) {
        Edit::AsksForDebug => span::ask_for_debug(record),
        outcome => outcome,
    };
    span::settle(outcome, record.context.tracer);
    if outcome == Edit::Undecided
        && let Some(inquiry) = Inquiry::about(record)
    {
        inquiry.make(&Change::Tag { key, value });
    }
}
