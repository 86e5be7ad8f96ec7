//! What spans reqwest's calls become, over real sockets.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

mod answer;
#[cfg(feature = "blocking")]
mod blocking;
mod builder;
mod end;
mod failure;
mod layer;
mod parent;
mod server;
mod tag;
