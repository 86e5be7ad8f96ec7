//! HTTP server and client spans for any [tower] service over `http::Request` and `http::Response`.
//!
//! [`server`] and [`client`] each have a `TraceLayer`. They serve tonic, hyper and whatever else speaks tower without
//! boxing anything; for axum take `tracer-axum`, for reqwest `tracer-reqwest`, which are thin covers of this crate.
//!
//! ```
//! # use tower_layer::Layer;
//! # let inner = ();
//! let traced = tracer_tower::server::TraceLayer::new().layer(inner);
//! # let channel = ();
//! let calling = tracer_tower::client::TraceLayer::new().layer(channel);
//! ```
//!
//! # Where spans begin and end
//!
//! A span is open from the arrival of a request, or before its headers go out, until the last byte of the response has
//! been handed over: the [body](ResponseBody) of the response carries it on. It is active while the inner service is
//! called, at every poll of its future and of the body, and while these are dropped, so that what is started there
//! becomes a child. It ends when the work ends, whoever still remembers the request.
//!
//! # What it refuses
//!
//! Operation names and tag names are never made of what a stranger sent: no raw path, no unknown method. Headers are
//! recorded by allow-list alone, and URLs without user info and query.
//!
//! [tower]: https://docs.rs/tower

mod body;
mod callback;
pub mod client;
mod conventions;
mod end;
mod grpc;
mod head;
mod header;
mod method;
mod peer;
mod refused;
pub mod server;
mod target;
mod url;

pub use body::ResponseBody;
pub use conventions::Conventions;
pub use head::{RequestHead, ResponseHead};
