//! What web frameworks know of a request.

use std::net::SocketAddr;

use http::Extensions;

/// Tells the server layer what a web framework has put beside a request.
pub trait Framework: 'static {
    /// The `component` tag.
    const COMPONENT: &'static str;

    /// The template of the route, such as `/orders/{id}`; never the path, which strangers choose.
    fn route(extensions: &Extensions) -> Option<&str>;

    /// The address of the connection's other end.
    fn peer(extensions: &Extensions) -> Option<SocketAddr>;
}

/// No framework: neither routes nor peers are known.
#[derive(Clone, Copy, Debug)]
pub enum Plain {}

impl Framework for Plain {
    const COMPONENT: &'static str = "tower";

    fn route(_: &Extensions) -> Option<&str> {
        None
    }

    fn peer(_: &Extensions) -> Option<SocketAddr> {
        None
    }
}
