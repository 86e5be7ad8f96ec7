//! What a traced function came to: `ret` and `err`.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::active::{ActiveSpan, active_span};
use crate::edit;
use crate::future::{InSpan, StreamInSpan, TraceStream};
use crate::private::text::with_text;
use crate::span::Span;
use crate::tags;

/// Calls the body of a function whose result is looked at. That it is `FnOnce` tells the compiler that the body may move
/// and lend out what it captured, as the body of a function may.
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Makes the future it is called in own a variable.
#[inline]
pub const fn hold<T: ?Sized>(_: &T) {}

/// `Box::pin`, for crates without `std`.
pub fn pinned<T>(value: T) -> Pin<Box<T>> {
    Box::pin(value)
}

/// As [`TraceFuture::in_span`](crate::TraceFuture::in_span), for the span of a call.
#[inline]
pub fn in_span<F: Future>(span: Span, future: F) -> InSpan<F> {
    InSpan::of_call(span, future)
}

/// As [`TraceStream::in_span`], without the trait in scope.
pub fn stream_in_span<S: Stream>(span: Span, stream: S) -> StreamInSpan<S> {
    TraceStream::in_span(stream, span)
}

/// As [`in_span`]; `observe` sees the output while the span is active.
pub fn in_span_with<T, F, O>(span: Span, future: F, observe: O) -> InSpan<Observed<F, O>>
where
    F: Future<Output = T>,
    O: FnOnce(&T, &ActiveSpan),
{
    // Without a span of its own, the active one is somebody else's.
    let observe = span.is_present().then_some(observe);
    in_span(span, Observed { future, observe })
}

/// As [`stream_in_span`]; `observe` sees the items while the span is active, until it has seen enough.
pub fn stream_in_span_with<T, S, O>(
    span: Span,
    stream: S,
    observe: O,
) -> StreamInSpan<ObservedItems<S, O>>
where
    S: Stream<Item = T>,
    O: FnMut(&T, &ActiveSpan) -> bool,
{
    // Without a span of its own, the active one is somebody else's.
    let observe = span.is_present().then_some(observe);
    stream_in_span(span, ObservedItems { stream, observe })
}

pin_project! {
    /// A future whose output is looked at.
    #[derive(Debug)]
    pub struct Observed<F, O> {
        #[pin]
        future: F,
        observe: Option<O>,
    }
}

impl<F: Future, O: FnOnce(&F::Output, &ActiveSpan)> Future for Observed<F, O> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let output = this.future.poll(cx);
        if let Poll::Ready(output) = &output
            && let Some(observe) = this.observe.take()
        {
            observe(output, &active_span());
        }
        output
    }
}

pin_project! {
    /// A stream whose items are looked at.
    #[derive(Debug)]
    pub struct ObservedItems<S, O> {
        #[pin]
        stream: S,
        // `None` when it has seen enough.
        observe: Option<O>,
    }
}

impl<S: Stream, O: FnMut(&S::Item, &ActiveSpan) -> bool> Stream for ObservedItems<S, O> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let item = this.stream.poll_next(cx);
        if let Poll::Ready(Some(item)) = &item
            && let Some(observe) = this.observe
            && observe(item, &active_span())
        {
            *this.observe = None;
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

/// Finds the best account an error can give of itself. The macro writes `(&&&&&Fault(error)).log(span)`; method lookup takes
/// the first of [`ViaError`], [`ViaCause`], [`ViaLocalCause`] and [`ViaDisplay`] whose bounds hold. The method of `Fault`
/// itself comes last and always fits, and its bound makes the error.
#[derive(Debug)]
pub struct Fault<'e, E: ?Sized>(pub &'e E);

/// An error with causes.
pub trait ViaError {
    fn log(&self, span: &ActiveSpan);
}

impl<E: Error> ViaError for &&&&Fault<'_, E> {
    fn log(&self, span: &ActiveSpan) {
        span.log_error(self.0);
    }
}

/// A box around an error with causes: `Box<dyn Error + Send + Sync>`, `anyhow::Error`.
pub trait ViaCause {
    fn log(&self, span: &ActiveSpan);
}

impl<'d, E: AsRef<dyn Error + Send + Sync + 'd>> ViaCause for &&&Fault<'_, E> {
    fn log(&self, span: &ActiveSpan) {
        log::<E>(span, format_args!("{}", edit::describe(self.0.as_ref())));
    }
}

/// The same for one thread: `Box<dyn Error>`.
pub trait ViaLocalCause {
    fn log(&self, span: &ActiveSpan);
}

impl<'d, E: AsRef<dyn Error + 'd>> ViaLocalCause for &&Fault<'_, E> {
    fn log(&self, span: &ActiveSpan) {
        log::<E>(span, format_args!("{}", edit::describe(self.0.as_ref())));
    }
}

/// Anything that can be shown.
pub trait ViaDisplay {
    fn log(&self, span: &ActiveSpan);
}

impl<E: Display> ViaDisplay for &Fault<'_, E> {
    fn log(&self, span: &ActiveSpan) {
        log_display(self.0, span);
    }
}

impl<E: ?Sized> Fault<'_, E> {
    pub fn log(&self, span: &ActiveSpan)
    where
        E: AsFault,
    {
        self.0.log(span);
    }
}

/// Implemented by nothing: it words the error for what can give no account of itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what went wrong",
    label = "neither an `Error` nor `Display`",
    note = "`err` records an `Error` with its causes, or anything by `Display`; write `err(Debug)` to record it by `Debug`"
)]
pub trait AsFault {
    fn log(&self, span: &ActiveSpan);
}

/// `err(Display)`.
pub fn log_display<E: Display>(error: &E, span: &ActiveSpan) {
    log::<E>(span, format_args!("{error}"));
}

/// `err(Debug)`.
pub fn log_debug<E: Debug>(error: &E, span: &ActiveSpan) {
    log::<E>(span, format_args!("{error:?}"));
}

fn log<E>(span: &ActiveSpan, message: std::fmt::Arguments<'_>) {
    with_text(message, |message| {
        span.set_tag(tags::ERROR, true);
        let kind = std::any::type_name::<E>();
        span.log((
            (tags::EVENT, "error"),
            (tags::ERROR_KIND, kind),
            (tags::MESSAGE, message),
        ));
    });
}
