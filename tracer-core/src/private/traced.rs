//! The future of a traced function of whose span nothing is known but where it is from.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::callsite::Callsite;
use crate::future::{drop_inner, poll_inner};
use crate::local;
use crate::name::SiteNumber;
use crate::pending::Waiting;
use crate::private::begin;
use crate::slot::SpanSlot;

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
        inner: Some(future),
        slot: SpanSlot::unbegun(),
        callsite,
        waiting: None,
    }
}

pin_project! {
    /// Made by [`traced`]. No [`InSpan`](crate::InSpan) in it: the compiler bounds how deep futures lie in each other, and
    /// counts every type on the way.
    #[derive(Debug)]
    pub struct Traced<F, S> {
        #[pin]
        inner: Option<F>,
        slot: SpanSlot,
        callsite: S,
        // Its span between two polls, as long as that is only noted. Later the slot has it.
        waiting: Option<Box<Waiting>>,
    }

    impl<F, S> PinnedDrop for Traced<F, S> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(waiting) = this.waiting.take() {
                this.slot.hold(waiting);
            }
            drop_inner(this.inner, this.slot);
        }
    }
}

impl<F: Future, S: Fn() -> Site> Future for Traced<F, S> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let (inner, slot) = (this.inner, this.slot);
        let place = match this.waiting {
            Some(waiting) => local::resume(waiting),
            None if slot.is_beginning() => {
                let (callsite, number) = (this.callsite)();
                Some(begin::enter(callsite, number).into_place())
            }
            None => None,
        };
        if let Some(place) = place {
            return slot.begin(place, this.waiting, || poll_inner(inner, cx));
        }
        if let Some(waiting) = this.waiting.take() {
            slot.hold(waiting);
        }
        slot.poll(|| poll_inner(inner, cx))
    }
}

#[cfg(test)]
mod tests;
