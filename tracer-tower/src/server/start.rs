//! The beginning of an exchange: whose trace it is, what it is called, and what is known before it is answered.

use std::borrow::Cow;

use http::Request;
use tracer_core::{
    Decision, Extract, HttpHeaders, Span, SpanContext, SpanId, SpanKind, SpanSlot, SpanTemplate,
    TraceId, Tracer, tags,
};

use super::framework::Framework;
use super::future::Exchange;
use super::name;
use super::options::{Naming, Options};
use super::span::ServerSpan;
use crate::conventions::{Conventions, open_telemetry};
use crate::end::Asked;
use crate::head::RequestHead;
use crate::method::MethodTemplates;
use crate::{grpc, method, peer, url};

/// Bytes of the longest path that names a gRPC call.
const GRPC_NAME_BYTES: usize = 255;

pub(super) enum Start {
    /// Nothing is to be done: no tracer, or a layer outside has made the span.
    Untraced,
    Traced(Exchange),
}

pub(super) fn start<F: Framework, B>(options: &Options, request: &mut Request<B>) -> Start {
    let head = RequestHead::of(request);
    if let Some(outer) = ServerSpan::of(head.extensions) {
        rename::<F>(options, &head, outer);
        return Start::Untraced;
    }
    match &options.tracer {
        Some(tracer) => start_by::<F, B>(options, tracer, request),
        None => Tracer::with_current(|tracer| start_by::<F, B>(options, tracer, request)),
    }
}

fn start_by<F: Framework, B>(
    options: &Options,
    tracer: &Tracer,
    request: &mut Request<B>,
) -> Start {
    let head = RequestHead::of(request);
    if !tracer.is_enabled() {
        return Start::Untraced;
    }
    let caller = extract(options, tracer, &head);
    if options.filter.as_ref().is_some_and(|wanted| !wanted(&head)) {
        return Start::Traced(Exchange::new(
            unwanted(options, caller),
            options,
            Asked::by(head.method),
            None,
        ));
    }
    let name = operation_name::<F>(options, &head);
    let unproven = match (&options.naming, &name) {
        (Naming::Grpc, Cow::Owned(path)) => Some(path.as_str().into()),
        _ => None,
    };
    let mut span = begin(options, tracer, caller.as_ref(), name);
    if span.is_recording() {
        describe::<F>(options, &head, &mut span);
    }
    let asked = Asked::by(head.method);
    let context = span.context();
    if !context.is_valid() {
        // A thread that must not trace, such as one that reports spans.
        return Start::Untraced;
    }
    request.extensions_mut().insert(ServerSpan::new(context));
    Start::Traced(Exchange::new(SpanSlot::new(span), options, asked, unproven))
}

/// Names the span that a layer outside has made, which could not know the route.
fn rename<F: Framework>(options: &Options, head: &RequestHead<'_>, outer: &ServerSpan) {
    let span = outer.span();
    if !span.is_recording() {
        return;
    }
    if let Naming::Custom(custom) = &options.naming
        && let Some(name) = custom(head)
    {
        span.set_operation_name(name);
        return;
    }
    if let Some(route) = F::route(head.extensions) {
        let method = method::operation(head.method, options.conventions);
        span.set_operation_name(name::of_route(method, route));
        if options.conventions == Conventions::OpenTelemetry {
            span.set_tag(open_telemetry::HTTP_ROUTE, route);
        }
    }
}

fn extract(options: &Options, tracer: &Tracer, head: &RequestHead<'_>) -> Option<SpanContext> {
    let carrier = HttpHeaders(head.headers);
    let extracted = match &options.propagation {
        None => tracer.extract(&carrier),
        Some(formats) => carrier.extract(formats),
    };
    // What cannot be read is no context; the tracer has counted it.
    extracted.unwrap_or(None)
}

fn begin(
    options: &Options,
    tracer: &Tracer,
    caller: Option<&SpanContext>,
    name: Cow<'static, str>,
) -> Span {
    if options.public {
        let builder = tracer.build_span(name).ignore_active();
        builder.follows_from(caller).new_trace().start()
    } else {
        tracer.continue_trace(name, caller)
    }
}

/// What is active while an unwanted request is answered: the caller's context, else one that samples nothing.
fn unwanted(options: &Options, caller: Option<SpanContext>) -> SpanSlot {
    let caller = caller.filter(|caller| caller.is_valid() && !options.public);
    let refused = || SpanContext::remote(TraceId::NONE, SpanId::NONE, Decision::Refused);
    SpanSlot::of_context(Some(caller.unwrap_or_else(refused)))
}

fn operation_name<F: Framework>(options: &Options, head: &RequestHead<'_>) -> Cow<'static, str> {
    match &options.naming {
        Naming::Custom(custom) => {
            if let Some(name) = custom(head) {
                return name;
            }
        }
        Naming::Grpc if grpc::is_grpc(head.headers) => {
            let path = head.uri.path().trim_start_matches('/');
            if path.len() > GRPC_NAME_BYTES {
                return method::OTHER.into();
            }
            return name::of_grpc(path).map_or_else(|| path.to_owned().into(), Cow::Borrowed);
        }
        Naming::Route | Naming::Grpc => {}
    }
    let method = method::operation(head.method, options.conventions);
    match F::route(head.extensions) {
        Some(route) => name::of_route(method, route),
        None => method.into(),
    }
}

/// Tags a recorded span with what is known of the request.
fn describe<F: Framework>(options: &Options, head: &RequestHead<'_>, span: &mut Span) {
    let conventions = options.conventions;
    let common = options.common.get_or_init(|| {
        let common = SpanTemplate::new()
            .tag(tags::SPAN_KIND, SpanKind::Server)
            .tag(tags::COMPONENT, options.component.unwrap_or(F::COMPONENT));
        MethodTemplates::new(&common, conventions)
    });
    span.apply(common.of(head.method));
    method::set_original(span, head.method);
    url::set_server_tags(
        span,
        conventions,
        head.uri,
        head.headers,
        &options.query_keys,
    );
    if conventions == Conventions::OpenTelemetry
        && let Some(route) = F::route(head.extensions)
    {
        span.set_tag(open_telemetry::HTTP_ROUTE, route);
    }
    let forwarded = options
        .trusts_forwarded
        .then(|| peer::forwarded(head.headers))
        .flatten();
    peer::set_server_tags(span, conventions, F::peer(head.extensions), forwarded);
    options.request_headers.set_tags(span, head.headers);
    if let Some(on_request) = &options.on_request {
        on_request(head, span);
    }
}
