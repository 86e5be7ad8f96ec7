//! The builder of a client, which passes everything through to reqwest's.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use reqwest::Error;
use tracer_tower::client::TraceLayer;

use crate::client::Client;

/// A [`reqwest::ClientBuilder`] that builds a [`Client`]. What it does not pass through is set by
/// [`configure`](Self::configure).
#[derive(Debug, Default)]
#[must_use = "a client is made by `build`"]
pub struct ClientBuilder {
    inner: reqwest::ClientBuilder,
    layer: Option<TraceLayer>,
}

macro_rules! pass_through {
    ($($(#[$cfg:meta])* $method:ident $(<$($generic:ident: $bound:path),+>)? ($($argument:ident: $type:ty),*);)*) => {$(
        #[doc = concat!("As `reqwest::ClientBuilder::", stringify!($method), "`.")]
        $(#[$cfg])*
        pub fn $method$(<$($generic: $bound),+>)?(self, $($argument: $type),*) -> Self {
            self.configure(|inner| inner.$method($($argument),*))
        }
    )*};
}

impl ClientBuilder {
    /// As [`reqwest::ClientBuilder::new`].
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`reqwest::ClientBuilder::build`].
    ///
    /// # Errors
    /// Those of `build`.
    pub fn build(self) -> Result<Client, Error> {
        Ok(Client {
            inner: self.inner.build()?,
            layer: self.layer,
        })
    }

    /// Sets what this builder has no method for: `configure(|builder| builder.dns_resolver(mine))`.
    pub fn configure(
        mut self,
        set: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Self {
        self.inner = set(self.inner);
        self
    }

    /// As [`Client::with_layer`].
    pub fn with_layer(mut self, layer: TraceLayer) -> Self {
        self.layer = Some(layer);
        self
    }

    /// As [`reqwest::ClientBuilder::user_agent`].
    pub fn user_agent<V>(self, value: V) -> Self
    where
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        self.configure(|inner| inner.user_agent(value))
    }

    pass_through! {
        default_headers(headers: HeaderMap);
        redirect(policy: reqwest::redirect::Policy);
        referer(enable: bool);
        retry(policy: reqwest::retry::Builder);
        proxy(proxy: reqwest::Proxy);
        no_proxy();
        timeout(timeout: Duration);
        read_timeout(timeout: Duration);
        connect_timeout(timeout: Duration);
        connection_verbose(verbose: bool);
        pool_idle_timeout<D: Into<Option<Duration>>>(timeout: D);
        pool_max_idle_per_host(max: usize);
        http1_title_case_headers();
        http1_only();
        tcp_nodelay(enabled: bool);
        local_address<T: Into<Option<IpAddr>>>(address: T);
        tcp_keepalive<D: Into<Option<Duration>>>(interval: D);
        https_only(enabled: bool);
        resolve(domain: &str, address: SocketAddr);
        resolve_to_addrs(domain: &str, addresses: &[SocketAddr]);
        no_gzip();
        no_brotli();
        no_zstd();
        no_deflate();
        #[cfg(feature = "http2")] http2_prior_knowledge();
        #[cfg(feature = "http2")] http2_adaptive_window(enabled: bool);
        #[cfg(feature = "cookies")] cookie_store(enable: bool);
        #[cfg(feature = "gzip")] gzip(enable: bool);
        #[cfg(feature = "brotli")] brotli(enable: bool);
        #[cfg(feature = "zstd")] zstd(enable: bool);
        #[cfg(feature = "deflate")] deflate(enable: bool);
        #[cfg(feature = "hickory-dns")] hickory_dns(enable: bool);
    }
}
