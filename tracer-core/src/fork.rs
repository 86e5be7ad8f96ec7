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
        registry::unregister(old);
        // Under the old number, too: contexts from before the fork have it.
        tracer::register(self);
    }
}
