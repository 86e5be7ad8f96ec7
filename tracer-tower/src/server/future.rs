//! The future of a response: the span from the call to the head.

use std::any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tracer_core::{Span, SpanContext, SpanKind, SpanSlot, tags};

use super::name;
use super::options::{Options, ResponseOptions};
use crate::body::{ResponseBody, Tail, by_display, log_failure};
use crate::conventions::{Conventions, open_telemetry};
use crate::end::{Asked, BodyHint, Rest};
use crate::head::ResponseHead;
use crate::{grpc, method};

pin_project! {
    /// The future of a traced response; made by [`Trace`](super::Trace).
    ///
    /// The span is active at each poll and while the future is dropped, and goes on in the body of the response. A future
    /// dropped before it is ready tags the span with `http.client_gone = before`, for that is what servers do when their
    /// client leaves; so does a timeout outside of the layer.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Option<F>,
        exchange: Option<Exchange>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let (Some(exchange), true) = (this.exchange, this.inner.is_some()) {
                exchange.enter(|| this.inner.set(None));
                exchange.abandon();
            }
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Exchange {
    slot: SpanSlot,
    options: Option<Arc<ResponseOptions>>,
    conventions: Conventions,
    asked: Asked,
    /// The path of a gRPC call that names the span, and which the caller may have made up.
    unproven: Option<Box<str>>,
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, exchange: Option<Exchange>) -> Self {
        Self {
            inner: Some(inner),
            exchange,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Error: fmt::Display>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut work = || {
            let Some(inner) = this.inner.as_mut().as_pin_mut() else {
                return Poll::Pending;
            };
            let output = inner.poll(cx);
            if output.is_ready() {
                this.inner.set(None);
            }
            output
        };
        let Some(exchange) = this.exchange else {
            return Poll::Ready(
                ready!(work()).map(|response| response.map(ResponseBody::untraced)),
            );
        };
        let output = ready!(exchange.enter(work));
        let Some(mut exchange) = this.exchange.take() else {
            return Poll::Pending;
        };
        Poll::Ready(match output {
            Ok(response) => Ok(exchange.respond(response)),
            Err(error) => {
                exchange.settle_name(false);
                log_failure(
                    &mut exchange.slot,
                    exchange.conventions,
                    any::type_name::<E>(),
                    None,
                );
                Err(error)
            }
        })
    }
}

impl Exchange {
    pub(super) fn new(
        slot: SpanSlot,
        options: &Options,
        asked: Asked,
        unproven: Option<Box<str>>,
    ) -> Self {
        Self {
            slot,
            options: options.of_response.clone(),
            conventions: options.conventions,
            asked,
            unproven,
        }
    }

    /// One that the filter did not want: of its response nothing is told.
    pub(super) fn unwanted(slot: SpanSlot, options: &Options, asked: Asked) -> Self {
        Self {
            slot,
            options: None,
            conventions: options.conventions,
            asked,
            unproven: None,
        }
    }

    /// Runs a piece of the request's work with its span active.
    pub(super) fn enter<R>(&mut self, work: impl FnOnce() -> R) -> R {
        self.slot.enter(work)
    }

    /// Leaves the span its name if the service has shown that it knows it.
    #[inline]
    fn settle_name(&mut self, is_known: bool) {
        if let Some(path) = self.unproven.take() {
            self.settle_unproven(&path, is_known);
        }
    }

    #[inline(never)]
    fn settle_unproven(&mut self, path: &str, is_known: bool) {
        // Who gave it another name meanwhile knows what it is.
        let is_named_by_path = self.slot.span().operation_name() == Some(path);
        if !(is_known && name::prove(path)) && is_named_by_path {
            self.slot.span().set_operation_name(method::OTHER);
        }
    }

    /// Passes the span on to the body, or finishes it if there is none.
    fn respond<B: Body<Error: fmt::Display>>(
        mut self,
        mut response: Response<B>,
    ) -> Response<ResponseBody<B>> {
        let grpc = grpc::Answer::of(self.asked, response.headers());
        let hint = BodyHint::of(response.body());
        let rest = Rest::after_head(
            self.asked,
            response.status(),
            response.headers(),
            grpc,
            hint,
        );
        if self.slot.span().is_recording() {
            self.describe(&ResponseHead::of(&response), grpc, rest, hint);
        }
        if let Some(options) = &self.options
            && let Some(name) = &options.header
        {
            tell_trace(name, &self.slot.span().context(), response.headers_mut());
        }
        let tail = (rest != Rest::Nothing).then(|| Tail {
            slot: self.slot,
            rest,
            was_polled: false,
            kind: SpanKind::Server,
            conventions: self.conventions,
            limit: self.options.and_then(|options| options.max_body_time),
        });
        response.map(|body| ResponseBody::new(body, tail, by_display))
    }

    /// Tags a recorded span with what the head says.
    fn describe(
        &mut self,
        head: &ResponseHead<'_>,
        grpc: grpc::Answer,
        rest: Rest,
        hint: BodyHint,
    ) {
        self.settle_name(match grpc {
            grpc::Answer::Other => false,
            grpc::Answer::Open => true,
            grpc::Answer::Over(status) => !grpc::is_refusal(status),
        });
        let options = self.options.as_deref();
        let conventions = self.conventions;
        let span = self.slot.span();
        span.set_tag(conventions.status_code(), head.status.as_u16());
        let is_error = match options.and_then(|options| options.error_if.as_ref()) {
            Some(is_error) => is_error(head),
            None => head.status.is_server_error(),
        };
        if is_error {
            set_error(span, conventions, head.status);
        }
        if let grpc::Answer::Over(status) = grpc {
            grpc::set_status(span, conventions, SpanKind::Server, status);
        }
        if let Some(options) = options {
            options.headers.set_tags(span, head.headers);
        }
        if rest != Rest::Nothing && hint.exact_size.is_none() {
            // A body that is there as a whole leaves with its head: the span's end says the same.
            log_started(span);
        }
        if let Some(on_response) = options.and_then(|options| options.on_response.as_ref()) {
            on_response(head, span);
        }
    }

    #[inline(never)]
    fn abandon(&mut self) {
        self.settle_name(false);
        if !self.slot.panicked() && self.slot.span().is_recording() {
            self.slot
                .span()
                .set_tag(tags::HTTP_CLIENT_GONE, "before")
                .set_tag(tags::CANCELLED, true);
        }
    }
}

#[inline(never)]
fn set_error(span: &mut Span, conventions: Conventions, status: StatusCode) {
    span.set_tag(tags::ERROR, true);
    if conventions == Conventions::OpenTelemetry {
        span.set_tag(open_telemetry::ERROR_TYPE, status.as_str());
    }
}

#[inline(never)]
fn log_started(span: &mut Span) {
    let elapsed = i64::try_from(span.elapsed().as_micros()).unwrap_or(i64::MAX);
    span.log((
        (tags::EVENT, "response started"),
        (tags::HTTP_TTFB_US, elapsed),
    ));
}

/// Sets the response header that tells the caller its trace, if there is one.
#[inline(never)]
fn tell_trace(name: &HeaderName, context: &SpanContext, headers: &mut HeaderMap) {
    if context.is_valid()
        && let Some(value) = response_header(name, context)
    {
        // A map of 32 768 headers takes no more; `insert` would panic.
        let _ = headers.try_insert(name.clone(), value);
    }
}

/// The value of a response header that tells the caller its trace.
/// <https://w3c.github.io/trace-context/#traceresponse-header>
fn response_header(name: &HeaderName, context: &SpanContext) -> Option<HeaderValue> {
    let trace_id = context.trace_id();
    let text = if name == "traceresponse" {
        // W3C knows 128 bits and two flags: sampled, and random.
        let flags = u8::from(context.is_sampled()) | u8::from(context.is_random()) << 1;
        format!(
            "00-{:0>32}-{}-{flags:02x}",
            trace_id.to_string(),
            context.span_id()
        )
    } else {
        trace_id.to_string()
    };
    HeaderValue::try_from(text).ok()
}
