//! How the span of a function that gives back a future or a stream in a box gets into it.

use std::cell::Cell;
use std::fmt;

use futures_core::Stream;

use crate::active::ActiveSpan;
use crate::callsite::Callsite;
use crate::future::{InSpan, StreamInSpan};
use crate::private::begin::leave;
use crate::private::outcome::{self, Observed, ObservedItems};
use crate::scope::Scope;
use crate::span::Span;

/// Holds the span while the body of the function runs.
///
/// The macro gives the span to the future inside of the box at each `Box::pin(..)` it can see the function return, and asks at
/// the end whether one of them was reached. If not, the function returned a box made elsewhere, which is boxed once more.
pub struct Handover {
    scope: Cell<Option<Scope>>,
    site: &'static Callsite,
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").finish_non_exhaustive()
    }
}

impl Handover {
    pub const fn new(scope: Scope, site: &'static Callsite) -> Self {
        Self {
            scope: Cell::new(Some(scope)),
            site,
        }
    }

    fn claim(&self) -> Span {
        self.unclaimed().unwrap_or(Span::disabled())
    }

    /// The span, if no future got it.
    pub fn unclaimed(&self) -> Option<Span> {
        self.scope.take().map(|scope| leave(scope, self.site))
    }

    pub fn in_span<F: Future>(&self, future: F) -> InSpan<F> {
        outcome::in_span(self.claim(), future)
    }

    pub fn in_span_with<T, F, O>(&self, future: F, observe: O) -> InSpan<Observed<F, O>>
    where
        F: Future<Output = T>,
        O: FnOnce(&T, &ActiveSpan),
    {
        outcome::in_span_with(self.claim(), future, observe)
    }

    pub fn stream_in_span<S: Stream>(&self, stream: S) -> StreamInSpan<S> {
        outcome::stream_in_span(self.claim(), stream)
    }

    pub fn stream_in_span_with<T, S, O>(
        &self,
        stream: S,
        observe: O,
    ) -> StreamInSpan<ObservedItems<S, O>>
    where
        S: Stream<Item = T>,
        O: FnMut(&T, &ActiveSpan) -> bool,
    {
        outcome::stream_in_span_with(self.claim(), stream, observe)
    }
}
