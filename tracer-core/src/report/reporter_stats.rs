//! What became of the spans that one reporter got.

use crate::report::LossCause;

/// What one reporter did with the spans it got.
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
