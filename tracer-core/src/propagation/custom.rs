//! Formats of the user's, whose code may panic.

use std::fmt;

use super::{Propagator, ReadCarrier, WriteCarrier};
use crate::context::SpanContext;
use crate::error::ExtractError;
use crate::guarded::guarded;

pub(super) struct Custom<P>(pub(super) P);

impl<P: Propagator> Propagator for Custom<P> {
    fn inject(&self, context: &SpanContext, carrier: &mut dyn WriteCarrier) {
        guarded(|| self.0.inject(context, carrier));
    }

    fn extract(&self, carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
        let panicked = Err(ExtractError::Corrupted("the propagator panicked"));
        guarded(|| self.0.extract(carrier)).unwrap_or(panicked)
    }
}

/// As the user's.
impl<P: Propagator> fmt::Debug for Custom<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
