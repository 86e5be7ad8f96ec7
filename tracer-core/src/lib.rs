//! Distributed tracing for services: the OpenTracing model on the Jaeger wire.
//!
//! This is the core that applications set up and that every integration (`tracer-axum`, `tracer-reqwest`, `tracer-sqlx`)
//! builds on. It starts spans, keeps track of the active one, carries contexts between processes, and sends finished
//! spans to a Jaeger agent, a collector or the project's own `tracer-agent`.
//!
//! ```no_run
//! use tracer_core::{Sampler, Tracer};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let guard = Tracer::builder("shop").sampler(Sampler::constant(true)).install()?;
//!     let tracer = guard.tracer();
//!
//!     let scope = tracer.start_active_span("checkout");
//!     scope.set_tag("user", "bryan");
//!     tracer.start_active_span("charge").log((("event", "card accepted"), ("cents", 1999)));
//!     Ok(())
//! } // the guard sends what is left
//! ```
//!
//! # Functions
//!
//! [`#[traced]`](macro@traced) makes a span of each call, active while the function runs, over its awaits too. It records
//! nothing of the arguments but what `tags` names. Closures have [`traced_fn!`].
//!
//! ```
//! use tracer_core::traced;
//!
//! #[traced(tags(cents), err)]
//! async fn charge(cents: u64) -> Result<(), std::io::Error> {
//!     book(cents).await
//! }
//!
//! #[traced]
//! async fn book(cents: u64) -> Result<(), std::io::Error> {
//!     tracer_core::active_span().set_tag("booked", cents);
//!     Ok(())
//! }
//! ```
//!
//! # What it promises
//!
//! After set-up nothing here returns an error to the application, panics in it or blocks it. Everything that grows is
//! bounded, and what is dropped is counted in [`Tracer::stats`] and said once in the log. A span costs its thread little
//! more than two readings of the clock: it is moved, not shared, from its start to the thread that sends it.
//!
//! # What it does not do
//!
//! Metrics and logs are other crates' work. No asynchronous runtime is needed or started: reporting is an operating
//! system thread of its own.
//!
//! # Where to look
//!
//! [`Tracer::builder`] sets up, [`macro@traced`] traces functions, [`Span`] and [`Scope`] are spans by hand, [`TraceFuture`]
//! brings them into async code, [`carry`] to other threads. [`propagation`] has the header formats, [`mod@env`] the environment variables. To extend:
//! [`Reporter`], [`Sample`], [`Propagator`] and the carriers are the four seams.

mod active;
mod baggage;
mod baggage_policy;
mod bell;
mod builder;
mod callsite;
mod carry;
mod clock;
mod context;
mod counts;
mod debug_throttle;
mod descent;
mod details;
mod edit;
pub mod env;
mod error;
mod fields;
mod fork;
mod future;
mod global;
mod guard;
mod guarded;
mod held;
mod hex;
mod hint;
mod id;
mod inquiry;
mod keep;
mod kind;
mod local;
mod name;
mod part;
mod pending;
mod policies;
mod poll;
#[doc(hidden)]
pub mod private;
mod process;
pub mod propagation;
mod record;
mod registry;
mod report;
mod room;
mod sampler;
mod scope;
mod short;
mod slot;
mod span;
mod span_builder;
mod stack;
mod stats;
mod sync;
mod tag;
pub mod tags;
mod template;
mod traced_fn;
mod tracer;
#[cfg(test)]
mod tree;
mod wire;

pub use active::{ActiveSpan, active_span, is_refused};
pub use baggage::Baggage;
pub use baggage_policy::{BaggagePolicy, RemoteBaggagePolicy};
pub use builder::TracerBuilder;
pub use carry::carry;
pub use context::{Decision, SpanContext};
pub use debug_throttle::{DebugThrottle, RemoteDebugThrottle};
pub use details::{Reference, ReferenceKind};
pub use error::{ExtractError, FlushError, InitError};
pub use fields::{Field, Fields};
pub use future::{InSpan, StreamInSpan, TraceFuture, TraceStream};
pub use global::{DefaultGuard, after_fork, tracer};
pub use guard::TracerGuard;
pub use id::{ParseIdError, SpanId, TraceId};
pub use keep::KeepPolicy;
pub use kind::SpanKind;
pub use poll::PollStats;
pub use process::Process;
pub use propagation::{
    Binary, Extract, HttpHeaders, Inject, JaegerHeaders, Propagation, Propagator, ReadCarrier,
    TextFormat, TextMap, WriteCarrier,
};
pub use record::{LogRecord, SpanRecord};
pub use report::{
    ConsoleReporter, HttpReporter, LossCause, Losses, MakeReporter, MemoryReporter, NullReporter,
    ReportError, Reporter, ReporterStats, UdpReporter,
};
pub use sampler::{Change, RemoteSampler, Sample, Sampler, Sampling, SamplingRequest};
pub use scope::Scope;
pub use slot::SpanSlot;
pub use span::Span;
pub use span_builder::SpanBuilder;
pub use stats::Stats;
pub use tag::TagValue;
pub use template::SpanTemplate;
pub use tracer::Tracer;
#[cfg(not(tracer_off))]
pub use tracer_macros::traced;
#[cfg(tracer_off)]
pub use tracer_macros::traced_off as traced;
