//! What spans reqwest's calls become, over real sockets.

mod answer;
mod builder;
mod end;
mod failure;
mod layer;
mod parent;
mod server;
mod tag;
