//! The builder of a client, which passes everything through to reqwest's.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use reqwest::Error;
use tracer_tower::client::TraceLayer;

use crate::client::Client;
use crate::surface;

/// A [`reqwest::ClientBuilder`] that builds a [`Client`]. What it does not pass through is set by
/// [`configure`](Self::configure).
#[derive(Debug, Default)]
#[must_use = "a client is made by `build`"]
pub struct ClientBuilder {
    inner: reqwest::ClientBuilder,
    layer: Option<TraceLayer>,
}

surface::client_builder!(reqwest::ClientBuilder, "reqwest::ClientBuilder");

impl ClientBuilder {
    surface::pass_through! {
        "reqwest::ClientBuilder":
        timeout(timeout: Duration);
        read_timeout(timeout: Duration);
        connect_timeout(timeout: Duration);
    }
}
