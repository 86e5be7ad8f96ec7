//! The beginning of an exchange: whose trace it is, what it is called, and what is known before it is answered.

use std::borrow::Cow;
use std::net::SocketAddr;

use http::Request;
use tracer_core::{
    Extract, ExtractError, HttpHeaders, Span, SpanContext, SpanKind, SpanSlot, SpanTemplate,
    Tracer, tags,
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
use crate::{grpc, method, peer, refused, url};

/// Bytes of the longest path that names a gRPC call.
const GRPC_NAME_BYTES: usize = 255;

/// The head of a request, with the target it was received with.
fn head_of<F: Framework, B>(request: &Request<B>) -> RequestHead<'_> {
    let head = RequestHead::of(request);
    RequestHead {
        uri: F::uri(head.extensions).unwrap_or(head.uri),
        ..head
    }
}

/// Begins the exchange of a request. `None` if nothing is to be done: no tracer, or a layer outside has made the span.
pub(super) fn start<F: Framework, B>(
    options: &Options,
    request: &mut Request<B>,
) -> Option<Exchange> {
    let head = head_of::<F, B>(request);
    if let Some(outer) = ServerSpan::of_layer(head.extensions) {
        rename::<F>(options, &head, outer);
        return None;
    }
    let (span, exchange) = match &options.tracer {
        Some(tracer) => start_by::<F>(options, tracer, &head),
        None => Tracer::with_current(|tracer| start_by::<F>(options, tracer, &head)),
    }?;
    request.extensions_mut().insert(span);
    Some(exchange)
}

fn start_by<F: Framework>(
    options: &Options,
    tracer: &Tracer,
    head: &RequestHead<'_>,
) -> Option<(ServerSpan, Exchange)> {
    if !tracer.is_enabled() {
        return None;
    }
    let extracted = extract(options, tracer, head);
    // What cannot be read is no context; the tracer has counted it. Not moved, for it is large.
    let caller = match &extracted {
        Ok(Some(caller)) => Some(caller),
        Ok(None) | Err(_) => None,
    };
    let asked = Asked::by(head.method);
    if options.filter.as_ref().is_some_and(|wanted| !wanted(head)) {
        let slot = unwanted(options, caller);
        return Some((
            ServerSpan::unwanted(),
            Exchange::unwanted(slot, options, asked),
        ));
    }
    let name = operation_name::<F>(options, head);
    let unproven = match (&options.naming, &name) {
        (Naming::Grpc, Cow::Owned(path)) => Some(path.as_str().into()),
        _ => None,
    };
    let mut span = if options.public {
        begin_apart(tracer, caller, name)
    } else {
        tracer.continue_trace(name, caller)
    };
    if span.is_recording() {
        describe::<F>(options, head, &mut span);
    }
    let context = span.context();
    if !context.is_valid() {
        // A thread that must not trace, such as one that reports spans.
        return None;
    }
    let exchange = Exchange::new(SpanSlot::new(span), options, asked, unproven);
    Some((ServerSpan::new(context), exchange))
}

/// Names the span that a layer outside has made, which could not know the route.
#[inline(never)]
fn rename<F: Framework>(options: &Options, head: &RequestHead<'_>, outer: &ServerSpan) {
    let span = outer.span();
    if !span.is_recording() {
        return;
    }
    let route = F::route(head.extensions);
    if options.conventions == Conventions::OpenTelemetry
        && let Some(route) = route
    {
        span.set_tag(open_telemetry::HTTP_ROUTE, route);
    }
    if let Naming::Custom(custom) = &options.naming
        && let Some(name) = custom(head)
    {
        span.set_operation_name(name);
    } else if matches!(options.naming, Naming::Grpc) && grpc::is_grpc(head.headers) {
        // The layer outside has named it by its method; the route is the same for all of a service.
    } else if let Some(route) = route {
        let method = method::operation(head.method, options.conventions);
        span.set_operation_name(name::of_route(method, route));
    }
}

fn extract(
    options: &Options,
    tracer: &Tracer,
    head: &RequestHead<'_>,
) -> Result<Option<SpanContext>, ExtractError> {
    let carrier = HttpHeaders(head.headers);
    match &options.propagation {
        None => tracer.extract(&carrier),
        Some(formats) => carrier.extract(formats),
    }
}

/// Begins a trace of its own, whatever the caller's is.
#[inline(never)]
fn begin_apart(tracer: &Tracer, caller: Option<&SpanContext>, name: Cow<'static, str>) -> Span {
    let builder = tracer.build_span(name).ignore_active();
    builder.follows_from(caller).new_trace().start()
}

/// What is active while an unwanted request is answered: the caller's context, else one that samples nothing.
#[inline(never)]
fn unwanted(options: &Options, caller: Option<&SpanContext>) -> SpanSlot {
    let caller = caller.filter(|caller| caller.is_valid() && !options.public);
    SpanSlot::of_context(Some(caller.cloned().unwrap_or_else(refused::context)))
}

fn operation_name<F: Framework>(options: &Options, head: &RequestHead<'_>) -> Cow<'static, str> {
    if !matches!(options.naming, Naming::Route)
        && let Some(name) = other_name(options, head)
    {
        return name;
    }
    let method = method::operation(head.method, options.conventions);
    match F::route(head.extensions) {
        Some(route) => name::of_route(method, route),
        None => method.into(),
    }
}

/// The name that is not the route's.
#[inline(never)]
fn other_name(options: &Options, head: &RequestHead<'_>) -> Option<Cow<'static, str>> {
    match &options.naming {
        Naming::Custom(custom) => custom(head),
        Naming::Grpc if grpc::is_grpc(head.headers) => {
            let path = head.uri.path().trim_start_matches('/');
            if path.len() > GRPC_NAME_BYTES {
                return Some(method::OTHER.into());
            }
            Some(name::of_grpc(path).map_or_else(|| path.to_owned().into(), Cow::Borrowed))
        }
        Naming::Route | Naming::Grpc => None,
    }
}

/// Tags a recorded span with what is known of the request. What most requests do not have is in functions of its own, so that
/// the code that all run through lies together.
fn describe<F: Framework>(options: &Options, head: &RequestHead<'_>, span: &mut Span) {
    let conventions = options.conventions;
    let common = match options.common.get() {
        Some(common) => common,
        None => first_common::<F>(options),
    };
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
        set_route(span, route);
    }
    let connection = F::peer(head.extensions);
    if connection.is_some() || options.trusts_forwarded {
        set_peer(options, head, connection, span);
    }
    options.request_headers.set_tags(span, head.headers);
    if let Some(on_request) = &options.on_request {
        on_request(head, span);
    }
}

#[cold]
fn first_common<F: Framework>(options: &Options) -> &MethodTemplates {
    options.common.get_or_init(|| {
        let common = SpanTemplate::new()
            .tag(tags::SPAN_KIND, SpanKind::Server)
            .tag(tags::COMPONENT, options.component.unwrap_or(F::COMPONENT));
        MethodTemplates::new(&common, options.conventions)
    })
}

#[inline(never)]
fn set_route(span: &mut Span, route: &str) {
    span.set_tag(open_telemetry::HTTP_ROUTE, route);
}

#[inline(never)]
fn set_peer(
    options: &Options,
    head: &RequestHead<'_>,
    connection: Option<SocketAddr>,
    span: &mut Span,
) {
    let forwarded = options
        .trusts_forwarded
        .then(|| peer::forwarded(head.headers))
        .flatten();
    peer::set_server_tags(span, options.conventions, connection, forwarded);
}
