//! The client that blocks its thread, feature `blocking`.
//!
//! ```no_run
//! let http = tracer_reqwest::blocking::Client::new();
//! let orders: Vec<u64> = http.get("http://shop/orders").send()?.json()?;
//! # Ok::<(), reqwest::Error>(())
//! ```
//!
//! As the [client that waits](crate::Client): reqwest's methods, types and errors, and spans that end with the last byte
//! that is read, on whichever thread that is. For a single call of a client of reqwest's there is [`SendTraced`].
//!
//! The body of a recorded span goes through one buffer more than reqwest's own. A timeout holds for the
//! request and then for each read of the body: reqwest's `text`, `bytes` and `json` would hold it for the body as a whole.
//! Without a recorded span the response is reqwest's, untouched.
//!
//! As reqwest's, it is not for the threads of an asynchronous runtime, which it would block.

mod body;
mod client;
mod client_builder;
mod request;
mod send;

pub use client::Client;
pub use client_builder::ClientBuilder;
pub use request::RequestBuilder;
pub use send::SendTraced;
