//! The tracer: starts spans, carries contexts across processes, and knows its reporters.

use std::borrow::Cow;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::active::ActiveSpan;
use crate::callsite::Callsite;
use crate::context::{SpanContext, state};
use crate::error::{ExtractError, FlushError};
use crate::fork::Estate;
use crate::inquiry::Reconsider;
use crate::keep::KeepPolicy;
use crate::local::{self, Mode};
use crate::name::Name;
use crate::pending;
use crate::policies::Policies;
use crate::process::Process;
use crate::propagation::{Extract, Inject, Propagation};
use crate::record::SpanRecord;
use crate::registry;
use crate::report::account::Published;
use crate::report::queue::Hub;
use crate::sampler::Sampler;
use crate::scope::Scope;
use crate::span::Span;
use crate::span_builder::SpanBuilder;
use crate::stack::Place;
use crate::stats::Stats;

mod begin;

/// Starts spans for one service and sends them through its reporters. Cheap to clone.
///
/// Made by [`Tracer::builder`](crate::Tracer::builder). A service has one, installed for the whole process; tests and
/// processes that play several services build more. When the last clone is dropped its reporter thread sends what is left
/// and ends.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// {
///     let order = tracer.start_active_span("order");
///     order.set_tag("id", 7);
///     tracer.start_active_span("charge").finish();
/// }
/// # tracer_testing::assert_trace!(test, "order {id=7}\n  charge");
/// ```
#[derive(Clone)]
pub struct Tracer {
    /// `None` in the tracer that does nothing.
    core: Option<Arc<Core>>,
}

/// What a tracer is made of, apart from what threads share with the reporter thread (the hub).
pub(crate) struct Core {
    /// Another one in the child of a fork, as the hub is.
    pub(crate) id: AtomicU32,
    pub(crate) hub: ArcSwap<Hub>,
    pub(crate) process: Process,
    pub(crate) sampler: Sampler,
    /// The sampler, if it may leave a trace undecided.
    pub(crate) reconsiders: Option<Arc<dyn Reconsider>>,
    /// Which traces are kept that the sampler refused.
    pub(crate) keep: Option<KeepPolicy>,
    /// Whether a root needs no more than its name: no code of the user's, and no decision that is made late.
    pub(crate) plain_roots: bool,
    pub(crate) propagations: Box<[Propagation]>,
    pub(crate) bits128: bool,
    pub(crate) policies: ArcSwap<Policies>,
    pub(crate) estate: Estate,
}

