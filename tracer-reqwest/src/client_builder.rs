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
///
/// ```
/// use std::time::Duration;
/// use tracer_reqwest::ClientBuilder;
///
/// let http = ClientBuilder::new()
///     .timeout(Duration::from_secs(5))
///     .configure(|builder| builder.pool_max_idle_per_host(2))
///     .build()?;
/// # let _ = http; Ok::<(), reqwest::Error>(())
/// ```
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
