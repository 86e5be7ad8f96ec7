//! The future of a traced function of whose span nothing is known but where it is from.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::callsite::Callsite;
use crate::future::{InSpan, TraceFuture};
use crate::private::begin;
use crate::span::Span;

/// A future with a span that begins with the first poll. One that is ready then costs no more than a function that is not
/// asynchronous: its span is never moved.
#[inline]
pub fn traced<F: Future>(callsite: &'static Callsite, future: F) -> Traced<F> {
    Traced {
        future: future.in_span(Span::disabled()),
        callsite: Some(callsite),
    }
}

pin_project! {
    /// Made by [`traced`].
    #[derive(Debug)]
    pub struct Traced<F> {
        #[pin]
        future: InSpan<F>,
        // Until the first poll.
        callsite: Option<&'static Callsite>,
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.callsite.take() {
            Some(callsite) => this.future.poll_in(begin::enter(callsite), cx),
            None => this.future.poll(cx),
        }
    }
}
