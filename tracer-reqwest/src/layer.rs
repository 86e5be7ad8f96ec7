//! The layer for stacks of tower services around a client of reqwest's.

use std::task::{Context, Poll};

use reqwest::{Error, Request, Response};
use tower_layer::Layer;
use tower_service::Service;
use tracer_tower::client;

use crate::send::{self, ResponseFuture};

/// A [`Layer`] around a service over `reqwest::Request`, such as a `reqwest::Client`. Inside of a retry layer it makes a
/// span for each attempt.
///
/// ```
/// use tower_layer::Layer;
///
/// let traced = tracer_reqwest::TraceLayer::new().layer(reqwest::Client::new());
/// ```
#[derive(Clone, Debug)]
pub struct TraceLayer {
    layer: client::TraceLayer,
}

impl TraceLayer {
    /// A layer that uses the tracer of the active span, else the calling thread's default or the installed one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            layer: send::layer(),
        }
    }
}

impl Default for TraceLayer {
    fn default() -> Self {
        Self::new()
    }
}

/// A layer with options.
impl From<client::TraceLayer> for TraceLayer {
    fn from(layer: client::TraceLayer) -> Self {
        Self { layer }
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace {
            inner,
            layer: self.layer.clone(),
        }
    }
}

/// A service whose calls have client spans; made by [`TraceLayer`].
#[derive(Clone, Debug)]
pub struct Trace<S> {
    inner: S,
    layer: client::TraceLayer,
}

impl<S> Service<Request> for Trace<S>
where
    S: Service<Request, Response = Response, Error = Error>,
{
    type Response = Response;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        send::begin(&self.layer, request, None, None, |request| {
            self.inner.call(request)
        })
    }
}
