//! What spans reqwest's calls become, over real sockets.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

mod answer;
#[cfg(feature = "blocking")]
mod blocking;
mod builder;
mod end;
mod failure;
#[cfg(feature = "http2")]
mod h2_server;
mod layer;
mod parent;
#[cfg(feature = "http2")]
mod reset;
mod server;
mod tag;
