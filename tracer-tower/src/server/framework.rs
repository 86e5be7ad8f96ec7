//! What web frameworks know of a request.

use std::net::SocketAddr;

use http::{Extensions, Uri};

/// Tells the server layer what a web framework has put beside a request.
///
/// ```
/// use std::net::SocketAddr;
/// use http::Extensions;
/// use tracer_tower::server::{Framework, ServerLayer};
///
/// /// A router of your own.
/// enum Router {}
/// # #[derive(Clone)]
/// struct Route(&'static str);
///
/// impl Framework for Router {
///     const COMPONENT: &'static str = "router";
///
///     fn route(extensions: &Extensions) -> Option<&str> {
///         extensions.get().map(|Route(template)| *template)
///     }
///
///     fn peer(extensions: &Extensions) -> Option<SocketAddr> {
///         extensions.get().copied()
///     }
/// }
///
/// let layer = ServerLayer::<Router>::new();
/// ```
pub trait Framework: 'static {
    /// The `component` tag.
    const COMPONENT: &'static str;

    /// The template of the route, such as `/orders/{id}`; never the path, which strangers choose.
    fn route(extensions: &Extensions) -> Option<&str>;

    /// The address of the connection's other end.
    fn peer(extensions: &Extensions) -> Option<SocketAddr>;

    /// The target as it was received, where a router has cut its own prefix off that of the request.
    #[must_use]
    fn uri(_extensions: &Extensions) -> Option<&Uri> {
        None
    }
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