/// What a new span is a child of.
#[derive(Clone, Copy)]
pub(crate) enum Parent<'a> {
    /// The active span; without one the span is a root.
    Active,
    /// Nothing.
    Root,
    Context(&'a SpanContext),
    /// It is the span of this context.
    Own(&'a SpanContext),
}

impl Tracer {
    /// The tracer that does nothing: what [`tracer`](crate::tracer) gives when none is installed.
    ///
    /// ```
    /// let tracer = tracer_core::Tracer::disabled();
    /// assert!(!tracer.is_enabled() && !tracer.start_span("order").context().is_valid());
    /// ```
    #[must_use]
    pub const fn disabled() -> Self {
        Self { core: None }
    }

    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core: Some(core) }
    }

    /// 0 for the tracer that does nothing.
    pub(crate) fn id(&self) -> u32 {
        self.core.as_ref().map_or(0, |core| core.id())
    }

    /// Whether spans can come of this tracer: it is not the one that does nothing.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.core.is_some()
    }

    /// The name of the service; empty for the tracer that does nothing.
    #[must_use]
    pub fn service_name(&self) -> &str {
        self.core
            .as_ref()
            .map_or("", |core| core.process.service_name())
    }

    /// The sampler in force; `None` for the tracer that does nothing.
    #[must_use]
    pub fn sampler(&self) -> Option<&Sampler> {
        self.core.as_ref().map(|core| &core.sampler)
    }

    /// Starts a span: a child of the active one, else the root of a new trace.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let mut order = tracer.start_span("order");
    /// order.set_tag("id", 7);
    /// order.finish();
    /// # tracer_testing::assert_trace!(test, "order {id=7}");
    /// ```
    #[inline]
    pub fn start_span(&self, operation_name: impl Into<Cow<'static, str>>) -> Span {
        match operation_name.into() {
            Cow::Borrowed(text) => self.start(text, None),
            name @ Cow::Owned(_) => Span::new(self.begin(Parent::Active, name, None)),
        }
    }

    /// Starts a span as [`start_span`](Self::start_span) and makes it the active one of this thread until the scope ends.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let order = tracer.start_active_span("order");
    /// tracer.start_active_span("charge").finish();
    /// drop(order);
    /// # tracer_testing::assert_trace!(test, "order\n  charge");
    /// ```
    #[inline]
    pub fn start_active_span(&self, operation_name: impl Into<Cow<'static, str>>) -> Scope {
        match operation_name.into() {
            Cow::Borrowed(text) => self.enter_text(text),
            name @ Cow::Owned(_) => Scope::of(self.begin(Parent::Active, name, None)),
        }
    }

    /// The context of a new trace that is refused without asking the sampler. `None` of the tracer that does nothing.
    pub(crate) fn refused(&self) -> Option<SpanContext> {
        let core = self.core.as_ref()?;
        let trace_id = local::draw_trace(core.bits128)?;
        Some(SpanContext::root(trace_id, core.id(), false))
    }

    /// Starts a span under the active one, not active.
    pub(crate) fn start(&self, text: &'static str, site: Option<&'static Callsite>) -> Span {
        let Some(core) = &self.core else {
            return Span::disabled();
        };
        match local::mode() {
            Mode::Idle | Mode::Default if core.plain_roots => core.start_root(text, site),
            _ => self.start_at_length(text, site),
        }
    }

    /// Apart, for a function that calls others saves registers for that.
    #[inline(never)]
    fn start_at_length(&self, text: &'static str, site: Option<&'static Callsite>) -> Span {
        match local::mode() {
            Mode::Sampled | Mode::Refused if !std::thread::panicking() => {
                Span::child(text, site, self.id())
            }
            _ => Span::new(self.begin_named(text, site)),
        }
    }

    /// Starts a span under the active one and activates it. Most take no more than a note.
    #[inline(never)]
    pub(crate) fn enter_text(&self, text: &'static str) -> Scope {
        if local::mode() == Mode::Refused {
            self.note_refused(text)
        } else if std::thread::panicking() {
            self.enter(text, None)
        } else {
            self.note_text(text)
        }
    }

    /// Of a refused trace, whose spans say nothing of panics.
    #[inline(always)]
    fn note_refused(&self, text: &'static str) -> Scope {
        if let Some(core) = &self.core
            && let Some(place) = pending::note_refused(Name::Text(text), core.id())
        {
            return Scope::at(place);
        }
        self.enter(text, None)
    }

    /// Apart, for a function that calls others saves registers for that.
    #[inline(never)]
    fn note_text(&self, text: &'static str) -> Scope {
        if let Some(core) = &self.core {
            if let Some(place) = pending::note(Name::Text(text), core.id()) {
                return Scope::at(place);
            }
            if local::mode() <= Mode::Default && pending::are_roots_allowed(core.id()) {
                return Scope::at(core.enter_root(text, None));
            }
        }
        self.enter(text, None)
    }

    /// The same for what may be a traced function.
    #[inline(never)]
    pub(crate) fn enter(&self, text: &'static str, site: Option<&'static Callsite>) -> Scope {
        let Some(core) = &self.core else {
            return Scope::at(Place::NONE);
        };
        match local::mode() {
            _ if std::thread::panicking() => self.enter_at_length(text, site),
            Mode::Idle | Mode::Default if core.plain_roots => {
                Scope::at(core.enter_root(text, site))
            }
            Mode::Sampled | Mode::Refused => Scope::at(local::enter_child(text, site, core.id())),
            _ => self.enter_at_length(text, site),
        }
    }

    #[inline(never)]
    fn enter_at_length(&self, text: &'static str, site: Option<&'static Callsite>) -> Scope {
        Scope::of(self.begin_named(text, site))
    }

    /// Begins a span with references, tags or times of the caller's.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use tracer_core::SpanKind;
    /// let call = tracer.build_span("charge").kind(SpanKind::Client).tag("peer.service", "bank").start();
    /// call.finish();
    /// # tracer_testing::assert_trace!(test, "charge {peer.service=bank, span.kind=client}");
    /// ```
    pub fn build_span(&self, operation_name: impl Into<Cow<'static, str>>) -> SpanBuilder<'_> {
        SpanBuilder::new(self, operation_name.into(), None)
    }

    /// The active span of this thread or task, whichever tracer started it.
    #[must_use]
    pub fn active_span(&self) -> ActiveSpan {
        ActiveSpan::top()
    }

    /// Starts the span of work that was asked for from elsewhere: a child of the caller's span, else the root of a new
    /// trace, whatever is active on this thread. For servers and consumers, who [extract](Self::extract) the caller.
    ///
    /// The same as `build_span(name).ignore_active().child_of(caller).start()`, for less.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use tracer_core::HttpHeaders;
    /// # let headers = http::HeaderMap::new();
    /// let _startup = tracer.start_active_span("start-up"); // which has nothing to do with the request
    /// let caller = tracer.extract(&HttpHeaders(&headers)).unwrap_or(None);
    /// tracer.continue_trace("GET /orders", caller.as_ref()).finish();
    /// # drop(_startup);
    /// # tracer_testing::assert_trace!(test, "start-up\nGET /orders");
    /// ```
    pub fn continue_trace(
        &self,
        operation_name: impl Into<Cow<'static, str>>,
        caller: Option<&SpanContext>,
    ) -> Span {
        let parent = match caller {
            Some(caller) if !caller.is_nothing() => Parent::Context(caller),
            _ => Parent::Root,
        };
        Span::new(self.begin(parent, operation_name.into(), None))
    }

    /// Writes a context into a carrier, in all of the tracer's propagation formats.
    ///
    /// ```
    /// # use tracer_core::{HttpHeaders, Tracer};
    /// # let (tracer, span) = (Tracer::disabled(), Tracer::disabled().start_span("call"));
    /// let mut headers = http::HeaderMap::new();
    /// tracer.inject(&span.context(), &mut HttpHeaders(&mut headers));
    /// ```
    pub fn inject(&self, context: &SpanContext, carrier: &mut impl Inject) {
        if let Some(core) = &self.core {
            carrier.inject(context, &core.propagations);
        }
    }

    /// Reads a context from a carrier, in the first of the tracer's formats that is there.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use tracer_core::{HttpHeaders, Tracer};
    /// fn serve(tracer: &Tracer, request: &http::Request<()>) {
    ///     let caller = tracer.extract(&HttpHeaders(request.headers())).ok().flatten();
    ///     let _span = tracer.build_span("GET").child_of(caller.as_ref()).start_active();
    /// }
    /// # serve(tracer, &http::Request::new(()));
    /// # tracer_testing::assert_trace!(test, "GET");
    /// ```
    ///
    /// # Errors
    /// When the carrier holds a context that cannot be read; a carrier without one is `Ok(None)`. Services start a new
    /// trace in both cases; failures are counted in [`Stats::extract_failures`].
    pub fn extract(&self, carrier: &impl Extract) -> Result<Option<SpanContext>, ExtractError> {
        let Some(core) = &self.core else {
            return Ok(None);
        };
        let mut extracted = carrier.extract(&core.propagations);
        match &mut extracted {
            Ok(Some(context)) => context.tracer = core.id(),
            Ok(None) => {}
            Err(_) => core.count_extract_failure(),
        }
        extracted
    }

    /// Waits until all spans finished before this call have been sent.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tracer_core::{MemoryReporter, Sampler, Tracer};
    /// # let memory = MemoryReporter::new();
    /// # let tracer = Tracer::builder("shop").sampler(Sampler::constant(true)).reporter(memory.clone()).build()?;
    /// tracer.start_span("order").finish();
    /// tracer.flush(Duration::from_secs(1))?; // before a function of the cloud is frozen, say
    /// assert_eq!(memory.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When that takes longer than `within`, or the tracer was shut down.
    pub fn flush(&self, within: Duration) -> Result<(), FlushError> {
        match &self.core {
            Some(core) if !local::is_reporting() => core.hub.load_full().flush(within),
            // A reporter that flushes its own tracer would wait for itself.
            _ => Ok(()),
        }
    }

    /// Sends what is left and ends the reporter thread. Spans finished later are dropped and counted. May be called from
    /// any thread and more than once.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tracer_core::{NullReporter, Sampler, Tracer};
    /// # let tracer = Tracer::builder("shop").sampler(Sampler::constant(true)).reporter(NullReporter).build()?;
    /// if let Err(error) = tracer.shutdown(Duration::from_secs(2)) {
    ///     eprintln!("spans may be lost: {error}");
    /// }
    /// tracer.start_span("too late").finish();
    /// assert_eq!(tracer.stats().after_shutdown, 1);
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    ///
    /// # Errors
    /// When the reporter thread takes longer than `within`; it goes on by itself.
    pub fn shutdown(&self, within: Duration) -> Result<(), FlushError> {
        match &self.core {
            Some(core) if !local::is_reporting() => {
                let hub = core.hub.load_full();
                hub.close();
                hub.wait_end(within)
            }
            _ => Ok(()),
        }
    }

    /// What the tracer counted so far. Takes a lock that threads hold when they begin and end; not for hot paths.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Some(core) = &self.core else {
            return Stats::default();
        };
        local::settle();
        // In the order of a span's way backwards, so that none is seen later on its way than it was counted.
        let hub = core.hub.load_full();
        let policies = core.policies.load();
        let ended = hub.is_ended();
        let Published { drained, reporters } = hub.published();
        let room = hub.room.totals();
        let totals = hub.totals();
        let counts = &hub.counts;
        let queued = totals.queued(drained + room.dropped() + room.held);
        // A thread may have queued a span at the very moment of the shutdown: nobody will fetch it.
        let (queued, stranded) = if ended { (0, queued) } else { (queued, 0) };
        Stats {
            started: totals.started,
            finished: totals.finished,
            refused: totals.refused + room.refused,
            withdrawn: totals.withdrawn,
            queue_full: totals.queue_full,
            not_kept: room.gone.not_kept,
            no_room: room.gone.no_room,
            after_shutdown: totals.after_shutdown + room.gone.after_shutdown + stranded,
            held: room.held,
            held_bytes: room.bytes,
            queued,
            reporters,
            tags_ignored: counts.tags_ignored.load(Ordering::Relaxed),
            out_of_order: counts.out_of_order.load(Ordering::Relaxed),
            extract_failures: counts.extract_failures.load(Ordering::Relaxed),
            left_to_parent: counts.left_to_parent.load(Ordering::Relaxed),
            baggage_denied: counts.baggage_denied.load(Ordering::Relaxed),
            baggage_truncated: counts.baggage_truncated.load(Ordering::Relaxed),
            debug_throttled: counts.debug_throttled.load(Ordering::Relaxed),
            sampler: policies.sampler.stats(),
            baggage_policy: policies.baggage_polling.stats(),
            debug_throttle: policies.debug_polling.stats(),
        }
    }

    /// The record of a new span under the active one.
    #[inline(never)]
    fn begin_named(
        &self,
        text: &'static str,
        site: Option<&'static Callsite>,
    ) -> Option<Box<SpanRecord>> {
        self.begin(Parent::Active, Cow::Borrowed(text), site)
    }

    /// The record of a new span; `None` where nothing is traced.
    pub(crate) fn begin(
        &self,
        parent: Parent<'_>,
        name: Cow<'static, str>,
        callsite: Option<&'static Callsite>,
    ) -> Option<Box<SpanRecord>> {
        let core = self.core.as_ref()?;
        if let (Parent::Context(parent), Cow::Borrowed(text)) = (parent, &name)
            && core.follows(parent)
            && local::mode() != Mode::Suppressed
            && !std::thread::panicking()
        {
            return local::start_under(parent, Name::of(text, callsite), core.id());
        }
        core.begin(parent, name, callsite)
    }
}

