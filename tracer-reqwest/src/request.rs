//! The builder of a request.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Version};
use reqwest::{Body, Error, Request, Response};
use tracer_tower::client::TraceLayer;

use crate::client::Client;
use crate::send;

/// A [`reqwest::RequestBuilder`] whose request has a client span. Made by [`Client`].
#[derive(Debug)]
#[must_use = "a request is sent by `send`"]
pub struct RequestBuilder {
    inner: reqwest::RequestBuilder,
    layer: Option<TraceLayer>,
    operation: Option<Cow<'static, str>>,
}

impl RequestBuilder {
    pub(crate) fn new(inner: reqwest::RequestBuilder, layer: Option<TraceLayer>) -> Self {
        Self {
            inner,
            layer,
            operation: None,
        }
    }

    /// As [`reqwest::RequestBuilder::from_parts`].
    pub fn from_parts(client: Client, request: Request) -> Self {
        Self::new(
            reqwest::RequestBuilder::from_parts(client.inner, request),
            client.layer,
        )
    }

    fn map(mut self, map: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        self.inner = map(self.inner);
        self
    }

    /// Names the operation of this call; without it that is the method.
    ///
    /// Names are few: say `list orders`, not `order 7`.
    pub fn operation(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// As [`reqwest::RequestBuilder::header`].
    pub fn header<K, V>(self, key: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.map(|inner| inner.header(key, value))
    }

    /// As [`reqwest::RequestBuilder::headers`].
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.map(|inner| inner.headers(headers))
    }

    /// As [`reqwest::RequestBuilder::basic_auth`].
    pub fn basic_auth<U: fmt::Display, P: fmt::Display>(
        self,
        username: U,
        password: Option<P>,
    ) -> Self {
        self.map(|inner| inner.basic_auth(username, password))
    }

    /// As [`reqwest::RequestBuilder::bearer_auth`].
    pub fn bearer_auth<T: fmt::Display>(self, token: T) -> Self {
        self.map(|inner| inner.bearer_auth(token))
    }

    /// As [`reqwest::RequestBuilder::body`].
    pub fn body<T: Into<Body>>(self, body: T) -> Self {
        self.map(|inner| inner.body(body))
    }

    /// As [`reqwest::RequestBuilder::timeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|inner| inner.timeout(timeout))
    }

    /// As [`reqwest::RequestBuilder::version`].
    pub fn version(self, version: Version) -> Self {
        self.map(|inner| inner.version(version))
    }

    /// As `reqwest::RequestBuilder::json`.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(self, json: &T) -> Self {
        self.map(|inner| inner.json(json))
    }

    /// As `reqwest::RequestBuilder::query`.
    #[cfg(feature = "query")]
    pub fn query<T: serde::Serialize + ?Sized>(self, query: &T) -> Self {
        self.map(|inner| inner.query(query))
    }

    /// As `reqwest::RequestBuilder::form`.
    #[cfg(feature = "form")]
    pub fn form<T: serde::Serialize + ?Sized>(self, form: &T) -> Self {
        self.map(|inner| inner.form(form))
    }

    /// As `reqwest::RequestBuilder::multipart`.
    #[cfg(feature = "multipart")]
    pub fn multipart(self, form: reqwest::multipart::Form) -> Self {
        self.map(|inner| inner.multipart(form))
    }

    /// As [`reqwest::RequestBuilder::build`].
    ///
    /// # Errors
    /// Those of `build`.
    pub fn build(self) -> Result<Request, Error> {
        self.inner.build()
    }

    /// As [`reqwest::RequestBuilder::build_split`].
    pub fn build_split(self) -> (Client, Result<Request, Error>) {
        let (inner, request) = self.inner.build_split();
        (
            Client {
                inner,
                layer: self.layer,
            },
            request,
        )
    }

    /// As [`reqwest::RequestBuilder::send`], with a client span around it.
    ///
    /// The span starts when the future is first polled: as a child of what is active there or, on a task where nothing is,
    /// of what is active now.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn send(self) -> impl Future<Output = Result<Response, Error>> + Send {
        let (client, request) = self.inner.build_split();
        let layer = self.layer.unwrap_or_else(send::layer);
        send::send(layer, request, self.operation, move |request| {
            client.execute(request)
        })
    }

    /// As [`reqwest::RequestBuilder::try_clone`].
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        let inner = self.inner.try_clone()?;
        Some(Self {
            inner,
            layer: self.layer.clone(),
            operation: self.operation.clone(),
        })
    }
}
