//! The client.

use reqwest::blocking::{Request, Response};
use reqwest::{Error, IntoUrl, Method};
use tracer_core::Tracer;
use tracer_tower::client::TraceLayer;

use super::client_builder::ClientBuilder;
use super::request::RequestBuilder;
use super::send::call;
use crate::{send, surface};

/// A [`reqwest::blocking::Client`] whose calls have client spans. Cheap to clone, as that is, and to be kept for the same
/// reason: it owns a thread and a pool of connections.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub(super) inner: reqwest::blocking::Client,
    pub(super) layer: Option<TraceLayer>,
}

surface::client!(reqwest::blocking::Client, "reqwest::blocking::Client");

impl Client {
    /// As [`reqwest::blocking::Client::execute`].
    ///
    /// # Errors
    /// Those of `execute`.
    pub fn execute(&self, request: Request) -> Result<Response, Error> {
        call(&self.inner, &self.layer(), request, None)
    }

    fn wrap(&self, inner: reqwest::blocking::RequestBuilder) -> RequestBuilder {
        RequestBuilder::new(inner, self.layer.clone())
    }
}
