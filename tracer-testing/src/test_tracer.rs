//! A tracer that keeps its spans for the test to look at.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tracer_core::{MemoryReporter, Process, Sampler, SpanRecord, Tracer, TracerBuilder};

use crate::tree::TreeStyle;

/// How long spans may take to come: much longer than they do, and short enough to be told of a hang.
const PATIENCE: Duration = Duration::from_secs(10);
/// Spans kept: a test with more has a loop that does not end.
const CAPACITY: usize = 1_000_000;

/// A tracer that samples everything and keeps its spans, for one test.
///
/// Not installed for the process: give [`tracer`](Self::tracer) to what is tested, or make it the thread's
/// [default](Tracer::set_default).
///
/// When it is dropped and spans are left that nobody looked at, by [`tree`](Self::tree), [`spans`](Self::spans) or
/// [`assert_trace!`](crate::assert_trace), the test fails; not when it is failing already.
///
/// ```
/// let test = tracer_testing::TestTracer::new("shop");
/// test.tracer().start_span("order").set_tag("id", 7);
/// assert_eq!(test.tree(), "order {id=7}");
/// ```
#[derive(Debug)]
pub struct TestTracer {
    tracer: Tracer,
    others: Mutex<Vec<Tracer>>,
    memory: MemoryReporter,
    style: TreeStyle,
    strict: bool,
}

impl TestTracer {
    /// A tracer for a service of that name.
    ///
    /// # Panics
    /// When it cannot be set up.
    #[must_use]
    pub fn new(service_name: &str) -> Self {
        Self::with(service_name, |builder| builder)
    }

    /// As [`new`](Self::new), with further set-up: another sampler, propagation, limits, a second reporter.
    ///
    /// ```
    /// use tracer_core::Propagation;
    /// let test = tracer_testing::TestTracer::with("shop", |builder| builder.propagation([Propagation::B3Single]));
    /// ```
    ///
    /// # Panics
    /// When it cannot be set up.
    #[must_use]
    pub fn with(service_name: &str, set_up: impl FnOnce(TracerBuilder) -> TracerBuilder) -> Self {
        let memory = MemoryReporter::with_capacity(CAPACITY);
        let tracer = build(service_name, &memory, set_up);
        Self {
            tracer,
            others: Mutex::default(),
            memory,
            style: TreeStyle::new(),
            strict: false,
        }
    }

    /// Also fails, when dropped, if spans are still [open](Self::open), scopes were closed out of order, or something was set on a span
    /// after its end.
    ///
    /// ```should_panic
    /// let test = tracer_testing::TestTracer::new("shop").strict();
    /// let leaked = test.tracer().start_span("never finished");
    /// drop(test); // fails the test: "1 spans are still open"
    /// ```
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// As [`TreeStyle::hide`].
    #[must_use]
    pub fn hide(mut self, pattern: impl Into<String>) -> Self {
        self.style = std::mem::take(&mut self.style).hide(pattern);
        self
    }

    /// As [`TreeStyle::mask`].
    #[must_use]
    pub fn mask(mut self, pattern: impl Into<String>) -> Self {
        self.style = std::mem::take(&mut self.style).mask(pattern);
        self
    }

    /// As [`TreeStyle::show`].
    #[must_use]
    pub fn show(mut self, pattern: impl Into<String>) -> Self {
        self.style = std::mem::take(&mut self.style).show(pattern);
        self
    }

    /// The tracer.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// A tracer for another service, whose spans come to the same place: the far side of a call.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// let bank = test.service("bank");
    /// let order = test.tracer().start_active_span("order");
    /// bank.start_span("transfer").finish();
    /// drop(order);
    /// tracer_testing::assert_trace!(test, "order @shop\n  transfer @bank");
    /// ```
    ///
    /// # Panics
    /// When it cannot be set up.
    #[must_use]
    pub fn service(&self, service_name: &str) -> Tracer {
        self.service_with(service_name, |builder| builder)
    }

    /// As [`service`](Self::service), with further set-up.
    ///
    /// # Panics
    /// When it cannot be set up.
    #[must_use]
    pub fn service_with(
        &self,
        service_name: &str,
        set_up: impl FnOnce(TracerBuilder) -> TracerBuilder,
    ) -> Tracer {
        let tracer = build(service_name, &self.memory, set_up);
        self.others
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(tracer.clone());
        tracer
    }

    /// The spans finished so far, as a tree, which count as looked at: the next call gives later ones.
    ///
    /// # Panics
    /// When spans were lost on the way.
    #[must_use = "the spans are gone from the tracer"]
    pub fn tree(&self) -> String {
        self.style.render_services(&self.take())
    }

    /// The spans finished so far, in the order of their starts, which count as looked at.
    ///
    /// # Panics
    /// When spans were lost on the way.
    #[must_use = "the spans are gone from the tracer"]
    pub fn spans(&self) -> Vec<SpanRecord> {
        let mut spans: Vec<_> = self.take().into_iter().map(|(_, span)| span).collect();
        spans.sort_by_key(|span| (span.start_order(), span.span_id()));
        spans
    }

    /// Forgets the spans finished so far: they are not what the test is about.
    ///
    /// # Panics
    /// When spans were lost on the way.
    pub fn forget(&self) {
        drop(self.take());
    }

