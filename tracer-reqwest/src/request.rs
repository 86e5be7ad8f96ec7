//! The builder of a request.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Version};
use reqwest::{Error, Response};
use tracer_tower::client::TraceLayer;

use crate::client::Client;
use crate::send;
use crate::surface;

/// A [`reqwest::RequestBuilder`] whose request has a client span. Made by [`Client`].
///
/// ```no_run
/// # async fn run(http: tracer_reqwest::Client) -> Result<(), reqwest::Error> {
/// let order = http.get("http://shop/orders/7").operation("fetch order").send().await?.text().await?;
/// # let _ = order; Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a request is sent by `send`"]
pub struct RequestBuilder {
    inner: reqwest::RequestBuilder,
    layer: Option<TraceLayer>,
    operation: Option<Cow<'static, str>>,
}

surface::request_builder!(
    reqwest::RequestBuilder,
    "reqwest::RequestBuilder",
    reqwest::Request,
    reqwest::Body,
    reqwest::multipart::Form
);

impl RequestBuilder {
    /// As [`reqwest::RequestBuilder::send`], with a client span around it.
    ///
    /// The span starts when the future is first polled: as a child of what is active there or, on a task where nothing is,
    /// of what is active now.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn send(self) -> impl Future<Output = Result<Response, Error>> + Send + Unpin {
        let (client, request) = self.inner.build_split();
        let layer = self.layer.unwrap_or_else(send::layer);
        send::send(layer, request, self.operation, move |request| {
            client.execute(request)
        })
    }
}