impl Core {
    #[cold]
    fn count_extract_failure(&self) {
        let hub = self.hub.load();
        hub.counts.extract_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// The record of a new span, about which there may be something to decide.
    #[inline(never)]
    fn begin(
        &self,
        parent: Parent<'_>,
        name: Cow<'static, str>,
        callsite: Option<&'static Callsite>,
    ) -> Option<Box<SpanRecord>> {
        let is_own = matches!(parent, Parent::Own(_));
        let active;
        let parent = match (parent, local::mode()) {
            (_, Mode::Suppressed) => return None,
            (Parent::Active, Mode::Idle | Mode::Default) | (Parent::Root, _) => None,
            (Parent::Active, _) => {
                active = local::context()?;
                Some(&active)
            }
            (Parent::Context(context) | Parent::Own(context), _) => Some(context),
        };
        let (mut context, verdict) = match parent {
            Some(own) if is_own => (self.adopt(own), None),
            Some(parent) if parent.is_valid() => self.child(parent, &name)?,
            Some(parent) => self.root(Some(parent), &name)?,
            None => self.root(None, &name)?,
        };
        if std::thread::panicking() {
            context.state |= state::UNWINDING;
        }
        Some(self.record(context, name, callsite, verdict))
    }

    #[inline]
    fn id(&self) -> u32 {
        self.id.load(Ordering::Relaxed)
    }

    /// Whether an operation may begin a debug trace. Counts it if not.
    #[cold]
    fn allow_debug(&self, operation: &str) -> bool {
        let allowed = self.policies.load().allow_debug(operation);
        if !allowed {
            let hub = self.hub.load();
            hub.counts.debug_throttled.fetch_add(1, Ordering::Relaxed);
        }
        allowed
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.hub.load().close();
        registry::change(&TRACERS, |tracers| {
            tracers.retain(|(_, core)| core.strong_count() > 0);
        });
        registry::unregister(self.id());
    }
}

/// Reporters and samplers of the user's are called behind `catch_unwind`, and nothing else of a tracer can be seen half done.
impl UnwindSafe for Tracer {}
impl RefUnwindSafe for Tracer {}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.core {
            None => f.write_str("Tracer(disabled)"),
            Some(core) => f
                .debug_struct("Tracer")
                .field("process", &core.process)
                .field("sampler", &core.sampler)
                .field("keep", &core.keep)
                .field("propagation", &core.propagations)
                .finish_non_exhaustive(),
        }
    }
}

