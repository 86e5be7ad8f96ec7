//! The body of a response, which carries the span of its exchange to the last byte.

use std::any;
use std::fmt;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tracer_core::{SpanKind, SpanSlot, tags};

use crate::conventions::{Conventions, open_telemetry};
use crate::end::Rest;
use crate::{grpc, refused};

pin_project! {
    /// The body of a traced response.
    ///
    /// The span of the exchange is active at each poll and while the body is dropped. It finishes with the last byte, if
    /// the body says then that it has ended, with its trailers, with an error, or when the body is dropped. A body given up
    /// before the bytes that were declared, or its end, tags the span of a client with `complete = false`, and that of a
    /// server, once it was polled, with `http.client_gone = body`; neither is an error.
    #[derive(Debug)]
    pub struct ResponseBody<B>
    where
        B: Body,
    {
        #[pin]
        inner: Option<B>,
        tail: Option<Tail>,
        describe: Describe<B::Error>,
    }

    impl<B> PinnedDrop for ResponseBody<B>
    where
        B: Body,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let (Some(tail), true) = (this.tail, this.inner.is_some()) {
                tail.slot.enter(|| this.inner.set(None));
                tail.abandon();
            }
        }
    }
}

/// Tells the sort of an error and what happened.
pub(crate) type Describe<E> = fn(&E) -> (&'static str, String);

/// The span of an exchange and what is still to come of it; the span finishes when this is dropped.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) slot: SpanSlot,
    pub(crate) rest: Rest,
    /// Who never polls a body of a server, as a layer that puts another in its place, is no client that has gone.
    pub(crate) was_polled: bool,
    pub(crate) kind: SpanKind,
    pub(crate) conventions: Conventions,
    /// How long the span may last.
    pub(crate) limit: Option<Duration>,
}

impl<B: Body> ResponseBody<B> {
    pub(crate) fn new(inner: B, tail: Option<Tail>, describe: Describe<B::Error>) -> Self {
        Self {
            inner: Some(inner),
            tail,
            describe,
        }
    }

    /// A body of no traced exchange.
    pub(crate) fn untraced(inner: B) -> Self
    where
        B::Error: fmt::Display,
    {
        Self::new(inner, None, by_display)
    }
}

/// Describes an error by its type and its own words.
pub(crate) fn by_display<E: fmt::Display>(error: &E) -> (&'static str, String) {
    (any::type_name::<E>(), error.to_string())
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(mut inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(None);
        };
        let Some(tail) = this.tail else {
            return inner.poll_frame(cx);
        };
        tail.was_polled = true;
        let Tail { slot, rest, .. } = tail;
        // Not an output of the work: it would be moved when the span has ended, and wait for what was written for that.
        let mut polled = Poll::Pending;
        slot.enter_until(|| {
            polled = inner.as_mut().poll_frame(cx);
            let is_over = match &polled {
                Poll::Ready(Some(Ok(frame))) => frame.data_ref().is_some_and(|data| {
                    *rest = rest.after_data(data.remaining() as u64, || inner.is_end_stream());
                    *rest == Rest::Nothing
                }),
                Poll::Ready(None) => true,
                Poll::Ready(Some(Err(_))) | Poll::Pending => false,
            };
            if is_over {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        match &polled {
            Poll::Pending => return polled,
            Poll::Ready(Some(Ok(frame))) => match frame.trailers_ref() {
                Some(trailers) => tail.on_trailers(trailers),
                None => tail.keep_limit(),
            },
            Poll::Ready(Some(Err(error))) => tail.on_error(error, *this.describe),
            Poll::Ready(None) => tail.rest = Rest::Nothing,
        }
        if tail.rest == Rest::Nothing {
            *this.tail = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Body<Error: fmt::Display> + Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::untraced(B::default())
    }
}

impl Tail {
    /// Ends a span that has lasted for too long.
    #[inline]
    fn keep_limit(&mut self) {
        if self.rest.is_missed()
            && let Some(limit) = self.limit
        {
            self.keep(limit);
        }
    }

    #[inline(never)]
    fn keep(&mut self, limit: Duration) {
        if self.slot.span().elapsed() > limit {
            self.slot.span().set_tag(tags::COMPLETE, false);
            self.slot = SpanSlot::of_context(Some(refused::context()));
            self.rest = Rest::End;
        }
    }

    #[inline(never)]
    fn on_trailers(&mut self, trailers: &HeaderMap) {
        if self.slot.span().is_recording()
            && matches!(self.rest, Rest::Trailers { .. })
            && let Some(status) = grpc::status(trailers)
        {
            grpc::set_status(self.slot.span(), self.conventions, self.kind, status);
        }
        self.rest = Rest::Nothing;
    }

    #[inline(never)]
    fn on_error<E>(&mut self, error: &E, describe: Describe<E>) {
        if self.slot.span().is_recording() {
            let (kind, message) = describe(error);
            log_failure(&mut self.slot, self.conventions, kind, Some(&message));
        }
        self.rest = Rest::Nothing;
    }

    #[inline(never)]
    fn abandon(&mut self) {
        if self.rest.is_missed() && !self.slot.panicked() && self.slot.span().is_recording() {
            match self.kind {
                SpanKind::Server if !self.was_polled => {}
                SpanKind::Server => {
                    self.slot.span().set_tag(tags::HTTP_CLIENT_GONE, "body");
                }
                SpanKind::Client | SpanKind::Producer | SpanKind::Consumer => {
                    self.slot.span().set_tag(tags::COMPLETE, false);
                }
            }
        }
    }
}

/// Marks the span as failed and logs why, by the conventions for errors.
#[inline(never)]
pub(crate) fn log_failure(
    slot: &mut SpanSlot,
    conventions: Conventions,
    kind: &str,
    message: Option<&dyn fmt::Display>,
) {
    let span = slot.span();
    if !span.is_recording() {
        return;
    }
    span.set_tag(tags::ERROR, true);
    if conventions == Conventions::OpenTelemetry {
        span.set_tag(open_telemetry::ERROR_TYPE, kind);
    }
    match message {
        Some(message) => {
            span.log((
                (tags::EVENT, "error"),
                (tags::ERROR_KIND, kind),
                (tags::MESSAGE, message.to_string()),
            ));
        }
        None => {
            span.log(((tags::EVENT, "error"), (tags::ERROR_KIND, kind)));
        }
    }
}
