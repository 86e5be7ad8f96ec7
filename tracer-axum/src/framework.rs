//! What axum puts beside a request.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, OriginalUri};
use http::{Extensions, Uri};
use tracer_tower::server::Framework;

/// Tells the layer of `tracer-tower` the routes and peers of axum.
#[derive(Clone, Copy, Debug)]
pub enum Axum {}

impl Framework for Axum {
    const COMPONENT: &'static str = "axum";

    fn route(extensions: &Extensions) -> Option<&str> {
        extensions.get::<MatchedPath>().map(MatchedPath::as_str)
    }

    fn peer(extensions: &Extensions) -> Option<SocketAddr> {
        extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0)
    }

    fn uri(extensions: &Extensions) -> Option<&Uri> {
        extensions.get::<OriginalUri>().map(|uri| &uri.0)
    }
}
