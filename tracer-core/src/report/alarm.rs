//! What the log is told of losses: that they begin, and that they are over.

use crate::guarded::guarded;

/// Logs the first of a row of losses, and the recovery.
#[derive(Default)]
pub(super) struct Alarm {
    lost: u64,
    arrived: u64,
    raised: bool,
}

impl Alarm {
    /// Compares the counts with those known. That nothing was lost is no recovery where nothing was sent.
    pub(super) fn judge(&mut self, lost: u64, arrived: u64, why: impl FnOnce() -> String) {
        if lost > self.lost {
            if !self.raised {
                let why = why();
                guarded(|| log::warn!("tracer: spans are being lost: {why} ({lost} so far)"));
            }
            self.raised = true;
        } else if self.raised && arrived > self.arrived {
            guarded(|| log::info!("tracer: spans arrive again ({lost} were lost so far)"));
            self.raised = false;
        }
        (self.lost, self.arrived) = (lost, arrived);
    }
}
