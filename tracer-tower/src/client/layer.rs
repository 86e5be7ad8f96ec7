//! The layer: its options, and the services it makes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use tower_layer::Layer;
use tracer_core::{Propagation, Span, Tracer};

use super::service::Trace;
use crate::callback::{OnRequest, OnResponse, OperationName, RequestTest, ResponseTest};
use crate::conventions::Conventions;
use crate::head::{RequestHead, ResponseHead};
use crate::header::AllowList;

/// A [`Layer`] that gives every call a client span; see the [module](self::super) for what it records.
///
/// Cheap to clone: the options are shared.
///
/// ```
/// use tower::{ServiceBuilder, service_fn};
/// use tracer_tower::client::TraceLayer;
///
/// let layer = TraceLayer::new().peer_service("shop").query_key("page");
/// let client = ServiceBuilder::new().layer(layer).service(service_fn(send));
///
/// async fn send(_: http::Request<String>) -> Result<http::Response<String>, std::io::Error> {
///     Ok(http::Response::default())
/// }
/// # use tower::Service;
/// # fn is_service<S: Service<http::Request<String>>>(_: S) {}
/// # is_service(client);
/// ```
#[derive(Clone, Debug, Default)]
pub struct TraceLayer {
    pub(super) options: Arc<Options>,
}

/// The operation name of one call, to be put into the extensions of its request.
///
/// ```
/// use tracer_tower::client::Operation;
///
/// let mut request = http::Request::get("http://shop/orders").body(())?;
/// request.extensions_mut().insert(Operation("list orders".into()));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Operation(pub Cow<'static, str>);

#[derive(Clone, Default)]
pub(super) struct Options {
    pub(super) tracer: Option<Tracer>,
    pub(super) conventions: Conventions,
    pub(super) component: Option<&'static str>,
    pub(super) peer_service: Option<Cow<'static, str>>,
    pub(super) propagation: Option<Box<[Propagation]>>,
    pub(super) query_keys: Vec<String>,
    pub(super) request_headers: AllowList,
    pub(super) response_headers: AllowList,
    pub(super) filter: Option<RequestTest>,
    pub(super) operation: Option<OperationName>,
    pub(super) error_if: Option<ResponseTest>,
    pub(super) on_request: Option<OnRequest>,
    pub(super) on_response: Option<OnResponse>,
}

impl TraceLayer {
    /// A layer that uses the tracer of the active span, else the calling thread's default or the installed one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn set(mut self, set: impl FnOnce(&mut Options)) -> Self {
        set(Arc::make_mut(&mut self.options));
        self
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

    /// Sets the `peer.service` tag: the name of the service that is called.
    #[must_use]
    pub fn peer_service(self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        self.set(|options| options.peer_service = Some(name))
    }

    /// Writes the context in these formats instead of the tracer's; in none to tell the other side nothing.
    #[must_use]
    pub fn propagation(self, formats: impl IntoIterator<Item = Propagation>) -> Self {
        let formats = formats.into_iter().collect();
        self.set(|options| options.propagation = Some(formats))
    }

    /// Makes spans only for calls of which `wanted` says so. Others carry the context that is active.
    #[must_use]
    pub fn filter(self, wanted: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.set(|options| options.filter = Some(Arc::new(wanted)))
    }

    /// Names operations; `None` leaves it to the method. Names are few: build them of templates, never of a path with
    /// ids in it.
    #[must_use]
    pub fn operation(
        self,
        name: impl Fn(&RequestHead<'_>) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        self.set(|options| options.operation = Some(Arc::new(name)))
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
        self.set(|options| options.response_headers.add("response", name))
    }

    /// Says which responses are errors; by default those with a status of 4xx or 5xx.
    #[must_use]
    pub fn error_if(
        self,
        is_error: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.set(|options| options.error_if = Some(Arc::new(is_error)))
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
        self.set(|options| options.on_response = Some(Arc::new(tag)))
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace::new(inner, self.clone())
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tracer", &self.tracer)
            .field("conventions", &self.conventions)
            .field("component", &self.component)
            .field("peer_service", &self.peer_service)
            .field("propagation", &self.propagation)
            .field("query_keys", &self.query_keys)
            .field("request_headers", &self.request_headers)
            .field("response_headers", &self.response_headers)
            .finish_non_exhaustive()
    }
}
