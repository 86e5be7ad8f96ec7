//! Server spans: [`TraceLayer`] around any service that answers `http::Request`s.
//!
//! # What a span says
//!
//! Its parent is the caller's span, read from the headers of the request in the tracer's propagation formats; a request
//! without a context begins a trace, whatever is active on the server. Its operation name is the method and, where the
//! [framework](Framework) knows it, the template of the route. Its tags are `span.kind`, `component`, `http.method`,
//! `http.url` without user info and query, `http.status_code`, where known the address of the peer, and:
//!
//! | tag | when |
//! |---|---|
//! | `error` | the status is 5xx or what [`error_if`](ServerLayer::error_if) says, the service or the body failed, the handler panicked, or a gRPC call ended by the server's fault |
//! | `grpc.status` | of gRPC calls, from headers or trailers |
//! | `http.client_gone` | `before`: the request was dropped before the response; `body`: in the middle of it, unless a layer outside took it off unread. Not an error: every event stream ends so |
//! | `cancelled` | with `http.client_gone = before` |
//! | `complete` | `false`: the body went on for longer than [`max_body_time`](ServerLayer::max_body_time) |
//!
//! A response that is streamed has a log `response started` with `http.ttfb_us`, the time to its first byte.
//!
//! # Inside of a request
//!
//! `tracer_core::active_span()` and [`ServerSpan`], which lies in the extensions of the request, reach the span. Where the
//! work goes on after the response, as the task of a WebSocket does, the span is over; the task carries on its trace by
//! [`ServerSpan::context`].
//!
//! # Two layers
//!
//! A second layer on the way of a request makes no second span: it names the one that is there, if it knows the route.
//! So one around everything sees what no route takes, and one inside names what a route does.

mod framework;
mod future;
mod layer;
mod name;
mod options;
mod service;
mod span;
mod start;

pub use self::framework::{Framework, Plain};
pub use self::future::ResponseFuture;
pub use self::layer::{ServerLayer, TraceLayer};
pub use self::service::Trace;
pub use self::span::ServerSpan;
pub use crate::body::ResponseBody;
