//! What spans reqwest's calls become, over real sockets.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

mod answer;
#[cfg(feature = "blocking")]
mod blocking;
mod builder;
mod end;
mod failure;
#[cfg(feature = "http2")]
#[path = "../../../tracer-tower/tests/it/h2_server.rs"]
mod h2_server;
mod layer;
mod parent;
#[cfg(feature = "http2")]
mod reset;
mod server;
mod tag;

use tracer_testing::TestTracer;

/// Tags that say the same of all calls, or that no two runs agree on.
const HIDDEN: [&str; 6] = [
    "component",
    "http.ttfb_us",
    "peer.*",
    "http.url",
    "http.method",
    "span.kind",
];

/// A tracer whose trees say of a call only what sets it apart from others.
fn terse() -> TestTracer {
    HIDDEN
        .into_iter()
        .fold(TestTracer::new("cart"), TestTracer::hide)
}
