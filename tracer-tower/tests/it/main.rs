//! The layers around services of hyper and tonic, over real sockets.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

mod chain;
mod client;
mod grpc;
mod h2_server;
mod hyper_server;
mod reset;
mod server;
