//! The builder of a request.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Version};
use reqwest::Error;
use reqwest::blocking::Response;
use tracer_tower::client::TraceLayer;

use super::client::Client;
use super::send::call;
use crate::{send, surface};

/// A [`reqwest::blocking::RequestBuilder`] whose request has a client span. Made by [`Client`].
#[derive(Debug)]
#[must_use = "a request is sent by `send`"]
pub struct RequestBuilder {
    inner: reqwest::blocking::RequestBuilder,
    layer: Option<TraceLayer>,
    operation: Option<Cow<'static, str>>,
}

surface::request_builder!(
    reqwest::blocking::RequestBuilder,
    "reqwest::blocking::RequestBuilder",
    reqwest::blocking::Request,
    reqwest::blocking::Body,
    reqwest::blocking::multipart::Form
);

impl RequestBuilder {
    /// As [`reqwest::blocking::RequestBuilder::send`], with a client span around it: a child of what is active now.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn send(self) -> Result<Response, Error> {
        let (client, request) = self.inner.build_split();
        let layer = self.layer.unwrap_or_else(send::layer);
        call(&client, &layer, request?, self.operation)
    }
}
