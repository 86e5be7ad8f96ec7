//! Client spans for [reqwest](https://docs.rs/reqwest).
//!
//! ```no_run
//! # async fn run() -> Result<(), reqwest::Error> {
//! let http = tracer_reqwest::Client::new();
//! let orders: Vec<u64> = http.get("http://shop/orders").send().await?.json().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Client`] has reqwest's methods and gives reqwest's own `Response` and `Error`, so a program changes the type it
//! makes its client of and nothing else. Every call is then a span: a child of the active one, its context in the headers
//! of the request, open until the last byte of the response has been read. For a single call of a client of reqwest's
//! there is [`SendTraced`]; for stacks of tower layers around one, [`TraceLayer`].
//!
//! ```no_run
//! # async fn run(client: reqwest::Client) -> Result<(), reqwest::Error> {
//! use tracer_reqwest::SendTraced;
//!
//! let response = client.get("http://shop/orders").send_traced().await?;
//! # Ok(())
//! # }
//! ```
//!
//! What a span records is in [`tracer_tower::client`]; an operation is named by its method, or by
//! [`operation`](RequestBuilder::operation).
//!
//! # Features
//!
//! They have reqwest's names and turn on reqwest's: `json` (by default), `blocking` (with it the module of that name),
//! `query`, `form`, `multipart`, `stream`, `cookies`, `gzip`, ... The default has no TLS: for `https` choose `default-tls` or `rustls` here, or any of reqwest's own at
//! reqwest itself.
//!
//! # What it cannot see
//!
//! Redirects, and retries by reqwest's own policy, happen inside of a span: all of them carry the same headers, and a
//! redirect is a log of the span. The body of a response that is decompressed ends with its last decompressed byte.
//!
//! # What differs
//!
//! The time of a [`timeout`](RequestBuilder::timeout) begins with the first poll of the future, where reqwest's begins with
//! `send()`. An error of the body of a traced response has the one that reqwest would give for its source: what lies in it
//! is one `source()` further down.

#[cfg(feature = "blocking")]
pub mod blocking;
mod client;
mod client_builder;
mod error;
mod layer;
mod request;
mod send;
mod surface;

pub use client::Client;
pub use client_builder::ClientBuilder;
pub use layer::{Trace, TraceLayer};
pub use request::RequestBuilder;
/// The crate that is wrapped, for its types.
pub use reqwest;
pub use send::{ResponseFuture, SendTraced};
pub use tracer_tower::Conventions;
