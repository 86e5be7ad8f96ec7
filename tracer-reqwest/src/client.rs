//! The client.

use std::task::{Context, Poll};

use reqwest::{Error, IntoUrl, Method, Request, Response};
use tower_service::Service;
use tracer_core::Tracer;
use tracer_tower::client;

use crate::client_builder::ClientBuilder;
use crate::request::RequestBuilder;
use crate::send::{self, ResponseFuture};

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
    pub(crate) layer: Option<client::TraceLayer>,
}

impl Client {
    /// As [`reqwest::Client::new`].
    ///
    /// # Panics
    /// When TLS cannot be set up or the system's resolver configuration cannot be read, as that does. With
    /// [`builder`](Self::builder) these are errors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`reqwest::Client::builder`].
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// Uses this tracer and no other.
    #[must_use]
    pub fn with_tracer(self, tracer: &Tracer) -> Self {
        let layer = self.layer().with_tracer(tracer);
        self.with_layer(layer)
    }

    /// Records what this layer says: allow-lists of headers, conventions, names, what is an error.
    ///
    /// ```
    /// use tracer_tower::client::TraceLayer;
    ///
    /// let http = tracer_reqwest::Client::new().with_layer(TraceLayer::new().peer_service("inventory"));
    /// ```
    #[must_use]
    pub fn with_layer(mut self, layer: client::TraceLayer) -> Self {
        self.layer = Some(layer);
        self
    }

    pub(crate) fn layer(&self) -> client::TraceLayer {
        self.layer.clone().unwrap_or_else(send::layer)
    }

    /// The client inside, whose calls are not traced.
    #[must_use]
    pub fn as_untraced(&self) -> &reqwest::Client {
        &self.inner
    }

    /// As [`reqwest::Client::get`].
    pub fn get<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.wrap(self.inner.get(url))
    }

    /// As [`reqwest::Client::post`].
    pub fn post<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.wrap(self.inner.post(url))
    }

    /// As [`reqwest::Client::put`].
    pub fn put<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.wrap(self.inner.put(url))
    }

    /// As [`reqwest::Client::patch`].
    pub fn patch<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.wrap(self.inner.patch(url))
    }

    /// As [`reqwest::Client::delete`].
    pub fn delete<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.wrap(self.inner.delete(url))
    }

    /// As [`reqwest::Client::head`].
    pub fn head<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.wrap(self.inner.head(url))
    }

    /// As [`reqwest::Client::request`].
    pub fn request<U: IntoUrl>(&self, method: Method, url: U) -> RequestBuilder {
        self.wrap(self.inner.request(method, url))
    }

    /// As [`reqwest::Client::execute`].
    ///
    /// # Errors
    /// Those of `execute`.
    pub fn execute(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        let client = self.inner.clone();
        send::send(self.layer(), Ok(request), None, move |request| {
            client.execute(request)
        })
    }

    fn wrap(&self, inner: reqwest::RequestBuilder) -> RequestBuilder {
        RequestBuilder::new(inner, self.layer.clone())
    }
}

impl From<reqwest::Client> for Client {
    fn from(inner: reqwest::Client) -> Self {
        Self { inner, layer: None }
    }
}

impl Service<Request> for Client {
    type Response = Response;
    type Error = Error;
    type Future = ResponseFuture<<reqwest::Client as Service<Request>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        send::begin(&self.layer(), request, None, None, |request| {
            self.inner.call(request)
        })
    }
}
