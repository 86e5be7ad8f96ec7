//! Details between two spans.

use super::{Details, Limits};

/// Emptied details. The ones used last come first: they are still in the cache.
#[derive(Debug)]
pub(crate) struct Spares {
    #[expect(
        clippy::vec_box,
        reason = "records hold the boxes, which go back and forth"
    )]
    kept: Vec<Box<Details>>,
    /// Of those that are kept, whatever they had.
    limits: Limits,
}

impl Spares {
    /// Keeps as many as there is room for, which is at least that.
    pub(crate) fn new(most: usize, limits: Limits) -> Self {
        Self {
            kept: Vec::with_capacity(most),
            limits,
        }
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Box<Details> {
        self.kept
            .pop()
            .unwrap_or_else(|| Box::new(Details::new(self.limits)))
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Box<Details>> {
        self.kept.pop()
    }

    #[inline]
    pub(crate) fn give(&mut self, mut details: Box<Details>) {
        if details.recycle() && self.kept.len() < self.kept.capacity() {
            details.limits = self.limits;
            self.kept.push(details);
        }
    }
}
