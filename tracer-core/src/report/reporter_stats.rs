//! What became of the spans that one reporter got.

use crate::report::LossCause;

/// What one reporter did with the spans it got.
///
/// ```
/// # use std::time::Duration;
/// # use tracer_core::{MemoryReporter, Sampler, Tracer};
/// let small = MemoryReporter::with_capacity(1);
/// let tracer = Tracer::builder("shop").sampler(Sampler::constant(true)).reporter(small).build()?;
/// (0..3).for_each(|_| tracer.start_span("order").finish());
/// tracer.flush(Duration::from_secs(1))?;
/// let of_memory = tracer.stats().reporters[0];
/// assert_eq!((of_memory.reported, of_memory.lost()), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReporterStats {
    /// Spans it took and did not lose.
    pub reported: u64,
    /// Spans lost because sending failed.
    pub io: u64,
    /// Spans lost because the receiver refused them.
    pub refused: u64,
    /// Spans lost because they did not fit into a message.
    pub too_large: u64,
}

impl ReporterStats {
    /// All spans it lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.io + self.refused + self.too_large
    }

    pub(crate) fn lose(&mut self, cause: LossCause, count: u64) {
        match cause {
            LossCause::Io => self.io += count,
            LossCause::Refused => self.refused += count,
            LossCause::TooLarge => self.too_large += count,
        }
    }
}
