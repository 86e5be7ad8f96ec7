//! Client spans: [`TraceLayer`] around any service that sends `http::Request`s, and [`Call`] for clients that are none.
//!
//! # What a span says
//!
//! It is a child of the span that is active at the call, and its context is written into the headers of the request. It
//! is named by the method, a gRPC call by service and method, or as [`operation`](TraceLayer::operation) and
//! [`Operation`] say. Its tags are `span.kind`, `component`, `http.method`, `http.url` without user info and query,
//! `peer.hostname`, `peer.port`, `http.status_code`, and:
//!
//! | tag | when |
//! |---|---|
//! | `error` | the status is 4xx or 5xx or what [`error_if`](TraceLayer::error_if) says, the call or its body failed, or a gRPC call did not end with OK |
//! | `grpc.status` | of gRPC calls, from headers or trailers |
//! | `http.ttfb_us` | the time to the head of the response, which also has a log, `response started` |
//! | `cancelled` | the call was dropped before the response |
//! | `complete` | `false`: the body was dropped before its end, which is no error |
//!
//! # Where to put the layer
//!
//! Outside of `tower::buffer`, which calls what is inside of it from a task of its own, where no span is active: there each
//! call would begin a trace. Inside of a retry layer, to have a span for each attempt. What is named by its channel has
//! another one then: a `GreeterClient<Channel>` becomes a `GreeterClient<client::Trace<Channel>>`.
//!
//! # What it cannot see
//!
//! Redirects and retries that the wrapped client makes are inside of one span and carry the same headers.

mod call;
mod future;
mod layer;
mod service;

pub use self::call::{Call, Caller};
pub use self::future::ResponseFuture;
pub use self::layer::{Operation, TraceLayer};
pub use self::service::Trace;
pub use crate::body::ResponseBody;
