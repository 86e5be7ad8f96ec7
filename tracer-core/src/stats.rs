//! What a tracer did, and where spans were lost.

use crate::poll::PollStats;
use crate::report::ReporterStats;

/// What a tracer counted since it was built; see [`Tracer::stats`](crate::Tracer::stats).
///
/// The counters form a ledger. When no thread is between two of them:
/// `started = finished + open` and, for each reporter,
/// `finished = withdrawn + queue_full + not_kept + no_room + after_shutdown + held + queued + reported + lost`.
/// Where traces are decided about late ([`KeepPolicy`](crate::KeepPolicy),
/// [`Sampling::undecided`](crate::Sampling::undecided)) their spans are among those started and finished.
///
/// ```
/// # use tracer_core::{NullReporter, Sampler, Tracer};
/// let tracer = Tracer::builder("shop").sampler(Sampler::constant(true)).reporter(NullReporter).build()?;
/// let _open = tracer.start_span("order");
/// tracer.start_span("charge").finish();
/// let stats = tracer.stats();
/// assert_eq!((stats.started, stats.finished, stats.open(), stats.lost()), (2, 1, 1, 0));
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Recorded spans started. One that is entered and nobody asks for its context counts for other threads when it ends.
    pub started: u64,
    /// Recorded spans finished.
    pub finished: u64,
    /// Roots the sampler refused.
    pub refused: u64,
    /// Spans that `sampling.priority = 0` withdrew before they finished.
    pub withdrawn: u64,
    /// Finished spans dropped because the queue was full.
    pub queue_full: u64,
    /// Finished spans dropped because what was decided late about their trace was to drop it.
    pub not_kept: u64,
    /// Finished spans dropped because there was no room to hold them until that decision; with them went their trace.
    pub no_room: u64,
    /// Spans finished after [`shutdown`](crate::Tracer::shutdown).
    pub after_shutdown: u64,
    /// Finished spans of traces that are not decided about yet.
    pub held: u64,
    /// Bytes of these, and of spans that the reporters have not got yet since it was decided to keep them.
    pub held_bytes: u64,
    /// Finished spans that the reporters have not got yet.
    pub queued: u64,
    /// What became of the others, for each reporter in the order they were added.
    pub reporters: Vec<ReporterStats>,
    /// Tags, logs and names that were set where no span records them: after its end, or where only a context is active.
    pub tags_ignored: u64,
    /// Scopes that were closed in another order than they were opened.
    pub out_of_order: u64,
    /// Carriers whose context could not be read.
    pub extract_failures: u64,
    /// In the child of a fork: spans that were queued at that time. They are the parent's, who reports them, and are counted
    /// nowhere else here.
    pub left_to_parent: u64,
    /// Baggage items that were left out: the [policy](crate::BaggagePolicy) does not allow the key, or they exceed the limits
    /// of [`Baggage`](crate::Baggage).
    pub baggage_denied: u64,
    /// Baggage items whose value was cut to what the policy allows.
    pub baggage_truncated: u64,
    /// Debug traces that were asked for beyond the [throttle](crate::DebugThrottle).
    pub debug_throttled: u64,
    /// What the remote sampler asked for and got.
    pub sampler: PollStats,
    /// The same of a [`RemoteBaggagePolicy`](crate::RemoteBaggagePolicy).
    pub baggage_policy: PollStats,
    /// The same of a [`RemoteDebugThrottle`](crate::RemoteDebugThrottle).
    pub debug_throttle: PollStats,
}

impl Stats {
    /// Recorded spans that were started and have not finished.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.started.saturating_sub(self.finished)
    }

    /// All spans lost, by any cause and any reporter.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.queue_full
            + self.no_room
            + self.after_shutdown
            + self.reporters.iter().map(ReporterStats::lost).sum::<u64>()
    }
}
