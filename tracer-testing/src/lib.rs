//! For tests of traced code: run it, print its spans as a tree, compare the whole tree.
//!
//! ```
//! use tracer_testing::{TestTracer, assert_trace};
//!
//! let test = TestTracer::new("shop"); // samples everything, keeps every span
//! {
//!     let order = test.tracer().start_active_span("order"); // or give `test.tracer()` to what you test
//!     order.set_tag("id", 7);
//!     test.tracer().start_active_span("charge").log([("event", "card accepted")]);
//! }
//! assert_trace!(test, "
//!     order {id=7}
//!       charge [event=\"card accepted\"]
//! ");
//! ```
//!
//! # The text
//!
//! A line per span, indented under its parent, siblings in the order of their starts:
//!
//! ```text
//! operation {tag=value, ..} [log field=value, ..] (follows_from other) @service
//! ```
//!
//! Tags stand in the order of their names; text that could be taken for something else, or has spaces, stands in quotes:
//! `7` is a number, `"7"` is text. `@service` is there if the spans are of several. Times and ids are left out; so are
//! the tags `code.*` and `sampler.*`, and those that end in `_us` read `=_`. [`TreeStyle`] and the methods of
//! [`TestTracer`] change that: `TestTracer::new("shop").hide("http.*").mask("peer.port").show("code.line")`.
//!
//! # Asynchronous code and several services
//!
//! Where spans may end a little later than the test's own work (a server that answered, a spawned task), wait for them:
//! `test.settled().await` until none is open, [`settle`](TestTracer::settle) without a runtime. A second service in the
//! same test is `test.service("payment")`, a tracer of its own that reports to the same place. Functions with `#[traced]`
//! begin their traces with the tracer of the thread: `let _default = test.tracer().set_default();`.
//!
//! A `TestTracer` fails the test when it is dropped with spans nobody looked at, so that none appears or disappears
//! unnoticed; a [strict](TestTracer::strict) one also when spans are still open or scopes were closed out of order.
//!
//! # For those who extend the tracer
//!
//! [`contract`] checks a propagator, reporter or sampler of your own, [`vectors`] are headers and what they mean, and
//! [`harness`] is the API check of OpenTracing for a tracer as you set it up.
//!
//! # What it does not do
//!
//! Time is what it is, unless a [`TestClock`] sets it for a thread. No tracer is installed for the
//! process: tests run side by side, each with tracers of its own.

mod assert;
mod clock;
pub mod contract;
pub mod harness;
mod test_tracer;
mod tree;
pub mod vectors;

pub use assert::{ToTree, assert_tree};
pub use clock::TestClock;
pub use test_tracer::TestTracer;
pub use tree::{TreeStyle, render};
