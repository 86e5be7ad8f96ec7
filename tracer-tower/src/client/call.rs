//! One call of a client, from before its headers go out until the head of its response.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, Response, Uri, Version};
use http_body::Body;
use tracer_core::{
    HttpHeaders, Inject, Span, SpanContext, SpanKind, SpanSlot, Tracer, active_span, tags,
};

use super::layer::{Operation, Options, TraceLayer};
use crate::body::{ResponseBody, Tail, by_display, log_failure};
use crate::conventions::{Conventions, open_telemetry};
use crate::end::{Asked, BodyHint, Rest};
use crate::head::{RequestHead, ResponseHead};
use crate::target::Target;
use crate::{grpc, method, peer};

/// A call that is being made: for clients that are no tower service. The others have [`Trace`](super::Trace).
///
/// [Begin](TraceLayer::begin) it, [inject](Self::inject) its context, [enter](Self::enter) it for every piece of the work,
/// and end it by [`respond`](Self::respond) or [`fail`](Self::fail). One that is dropped was cancelled.
///
/// ```
/// # use std::convert::Infallible;
/// # use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tracer_tower::client::{ResponseBody, TraceLayer};
/// use tracer_tower::RequestHead;
///
/// fn call(layer: &TraceLayer, mut request: Request<()>) -> Response<ResponseBody<Full<Bytes>>> {
///     let mut call = layer.begin(&RequestHead::of(&request), None);
///     call.inject(request.headers_mut());
///     let response = call.enter(|| send(request));
///     call.respond(response) // whose body ends the span
/// }
/// # fn send(_: Request<()>) -> Response<Full<Bytes>> { Response::new("order".into()) }
/// # let test = tracer_testing::TestTracer::new("cart");
/// # let request = Request::get("http://shop/orders").body(()).unwrap();
/// # let response = call(&TraceLayer::new().with_tracer(test.tracer()), request);
/// # assert_eq!(test.open(), 1);
/// # drop(response);
/// # assert_eq!(test.spans().len(), 1);
/// ```
#[derive(Debug)]
pub struct Call {
    slot: SpanSlot,
    options: Arc<Options>,
    asked: Asked,
    /// The filter did not want it: it has no span, but passes on the context that is active.
    is_wanted: bool,
    /// Who made it, where nothing was active.
    caller: Option<Caller>,
}

/// Who makes a call: the tracer and the context that are active when it is asked for, which may be on another task than
/// the one that waits for it.
///
/// ```
/// # use tracer_tower::client::{Call, Caller, TraceLayer};
/// # use tracer_tower::RequestHead;
/// # fn spawn(_: impl Future) {}
/// fn send_later(layer: TraceLayer, request: http::Request<()>) {
///     let caller = Caller::current();
///     spawn(async move {
///         let call = layer.begin(&RequestHead::of(&request), Some(&caller)); // a child of what was active then
///         # drop(call);
///     });
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Caller {
    tracer: Tracer,
    context: Option<SpanContext>,
}

impl Caller {
    /// The caller as of now.
    #[must_use]
    pub fn current() -> Self {
        Self {
            tracer: Tracer::current(),
            context: active_span().context(),
        }
    }
}

impl TraceLayer {
    /// Begins the call of a request.
    ///
    /// What is active now is its parent; if that is nothing, `caller` is.
    #[must_use]
    pub fn begin(&self, head: &RequestHead<'_>, caller: Option<&Caller>) -> Call {
        let mut call = Call {
            slot: SpanSlot::of_context(None),
            options: Arc::clone(&self.options),
            asked: Asked::by(head.method),
            is_wanted: true,
            caller: caller
                .filter(|_| active_span().context().is_none())
                .cloned(),
        };
        if self
            .options
            .filter
            .as_ref()
            .is_some_and(|wanted| !wanted(head))
        {
            call.is_wanted = false;
            return call;
        }
        let mut span = self.start_span(head, call.caller.as_ref());
        if span.is_recording() {
            self.describe(head, &mut span);
        }
        call.slot = SpanSlot::new(span);
        call
    }

    fn start_span(&self, head: &RequestHead<'_>, caller: Option<&Caller>) -> Span {
        let current;
        let tracer = match (&self.options.tracer, caller) {
            (Some(tracer), _) => tracer,
            (None, Some(caller)) => &caller.tracer,
            (None, None) => {
                current = Tracer::current();
                &current
            }
        };
        if !tracer.is_enabled() {
            return Span::disabled();
        }
        let parent = caller.and_then(|caller| caller.context.as_ref());
        tracer
            .build_span(self.name(head))
            .child_of(parent)
            .kind(SpanKind::Client)
            .start()
    }

