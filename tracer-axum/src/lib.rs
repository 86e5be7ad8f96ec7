//! Server spans for [axum](https://docs.rs/axum), named by route.
//!
//! ```
//! use axum::{Router, extract::Path, routing::get};
//!
//! async fn show(Path(id): Path<u64>) -> String {
//!     format!("order {id}")
//! }
//!
//! let app: Router = Router::new().route("/orders/{id}", get(show)).layer(tracer_axum::TraceLayer::new());
//! ```
//!
//! A request for `/orders/7` is then a span `GET /orders/{id}`: a child of the caller's span if the headers name one,
//! active while the handler runs, open until the last byte of the response. What it records, and when it ends, is in
//! [`tracer_tower::server`]; this crate adds what axum knows of a request.
//!
//! # Where to put the layer
//!
//! | layer | named | sees requests that match no route |
//! |---|---|---|
//! | `Router::layer`, after the routes | by route; requests that match none, and those of `nest_service`, by method | yes |
//! | `Router::route_layer` | by route | no |
//! | around the whole router, as a service | by method | yes |
//! | both around the router and in `route_layer` | by route; the inner one names the span of the outer | yes |
//!
//! A span is never named by the path, which strangers choose.
//!
//! # The address of the client
//!
//! With `into_make_service_with_connect_info::<SocketAddr>()` spans have `peer.ipv4` or `peer.ipv6`, and `peer.port`. Behind
//! a proxy say [`trust_forwarded`](tracer_tower::server::ServerLayer::trust_forwarded).
//!
//! # WebSockets
//!
//! The span of a handshake ends with its response. The task of the socket is axum's and knows nothing of the request, so
//! carry the context into it (with axum's feature `ws`):
//!
//! ```
//! use axum::extract::ws::{WebSocket, WebSocketUpgrade};
//! use axum::response::Response;
//! use tracer_axum::ServerSpan;
//! use tracer_core::TraceFuture;
//!
//! async fn chat(server_span: ServerSpan, upgrade: WebSocketUpgrade) -> Response {
//!     let context = server_span.context();
//!     upgrade.on_upgrade(|socket| talk(socket).in_context(context))
//! }
//!
//! async fn talk(socket: WebSocket) { /* spans started here belong to the trace of the handshake */ }
//! ```

mod extract;
mod framework;

pub use extract::ServerSpan;
pub use framework::Axum;
pub use tracer_tower::{Conventions, RequestHead, ResponseHead};

/// The layer that gives every request a server span: `Router::layer(TraceLayer::new())`.
///
/// Its options are those of [`ServerLayer`](tracer_tower::server::ServerLayer), [`with_tracer`] among them.
///
/// [`with_tracer`]: tracer_tower::server::ServerLayer::with_tracer
pub type TraceLayer = tracer_tower::server::ServerLayer<Axum>;
