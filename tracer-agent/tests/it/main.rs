//! The agent from outside: real sockets, real datagrams, its binary.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

mod client;
mod collector;
mod command;
mod datagram;
mod forward;
mod golden;
mod health;
mod hostile;
mod otlp;
mod page;
mod query;
mod receive;
mod sampling;
mod upload;
mod waterfall;
