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
}

impl Spares {
    /// Keeps as many as there is room for, which is at least that.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            kept: Vec::with_capacity(most),
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, limits: Limits) -> Box<Details> {
        self.kept
            .pop()
            .unwrap_or_else(|| Box::new(Details::new(limits)))
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Box<Details>> {
        self.kept.pop()
    }

    #[inline]
    pub(crate) fn give(&mut self, mut details: Box<Details>) {
        if details.recycle() && self.kept.len() < self.kept.capacity() {
            self.kept.push(details);
        }
    }
}
