//! The future of a traced function of whose span nothing is known but where it is from.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::callsite::Callsite;
use crate::future::InSpan;
use crate::local;
use crate::name::SiteNumber;
use crate::pending::Waiting;
use crate::private::begin;

/// Where a traced function stands, and the number of its name.
type Site = (&'static Callsite, Option<&'static SiteNumber>);

/// A future with a span that begins with the first poll. One that is ready then, or is awaited where it was called, costs little
/// more than a function that is not asynchronous: its span is never moved.
///
/// `callsite` is a function, which takes no room in the future.
#[inline]
pub const fn traced<F, S>(callsite: S, future: F) -> Traced<F, S>
where
    F: Future,
    S: Fn() -> Site,
{
    Traced {
        future: InSpan::unbegun(future),
        callsite,
        waiting: None,
    }
}

pin_project! {
    /// Made by [`traced`].
    #[derive(Debug)]
    pub struct Traced<F, S> {
        #[pin]
        future: InSpan<F>,
        callsite: S,
        // Its span between two polls, as long as that is only noted. Later the future has it.
        waiting: Option<Box<Waiting>>,
    }

    impl<F, S> PinnedDrop for Traced<F, S> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(waiting) = this.waiting.take() {
                this.future.hold(waiting);
            }
        }
    }
}

impl<F: Future, S: Fn() -> Site> Future for Traced<F, S> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let place = match this.waiting {
            Some(waiting) => local::resume(waiting),
            None if this.future.as_mut().is_beginning() => {
                let (callsite, number) = (this.callsite)();
                Some(begin::enter(callsite, number).into_place())
            }
            None => None,
        };
        if let Some(place) = place {
            return this.future.poll_in(place, this.waiting, cx);
        }
        if let Some(waiting) = this.waiting.take() {
            this.future.as_mut().hold(waiting);
        }
        this.future.poll(cx)
    }
}

#[cfg(test)]
mod tests;
