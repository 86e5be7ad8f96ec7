//! The client.

use std::task::{Context, Poll};

use reqwest::{Error, IntoUrl, Method, Request, Response};
use tower_service::Service;
use tracer_core::Tracer;
use tracer_tower::client::TraceLayer;

use crate::client_builder::ClientBuilder;
use crate::request::RequestBuilder;
use crate::send::{self, ResponseFuture};
use crate::surface;

/// A [`reqwest::Client`] whose calls have client spans. Cheap to clone, as that is, and to be kept for the same reason: it
/// owns a pool of connections.
///
/// ```
/// use std::time::Duration;
///
/// let http = tracer_reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
/// let yours = tracer_reqwest::Client::from(reqwest::Client::new());
/// # Ok::<(), reqwest::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub(crate) inner: reqwest::Client,
    pub(crate) layer: Option<TraceLayer>,
}

surface::client!(reqwest::Client, "reqwest::Client");

impl Client {
    /// As [`reqwest::Client::execute`].
    ///
    /// # Errors
    /// Those of `execute`.
    pub fn execute(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, Error>> + Send + Unpin + use<> {
        let client = self.inner.clone();
        send::send(self.layer(), Ok(request), None, move |request| {
            client.execute(request)
        })
    }

    fn wrap(&self, inner: reqwest::RequestBuilder) -> RequestBuilder {
        RequestBuilder::new(inner, self.layer.clone())
    }
}

impl Service<Request> for Client {
    type Response = Response;
    type Error = Error;
    type Future = ResponseFuture<<reqwest::Client as Service<Request>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        (&*self).poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        (&*self).call(request)
    }
}

impl Service<Request> for &Client {
    type Response = Response;
    type Error = Error;
    type Future = ResponseFuture<<reqwest::Client as Service<Request>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        (&self.inner).poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        send::begin(&self.layer(), request, None, None, |request| {
            (&self.inner).call(request)
        })
    }
}