    /// Sampled spans that have started and not finished, of all services of this test. One that is active on another thread,
    /// and that nobody has asked for its context, is seen when it ends: as [`Stats::started`](tracer_core::Stats) has it.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.tracers()
            .iter()
            .map(|tracer| tracer.stats().open())
            .sum()
    }

    /// Waits, blocking the thread, until no span is [open](Self::open): for spans that end on other threads. What those begin
    /// and end by themselves is waited for by number, with [`settle_with`](Self::settle_with).
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// let span = test.tracer().start_span("import");
    /// std::thread::spawn(move || span.finish());
    /// assert_eq!(test.settle().tree(), "import");
    /// ```
    ///
    /// # Panics
    /// When some stay open for ten seconds.
    pub fn settle(&self) -> &Self {
        self.settle_with(0)
    }

    /// Waits, blocking the thread, until no span is [open](Self::open) and at least `count` have finished and were not looked
    /// at: for threads that may not even have begun.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// let tracer = test.tracer().clone();
    /// std::thread::spawn(move || drop(tracer.start_active_span("import")));
    /// assert_eq!(test.settle_with(1).tree(), "import");
    /// ```
    ///
    /// # Panics
    /// When that takes longer than ten seconds.
    pub fn settle_with(&self, count: usize) -> &Self {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_settled(deadline, count) {
            thread::yield_now();
        }
        self
    }

    /// Waits until no span is [open](Self::open): for spans that end in other tasks, which run meanwhile. On a runtime of several
    /// threads wait by number, with [`settled_with`](Self::settled_with).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use tracer_core::TraceFuture;
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// tokio::spawn(async {}.in_span(test.tracer().start_span("import")));
    /// assert_eq!(test.settled().await.tree(), "import");
    /// # }
    /// ```
    ///
    /// # Panics
    /// When some stay open for ten seconds.
    pub async fn settled(&self) -> &Self {
        self.settled_with(0).await
    }

    /// Waits until no span is [open](Self::open) and at least `count` have finished and were not looked at: for tasks that may
    /// not even have begun.
    ///
    /// # Panics
    /// When that takes longer than ten seconds.
    pub async fn settled_with(&self, count: usize) -> &Self {
        let deadline = Instant::now() + PATIENCE;
        std::future::poll_fn(|cx| {
            if self.is_settled(deadline, count) {
                return Poll::Ready(());
            }
            // What is waited for is other tasks' doing and tells nobody: look again after they had their turn.
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self
    }

    fn is_settled(&self, deadline: Instant, count: usize) -> bool {
        let open = self.open();
        if open == 0 {
            if count > 0 {
                self.flush();
            }
            if self.memory.len() >= count {
                return true;
            }
        }
        assert!(
            Instant::now() < deadline,
            "{open} spans are still open and {count} were waited for; finished are:\n{}",
            self.tree(),
        );
        false
    }

    fn tracers(&self) -> Vec<Tracer> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&self.tracer)
            .chain(others.iter())
            .cloned()
            .collect()
    }

    fn flush(&self) {
        for tracer in self.tracers() {
            if let Err(error) = tracer.flush(PATIENCE) {
                // After a shutdown everything has been handed to the collector.
                assert!(
                    !error.is_timeout(),
                    "spans of {:?} did not arrive: {error}",
                    tracer.service_name()
                );
            }
        }
    }

    fn take(&self) -> Vec<(Arc<Process>, SpanRecord)> {
        self.flush();
        for tracer in self.tracers() {
            let stats = tracer.stats();
            let lost = stats.lost() - stats.after_shutdown;
            assert!(
                lost == 0,
                "{lost} spans of {:?} were lost: {stats:?}",
                tracer.service_name()
            );
        }
        self.memory.take_with_process()
    }

    /// What a strict test is not to leave behind.
    fn complaint(&self) -> Option<String> {
        let stats: Vec<_> = self.tracers().iter().map(Tracer::stats).collect();
        let total = |count: fn(&tracer_core::Stats) -> u64| stats.iter().map(count).sum::<u64>();
        let found = [
            (total(tracer_core::Stats::open), "spans are still open"),
            (
                total(|stats| stats.out_of_order),
                "scopes were closed out of order",
            ),
            (
                total(|stats| stats.tags_ignored),
                "tags, logs or names were set where no span was there to record them",
            ),
        ];
        let lines: Vec<_> = found
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }
}

fn build(
    service_name: &str,
    memory: &MemoryReporter,
    set_up: impl FnOnce(TracerBuilder) -> TracerBuilder,
) -> Tracer {
    let builder = Tracer::builder(service_name)
        .sampler(Sampler::constant(true))
        .reporter(memory.clone());
    match set_up(builder).build() {
        Ok(tracer) => tracer,
        Err(error) => panic!("the tracer of {service_name:?} cannot be set up: {error}"),
    }
}

impl Drop for TestTracer {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let unread = self.tree();
        assert!(
            unread.is_empty(),
            "spans were left that the test did not look at:\n{unread}\n"
        );
        if let Some(complaint) = self.complaint().filter(|_| self.strict) {
            panic!("the test left its tracer in disorder: {complaint}");
        }
    }
}
