//! The layers around services of hyper and tonic, over real sockets.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

mod chain;
mod client;
mod grpc;
mod hyper_server;
mod server;
