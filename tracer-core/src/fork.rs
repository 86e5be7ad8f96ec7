//! Tracers in the child of a fork.
//!
//! Of the threads of a process only the one that forks goes on in the child. What the others had locked stays locked, so
//! nothing of theirs is waited for: each tracer gets a hub, a reporter thread and reporters of its own. It also gets another
//! number, by which the spans that were open at the fork are told from the child's: those are the parent's, who reports them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::held;
use crate::local;
use crate::process::{self, Process};
use crate::record::SpanRecord;
use crate::registry;
use crate::report::worker::Worker;
use crate::report::{MakeReporter, ReportError, Reporter};
use crate::tracer::{self, Core};

/// What the reporter thread of a child begins with.
pub(crate) struct Estate {
    reporters: Vec<Option<MakeReporter>>,
    flush_interval: Duration,
    /// Whether `client-uuid` is one we drew: a child draws its own.
    draws_uuid: bool,
}

impl Estate {
    pub(crate) fn new(
        reporters: &[Box<dyn Reporter>],
        flush_interval: Duration,
        draws_uuid: bool,
    ) -> Self {
        Self {
            reporters: reporters
                .iter()
                .map(|reporter| reporter.for_child())
                .collect(),
            flush_interval,
            draws_uuid,
        }
    }

    fn reporters(&self) -> Vec<Box<dyn Reporter>> {
        let make = |make: &MakeReporter| catch_unwind(AssertUnwindSafe(make)).ok();
        self.reporters
            .iter()
            .map(|maker| {
                maker
                    .as_ref()
                    .and_then(make)
                    .unwrap_or_else(|| Box::new(Missing))
            })
            .collect()
    }
}

/// Stands for a reporter that a child cannot have.
struct Missing;

impl Reporter for Missing {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        Err(ReportError::io(
            batch.len(),
            "this reporter is not for the child of a fork",
        ))
    }
}

/// Prepares the child of a fork; see [`after_fork`](crate::after_fork).
pub(crate) fn begin_child() {
    local::after_fork();
    held::leave_to_parent();
    for core in tracer::all() {
        core.begin_child();
    }
}

impl Core {
    fn begin_child(self: &Arc<Self>) {
        let mut process = self.process.clone();
        if self.estate.draws_uuid {
            process.set_tag(process::CLIENT_UUID, process::client_uuid());
        }
        let policies = self.policies.load().for_child(&self.sampler, &process);
        #[expect(
            clippy::mem_forget,
            reason = "it has channels to threads that are gone and may have held their locks"
        )]
        std::mem::forget(self.policies.swap(Arc::new(policies)));

        let before = self.hub.load_full();
        let hub = Arc::new(before.for_child());
        let (reporters, interval) = (self.estate.reporters(), self.estate.flush_interval);
        if before.is_closed() {
            hub.end();
        } else if let Err(error) = Worker::start(&hub, process, reporters, interval) {
            log::error!("tracer: the reporter thread cannot be started in a child: {error}");
            hub.end();
        }
        let id = registry::register(&hub);
        self.hub.store(hub);
        let old = self.id.swap(id, Ordering::Relaxed);
        registry::renumber(old, id);
        // Under the old number, too: contexts from before the fork have it.
        tracer::register(self);
    }
}

#[cfg(all(test, unix, not(loom)))]
mod tests {
    use std::pin::{Pin, pin};
    use std::process::{Command, exit};
    use std::task::{Context, Poll, Waker};

    use fork::{Fork, fork, waitpid};

    use super::*;
    use crate::callsite::Callsite;
    use crate::private;
    use crate::tree::{PATIENCE, tree};
    use crate::{MemoryReporter, Sampler, TraceFuture, Tracer, after_fork};

    static SITE: Callsite = Callsite::new("traced", "tests", "tests.rs", 1);

    /// Reports in a child as well.
    #[derive(Clone)]
    struct Everywhere(MemoryReporter);

    impl Reporter for Everywhere {
        fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
            self.0.report(process, batch)
        }

        fn for_child(&self) -> Option<MakeReporter> {
            let reporter = self.clone();
            Some(Box::new(move || Box::new(reporter.clone())))
        }
    }

    fn call() {
        private::enter(&SITE, None).finish();
    }

    fn poll(future: &mut Pin<&mut impl Future>) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        future.as_mut().poll(&mut cx).is_ready()
    }

    #[test]
    #[expect(clippy::exit, reason = "the child must not run the parent's code on")]
    fn traced_functions_of_a_child_follow_contexts_from_before_the_fork() {
        const NAME: &str =
            "fork::tests::traced_functions_of_a_child_follow_contexts_from_before_the_fork";
        // In a process of its own: what other tests have locked here stays locked in a child.
        if std::env::var_os(NAME).is_none() {
            let mut alone = Command::new(std::env::current_exe().unwrap());
            let status = alone.args([NAME, "--exact"]).env(NAME, "").status();
            assert!(status.unwrap().success());
            return;
        }
        let memory = MemoryReporter::new();
        let builder = Tracer::builder("fork").sampler(Sampler::constant(true));
        let tracer = builder
            .reporter(Everywhere(memory.clone()))
            .build()
            .unwrap();
        let parent = tracer.start_span("parent").context();
        let mut is_begun = false;
        let work = std::future::poll_fn(|_| {
            if std::mem::replace(&mut is_begun, true) {
                call();
                return Poll::Ready(());
            }
            Poll::Pending
        });
        let mut begun = pin!(work.in_span(tracer.start_span("begun")));
        assert!(!poll(&mut begun));
        let mut later = pin!(async { call() }.in_context(parent.clone()));
        tracer.flush(PATIENCE).unwrap();
        let _ = memory.take();
        match fork().unwrap() {
            Fork::Child => {
                let caught = catch_unwind(AssertUnwindSafe(|| {
                    after_fork();
                    parent.in_scope(call);
                    assert!(poll(&mut later) && poll(&mut begun));
                    tracer.flush(PATIENCE).unwrap();
                    assert_eq!(tree(&memory.take()), "traced\ntraced\ntraced\n");
                    assert_eq!(tracer.stats().finished, 3);
                }));
                exit(i32::from(caught.is_err()));
            }
            Fork::Parent(pid) => assert_eq!(waitpid(pid).unwrap(), 0),
        }
    }
}
