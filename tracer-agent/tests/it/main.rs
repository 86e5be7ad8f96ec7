//! The agent from outside: real sockets, real datagrams, its binary.

mod client;
mod command;
mod datagram;
mod golden;
mod health;
mod hostile;
mod page;
mod query;
mod receive;
mod sampling;
mod waterfall;
