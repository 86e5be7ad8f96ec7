//! The layers around services of hyper and tonic, over real sockets.

mod chain;
mod client;
mod grpc;
mod hyper_server;
mod server;
