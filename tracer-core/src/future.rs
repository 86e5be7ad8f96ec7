//! Spans of futures and streams: active during each poll and while the future is dropped, and at no other time.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::context::SpanContext;
use crate::local;
use crate::slot::SpanSlot;
use crate::span::Span;
use crate::tags;

/// Gives futures a span or a context of their own.
///
/// ```
/// use tracer_core::{TraceFuture, Tracer};
///
/// # async fn load() {}
/// # fn spawn(_: impl Future) {}
/// # let tracer = Tracer::disabled();
/// spawn(load().in_span(tracer.start_span("load"))); // a span of its own
/// spawn(load().in_current_context()); // part of what is active here
/// ```
pub trait TraceFuture: Future + Sized {
    /// Makes `span` active whenever this future is polled or dropped. The span finishes when the future is ready; one
    /// that is dropped before gets the tag `cancelled`.
    ///
    /// ```
    /// # use tracer_core::{TraceFuture, Tracer};
    /// # let tracer = Tracer::disabled();
    /// # async fn load() {}
    /// let future = load().in_span(tracer.start_span("load")); // for `tokio::spawn`, `join!`, `.await`
    /// ```
    fn in_span(self, span: Span) -> InSpan<Self> {
        InSpan {
            inner: Some(self),
            slot: SpanSlot::new(span),
        }
    }

    /// Makes the context that is active now active in this future: for tasks that are spawned, whose work belongs to the
    /// trace but not to the span of whoever spawned them.
    fn in_current_context(self) -> InSpan<Self> {
        InSpan {
            inner: Some(self),
            slot: SpanSlot::of_context(local::context()),
        }
    }

    /// Makes `context` active in this future.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use tracer_core::TraceFuture;
    /// # let order = tracer.start_span("order");
    /// let work = async { tracer.start_span("charge").finish() };
    /// futures_util::future::FutureExt::now_or_never(work.in_context(order.context()));
    /// # drop(order);
    /// # tracer_testing::assert_trace!(test, "order\n  charge");
    /// ```
    fn in_context(self, context: SpanContext) -> InSpan<Self> {
        InSpan {
            inner: Some(self),
            slot: SpanSlot::of_context(Some(context)),
        }
    }
}

impl<F: Future> TraceFuture for F {}

/// Gives streams a span or a context of their own.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// # use futures_util::{FutureExt, StreamExt, stream};
/// # use tracer_core::TraceStream;
/// let rows = stream::iter([1, 2]).in_span(tracer.start_span("rows")); // active whenever it makes the next one
/// let sum = rows.fold(0, async |sum, row| sum + row);
/// assert_eq!(sum.now_or_never(), Some(3));
/// # tracer_testing::assert_trace!(test, "rows {complete=true}");
/// ```
pub trait TraceStream: Stream + Sized {
    /// Makes `span` active whenever this stream is polled or dropped. The span finishes when the stream ends; one that
    /// is dropped before gets the tag `complete = false`.
    fn in_span(self, span: Span) -> StreamInSpan<Self> {
        StreamInSpan {
            inner: Some(self),
            slot: SpanSlot::new(span),
        }
    }

    /// Makes the context that is active now active in this stream.
    fn in_current_context(self) -> StreamInSpan<Self> {
        StreamInSpan {
            inner: Some(self),
            slot: SpanSlot::of_context(local::context()),
        }
    }

    /// Makes `context` active in this stream.
    fn in_context(self, context: SpanContext) -> StreamInSpan<Self> {
        StreamInSpan {
            inner: Some(self),
            slot: SpanSlot::of_context(Some(context)),
        }
    }
}

impl<S: Stream> TraceStream for S {}

pin_project! {
    /// A future with a span; made by [`TraceFuture`].
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use tracer_core::{InSpan, TraceFuture};
    /// struct Job(InSpan<std::future::Ready<()>>);
    ///
    /// let job = Job(std::future::ready(()).in_span(tracer.start_span("job")));
    /// drop(job); // never polled
    /// # tracer_testing::assert_trace!(test, "job {cancelled=true}");
    /// ```
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InSpan<F> {
        #[pin]
        inner: Option<F>,
        slot: SpanSlot,
    }

    impl<F> PinnedDrop for InSpan<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            drop_inner(this.inner, this.slot);
        }
    }
}

impl<F: Future> InSpan<F> {
    /// A call that just began.
    #[inline]
    pub(crate) fn of_call(span: Span, future: F) -> Self {
        Self {
            inner: Some(future),
            slot: SpanSlot::of_call(span),
        }
    }
}

/// Polls a future that is there, and drops it when it is ready.
#[inline]
pub(crate) fn poll_inner<F: Future>(
    mut inner: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    let Some(future) = inner.as_mut().as_pin_mut() else {
        return Poll::Pending;
    };
    let output = future.poll(cx);
    if output.is_ready() {
        inner.set(None);
    }
    output
}

/// Drops a future that is there, and so was not ready, in its span.
#[inline]
pub(crate) fn drop_inner<F>(inner: Pin<&mut Option<F>>, slot: &mut SpanSlot) {
    if inner.is_some() {
        cancel(inner, slot);
    }
}

/// In a function of its own, which alone saves registers for what it calls.
#[inline(never)]
fn cancel<F>(mut inner: Pin<&mut Option<F>>, slot: &mut SpanSlot) {
    slot.set_unfinished(tags::CANCELLED, true);
    slot.enter(|| inner.set(None));
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.slot.poll(|| poll_inner(this.inner, cx))
    }
}

pin_project! {
    /// A stream with a span; made by [`TraceStream`].
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// # use futures_util::stream::{self, Empty};
    /// # use tracer_core::{StreamInSpan, TraceStream};
    /// let rows: StreamInSpan<Empty<u32>> = stream::empty().in_span(tracer.start_span("rows"));
    /// drop(rows); // not read to its end
    /// # tracer_testing::assert_trace!(test, "rows {complete=false}");
    /// ```
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct StreamInSpan<S> {
        #[pin]
        inner: Option<S>,
        slot: SpanSlot,
    }

    impl<S> PinnedDrop for StreamInSpan<S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                this.slot.set_unfinished(tags::COMPLETE, false);
                this.slot.enter(|| this.inner.set(None));
            }
        }
    }
}

impl<S: Stream> Stream for StreamInSpan<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let (inner, slot) = (&mut this.inner, this.slot);
        let Some(stream) = inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let item = slot.enter(|| stream.poll_next(cx));
        if let Poll::Ready(None) = item {
            slot.enter(|| inner.set(None));
            slot.set_unfinished(tags::COMPLETE, true);
            slot.finish();
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}
