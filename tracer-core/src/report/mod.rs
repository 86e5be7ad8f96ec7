//! Reporters: where finished spans go.
//!
//! Threads move finished spans into rings ([`queue`]); one OS thread per tracer ([`worker`]) empties them and hands each
//! slice, in place, to every reporter. Nothing here runs on an application's thread.

pub(crate) mod account;
mod alarm;
mod blocks;
mod console;
pub(crate) mod drain;
mod http;
pub(crate) mod lane;
pub(crate) mod line;
mod loss;
mod memory;
#[cfg(all(test, loom))]
mod models;
mod null;
mod packet;
mod peer;
pub(crate) mod queue;
mod reporter_stats;
pub(crate) mod ring;
mod socket;
pub(crate) mod udp;
pub(crate) mod worker;

pub use console::ConsoleReporter;
pub use http::HttpReporter;
pub(crate) use http::has_wrong_port;
pub use memory::MemoryReporter;
pub use null::NullReporter;
pub use reporter_stats::ReporterStats;
pub use udp::UdpReporter;

use std::fmt;

use crate::process::Process;
use crate::record::SpanRecord;

/// Takes finished spans somewhere: to an agent, a collector, a file.
///
/// A tracer owns its reporters and calls them from its own thread, one call at a time, so a reporter may block (within
/// reason: while it does, queues fill and further spans are dropped and counted) and needs no locks. Spans that it starts
/// itself are no-ops. A panic is caught, counted as the loss of the batch, and the reporter is used again.
///
/// ```
/// use tracer_core::{Process, ReportError, Reporter, SpanRecord, Tracer};
///
/// struct Names(std::sync::mpsc::Sender<String>);
///
/// impl Reporter for Names {
///     fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
///         for span in batch {
///             self.0.send(span.operation_name().to_owned()).map_err(|_| ReportError::io(batch.len(), "nobody listens"))?;
///         }
///         Ok(())
///     }
/// }
/// # let _ = |sender| Tracer::builder("shop").reporter(Names(sender));
/// ```
pub trait Reporter: Send + 'static {
    /// Takes a batch of finished spans of one process. It may keep them for a fuller message until
    /// [`flush`](Self::flush), but must bound what it keeps.
    ///
    /// # Errors
    /// When spans were lost: now, or kept ones from earlier batches. The error says how many; the tracer counts them and
    /// logs the first failure and the recovery.
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError>;

    /// Sends what is kept. Called at each flush interval and before a flush or shutdown is answered.
    ///
    /// # Errors
    /// As [`report`](Self::report).
    fn flush(&mut self) -> Result<(), ReportError> {
        Ok(())
    }

    /// Hears what the tracer lost so far, before each flush: the UDP reporter tells the agent so.
    fn losses(&mut self, _losses: Losses) {}

    /// What makes a reporter to the same place that shares nothing with this one: asked for at set-up, and called in the
    /// child of a fork by [`after_fork`](crate::after_fork), where this one cannot be reached. `None`, as by default, says
    /// that there can be none, and the spans of a child are then lost and counted.
    ///
    /// ```
    /// # use tracer_core::{MakeReporter, Process, ReportError, Reporter, SpanRecord};
    /// #[derive(Clone)]
    /// struct ToFile(std::path::PathBuf);
    ///
    /// impl Reporter for ToFile {
    ///     fn for_child(&self) -> Option<MakeReporter> {
    ///         let reporter = self.clone();
    ///         Some(Box::new(move || Box::new(reporter.clone())))
    ///     }
    /// #   fn report(&mut self, _: &Process, _: &[SpanRecord]) -> Result<(), ReportError> { Ok(()) }
    /// }
    /// ```
    fn for_child(&self) -> Option<MakeReporter> {
        None
    }
}

/// Makes reporters; see [`Reporter::for_child`].
///
/// ```
/// use tracer_core::{MakeReporter, NullReporter, Reporter};
///
/// let make: MakeReporter = NullReporter.for_child().expect("it can be had anew");
/// let _in_the_child: Box<dyn Reporter> = make();
/// ```
pub type MakeReporter = Box<dyn Fn() -> Box<dyn Reporter> + Send + Sync>;

/// Why a reporter lost spans.
///
/// ```
/// # use tracer_core::{LossCause, ReportError};
/// let error = ReportError::new(2, LossCause::Refused, "the collector answered 503");
/// assert_eq!((error.cause(), error.lost()), (LossCause::Refused, 2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LossCause {
    /// The operating system or the network refused to send.
    Io,
    /// The receiver refused: nothing listens, or it answered with an error.
    Refused,
    /// A span does not fit into a message even with its tags and logs cut.
    TooLarge,
}

/// Spans were lost by a reporter.
///
/// ```
/// # use tracer_core::{LossCause, ReportError};
/// let error = ReportError::io(5, "the disk is full").and(1, LossCause::TooLarge);
/// assert_eq!((error.lost(), error.lost_to(LossCause::TooLarge)), (6, 1));
/// assert_eq!(error.to_string(), "the disk is full");
/// ```
#[derive(Debug)]
pub struct ReportError {
    pub(crate) lost: usize,
    pub(crate) cause: LossCause,
    pub(crate) message: String,
    /// `lost` by cause, in the order of [`LossCause`].
    counts: [usize; 3],
}

impl ReportError {
    /// `lost` spans could not be sent for the reason that `message` gives.
    #[must_use]
    pub fn io(lost: usize, message: impl fmt::Display) -> Self {
        Self::new(lost, LossCause::Io, message)
    }

    /// `lost` spans could not be sent for the reason that `cause` names and `message` explains.
    #[must_use]
    pub fn new(lost: usize, cause: LossCause, message: impl fmt::Display) -> Self {
        let mut counts = [0; 3];
        counts[cause as usize] = lost;
        Self {
            lost,
            cause,
            message: message.to_string(),
            counts,
        }
    }

    /// The same error with `lost` more spans, for a reporter that loses spans to several causes in one call.
    #[must_use]
    pub fn and(mut self, lost: usize, cause: LossCause) -> Self {
        let count = &mut self.counts[cause as usize];
        *count = count.saturating_add(lost);
        self.lost = self.lost.saturating_add(lost);
        self
    }

    /// How many spans were lost.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.lost
    }

    /// How many of them were lost to `cause`.
    #[must_use]
    pub fn lost_to(&self, cause: LossCause) -> usize {
        self.counts[cause as usize]
    }

    /// Why; the first cause if there are several.
    #[must_use]
    pub fn cause(&self) -> LossCause {
        self.cause
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReportError {}

/// Spans lost since a tracer began, by the causes Jaeger's `ClientStats` knows.
///
/// ```
/// # use tracer_core::{Losses, Process, ReportError, Reporter, SpanRecord};
/// /// Writes spans somewhere, and how many never came here.
/// struct Diary(Vec<String>);
///
/// impl Reporter for Diary {
///     fn losses(&mut self, losses: Losses) {
///         self.0.push(format!("{} spans found the queue full", losses.queue_full));
///     }
/// #   fn report(&mut self, _: &Process, _: &[SpanRecord]) -> Result<(), ReportError> { Ok(()) }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Losses {
    /// Queues were full.
    pub queue_full: u64,
    /// A span did not fit into a message.
    pub too_large: u64,
    /// Sending failed.
    pub failed: u64,
}