/// The tracers of this process by number. Weak: dropping the last handle ends a tracer. Without a lock, as the hubs are.
static TRACERS: registry::Entries<Weak<Core>> = ArcSwapOption::const_empty();

/// Makes a tracer known by its number.
pub(crate) fn register(core: &Arc<Core>) {
    registry::change(&TRACERS, |tracers| {
        tracers.push((core.id(), Arc::downgrade(core)));
    });
}

/// As [`Policies::room_for_baggage`], of the tracer of that number.
pub(crate) fn room_for_baggage(id: u32, key: &str) -> Option<usize> {
    match registered(id).and_then(|tracer| tracer.core) {
        Some(core) => core.policies.load().room_for_baggage(key),
        None => Some(usize::MAX),
    }
}

/// Whether an operation of the tracer of that number may begin a debug trace. Not to be asked from
/// inside of work on what the thread knows.
pub(crate) fn allow_debug(id: u32, operation: &str) -> bool {
    registered(id)
        .and_then(|tracer| tracer.core)
        .is_none_or(|core| core.allow_debug(operation))
}

/// All tracers that live, each once.
pub(crate) fn all() -> Vec<Arc<Core>> {
    let tracers = TRACERS.load_full().unwrap_or_default();
    let live = tracers
        .iter()
        .filter_map(|(id, core)| Some((*id, core.upgrade()?)));
    live.filter(|(id, core)| *id == core.id())
        .map(|(_, core)| core)
        .collect()
}

/// The tracer of that number, if it lives.
pub(crate) fn registered(id: u32) -> Option<Tracer> {
    registry::find(&TRACERS, id, Weak::upgrade).map(Tracer::of)
}
