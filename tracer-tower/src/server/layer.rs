//! The layer: its options, and the services it makes.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tower_layer::Layer;
use tracer_core::{Propagation, Span, Tracer};

use super::framework::{Framework, Plain};
use super::options::{Naming, Options, ResponseOptions};
use super::service::Trace;
use crate::conventions::Conventions;
use crate::head::{RequestHead, ResponseHead};

/// The layer for services without a web framework, such as those of tonic and hyper.
pub type TraceLayer = ServerLayer<Plain>;

/// A [`Layer`] that gives every request a server span; see the [module](self::super) for what it records.
///
/// `F` is the web framework, which knows routes and peers. Cheap to clone: the options are shared.
///
/// ```
/// use tracer_tower::server::{Plain, ServerLayer};
///
/// let layer = ServerLayer::<Plain>::new()
///     .component("gateway")
///     .filter(|request| request.uri.path() != "/health")
///     .query_key("page")
///     .request_header(http::header::USER_AGENT);
/// ```
#[derive(Debug)]
pub struct ServerLayer<F> {
    options: Arc<Options>,
    framework: PhantomData<fn() -> F>,
}

impl<F> Clone for ServerLayer<F> {
    fn clone(&self) -> Self {
        Self {
            options: Arc::clone(&self.options),
            framework: PhantomData,
        }
    }
}

impl<F: Framework> Default for ServerLayer<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Framework> ServerLayer<F> {
    /// A layer that uses the installed tracer, or the calling thread's default.
    #[must_use]
    pub fn new() -> Self {
        Self {
            options: Arc::default(),
            framework: PhantomData,
        }
    }

    /// A layer for gRPC: spans are named by service and method (`shop.Orders/Place`).
    ///
    /// Anybody can ask for a method that does not exist. One names spans after a call of it was answered at all, and by
    /// something else than `UNIMPLEMENTED`, `UNAUTHENTICATED` or `PERMISSION_DENIED`; until then they are named `_OTHER`.
    #[must_use]
    pub fn grpc() -> Self {
        Self::new().set(|options| options.naming = Naming::Grpc)
    }

    fn set(mut self, set: impl FnOnce(&mut Options)) -> Self {
        let options = Arc::make_mut(&mut self.options);
        set(options);
        options.common.take();
        self
    }

    fn set_of_response(self, set: impl FnOnce(&mut ResponseOptions)) -> Self {
        self.set(|options| set(Arc::make_mut(options.of_response.get_or_insert_default())))
    }

    /// Uses this tracer and no other.
    #[must_use]
    pub fn with_tracer(self, tracer: &Tracer) -> Self {
        let tracer = tracer.clone();
        self.set(|options| options.tracer = Some(tracer))
    }

    /// Names tags by these conventions instead of OpenTracing's.
    #[must_use]
    pub fn conventions(self, conventions: Conventions) -> Self {
        self.set(|options| options.conventions = conventions)
    }

    /// Sets the `component` tag.
    #[must_use]
    pub fn component(self, component: &'static str) -> Self {
        self.set(|options| options.component = Some(component))
    }

    /// Reads the caller's context in these formats instead of the tracer's.
    #[must_use]
    pub fn propagation(self, formats: impl IntoIterator<Item = Propagation>) -> Self {
        let formats = formats.into_iter().collect();
        self.set(|options| options.propagation = Some(formats))
    }

    /// Does not join the traces of callers, who are strangers: every request begins a trace, sampled by this service's
    /// own sampler and without the caller's baggage, with a reference to the caller's span.
    #[must_use]
    pub fn public_endpoint(self) -> Self {
        self.set(|options| options.public = true)
    }

    /// Takes the peer from the headers `Forwarded` and `X-Forwarded-For`. Anyone can send these: say so only behind a
    /// proxy that sets them.
    #[must_use]
    pub fn trust_forwarded(self) -> Self {
        self.set(|options| options.trusts_forwarded = true)
    }

    /// Makes spans only for requests of which `wanted` says so; health checks usually are not.
    ///
    /// What an unwanted request does belongs to the caller's span if there is one; else it is not traced at all. Layers inside
    /// make no span for it either.
    #[must_use]
    pub fn filter(self, wanted: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.set(|options| options.filter = Some(Arc::new(wanted)))
    }

    /// Names operations. `None` leaves it to method and route.
    ///
    /// Names are few: build them of templates and known words, never of a path or anything else a stranger chose.
    #[must_use]
    pub fn operation(
        self,
        name: impl Fn(&RequestHead<'_>) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        self.set(|options| options.naming = Naming::Custom(Arc::new(name)))
    }

    /// Keeps the value of this key of the query in `http.url`.
    #[must_use]
    pub fn query_key(self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.set(|options| options.query_keys.push(key))
    }

    /// Records this header of requests as tag `http.request.header.{name}`.
    #[must_use]
    pub fn request_header(self, name: HeaderName) -> Self {
        self.set(|options| options.request_headers.add("request", name))
    }

    /// Records this header of responses as tag `http.response.header.{name}`.
    #[must_use]
    pub fn response_header(self, name: HeaderName) -> Self {
        self.set_of_response(|options| options.headers.add("response", name))
    }

    /// Tells the caller its trace by this header of the response: `traceresponse` in the form of W3C Trace Context
    /// (`00-{trace}-{span}-{flags}`), any other name (`x-trace-id`) with the bare trace id. A request that the filter does not
    /// want has none to tell.
    #[must_use]
    pub fn send_trace_id(self, name: HeaderName) -> Self {
        self.set_of_response(|options| options.header = Some(name))
    }

    /// Ends a span that has lasted for longer with the next piece of its body, for streams that go on for hours and would be
    /// seen only then. What comes after it is not traced, and the span is tagged with `complete = false`.
    #[must_use]
    pub fn max_body_time(self, limit: Duration) -> Self {
        self.set_of_response(|options| options.max_body_time = Some(limit))
    }

    /// Says which responses are errors; by default those with a status of 5xx.
    #[must_use]
    pub fn error_if(
        self,
        is_error: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.set_of_response(|options| options.error_if = Some(Arc::new(is_error)))
    }

    /// Calls `tag` with each request and its span, if that is recorded: for tags of your own.
    #[must_use]
    pub fn on_request(
        self,
        tag: impl Fn(&RequestHead<'_>, &mut Span) + Send + Sync + 'static,
    ) -> Self {
        self.set(|options| options.on_request = Some(Arc::new(tag)))
    }

    /// Calls `tag` with the head of each response and the span, if that is recorded.
    #[must_use]
    pub fn on_response(
        self,
        tag: impl Fn(&ResponseHead<'_>, &mut Span) + Send + Sync + 'static,
    ) -> Self {
        self.set_of_response(|options| options.on_response = Some(Arc::new(tag)))
    }
}

impl<S, F> Layer<S> for ServerLayer<F> {
    type Service = Trace<S, F>;

    fn layer(&self, inner: S) -> Trace<S, F> {
        Trace::new(inner, Arc::clone(&self.options))
    }
}