    fn name(&self, head: &RequestHead<'_>) -> Cow<'static, str> {
        if let Some(Operation(name)) = head.extensions.get() {
            return name.clone();
        }
        if let Some(name) = self
            .options
            .operation
            .as_ref()
            .and_then(|operation| operation(head))
        {
            return name;
        }
        if grpc::is_grpc(head.headers) {
            // Generated code chose the path: service and method.
            return head.uri.path().trim_start_matches('/').to_owned().into();
        }
        method::operation(head.method, self.options.conventions).into()
    }

    fn describe(&self, head: &RequestHead<'_>, span: &mut Span) {
        let options = &*self.options;
        span.set_tag(tags::COMPONENT, options.component.unwrap_or("tower"));
        method::set_tags(span, options.conventions, head.method);
        Target::of_uri(head.uri).set_client_tags(span, options.conventions, &options.query_keys);
        if let Some(name) = &options.peer_service {
            span.set_tag(tags::PEER_SERVICE, name);
        }
        options.request_headers.set_tags(span, head.headers);
        if let Some(on_request) = &options.on_request {
            on_request(head, span);
        }
    }
}

impl Call {
    /// Writes the context of the call into the headers of its request, in place of any that is there.
    pub fn inject(&mut self, headers: &mut HeaderMap) {
        let context = if self.is_wanted {
            Some(self.slot.span().context())
        } else {
            let made_in = || self.caller.as_ref()?.context.clone();
            active_span().context().or_else(made_in)
        };
        let Some(context) = context.filter(SpanContext::is_valid) else {
            return;
        };
        let mut carrier = HttpHeaders(headers);
        let tracer = self.options.tracer.as_ref();
        let tracer = tracer.or(self.caller.as_ref().map(|caller| &caller.tracer));
        match (&self.options.propagation, tracer) {
            (Some(formats), _) => carrier.inject(&context, formats),
            (None, Some(tracer)) => tracer.inject(&context, &mut carrier),
            (None, None) => Tracer::current().inject(&context, &mut carrier),
        }
    }

    /// Runs a piece of the call's work with its span active.
    pub fn enter<R>(&mut self, work: impl FnOnce() -> R) -> R {
        self.slot.enter(work)
    }

    /// The span of the call; one that records nothing when there is none.
    pub fn span(&mut self) -> &mut Span {
        self.slot.span()
    }

    /// Tags the span with the address that was called.
    pub fn set_peer(&mut self, address: SocketAddr) {
        let conventions = self.options.conventions;
        let span = self.slot.span();
        if span.is_recording() {
            peer::set_tags(span, conventions, address);
        }
    }

    /// Logs that the response came from another URL than the one that was asked for.
    pub fn set_redirected(&mut self, uri: &Uri) {
        let url = Target::of_uri(uri).to_text(&self.options.query_keys);
        self.slot.span().log((
            (tags::EVENT, "redirected"),
            (self.options.conventions.url(), url),
        ));
    }

    /// Ends the call with a response, whose body carries the span on to the last byte.
    pub fn respond<B: Body<Error: fmt::Display>>(
        self,
        response: Response<B>,
    ) -> Response<ResponseBody<B>> {
        self.respond_with(response, by_display)
    }

    /// As [`respond`](Self::respond), with the sort of an error of the body and what happened in words of the caller's,
    /// which are to be without a URL.
    pub fn respond_with<B: Body>(
        mut self,
        response: Response<B>,
        describe: fn(&B::Error) -> (&'static str, String),
    ) -> Response<ResponseBody<B>> {
        let grpc = grpc::Answer::of(self.asked, response.headers());
        let hint = BodyHint::of(response.body());
        let mut rest = Rest::after_head(
            self.asked,
            response.status(),
            response.headers(),
            grpc,
            hint,
        );
        if rest == Rest::End && response.version() < Version::HTTP_2 {
            // Nothing comes after a length of zero, if what decompresses it says so or not.
            rest = Rest::Nothing;
        }
        if self.slot.span().is_recording() {
            self.describe(&ResponseHead::of(&response), grpc);
        }
        let slot = std::mem::replace(&mut self.slot, SpanSlot::of_context(None));
        let tail = (rest != Rest::Nothing).then(|| Tail {
            slot,
            rest,
            was_polled: false,
            kind: SpanKind::Client,
            conventions: self.options.conventions,
            limit: None,
        });
        response.map(|body| ResponseBody::new(body, tail, describe))
    }

    /// Ends the call without a response. `kind` names the sort of error, `message` says what happened, without a URL.
    pub fn fail(mut self, kind: &str, message: Option<&dyn fmt::Display>) {
        log_failure(&mut self.slot, self.options.conventions, kind, message);
        self.slot.finish();
    }

    fn describe(&mut self, head: &ResponseHead<'_>, grpc: grpc::Answer) {
        let options = &*self.options;
        let conventions = options.conventions;
        let span = self.slot.span();
        let elapsed = i64::try_from(span.elapsed().as_micros()).unwrap_or(i64::MAX);
        span.log((
            (tags::EVENT, "response started"),
            (tags::HTTP_TTFB_US, elapsed),
        ));
        span.set_tag(tags::HTTP_TTFB_US, elapsed);
        span.set_tag(conventions.status_code(), head.status.as_u16());
        let is_error = match &options.error_if {
            Some(is_error) => is_error(head),
            None => head.status.is_client_error() || head.status.is_server_error(),
        };
        if is_error {
            span.set_tag(tags::ERROR, true);
            if conventions == Conventions::OpenTelemetry {
                span.set_tag(open_telemetry::ERROR_TYPE, head.status.as_str());
            }
        }
        if let grpc::Answer::Over(status) = grpc {
            grpc::set_status(span, conventions, SpanKind::Client, status);
        }
        options.response_headers.set_tags(span, head.headers);
        if let Some(on_response) = &options.on_response {
            on_response(head, span);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // A callback that panics has not cancelled it.
        if !self.slot.panicked() && !std::thread::panicking() && self.slot.span().is_recording() {
            self.slot.span().set_tag(tags::CANCELLED, true);
        }
    }
}
