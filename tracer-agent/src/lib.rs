//! The process beside the service: receives traces, keeps the newest, shows them.
//!
//! For a developer who wants to see a trace a second after it happened, without a container or a database. It takes what
//! every Jaeger client and every SDK of OpenTelemetry sends, so a service in another language may join, and answers version 1 of Jaeger's query API, so
//! Grafana and Jaeger's UI up to 2.20 can read it. Run it as the binary `tracer-agent`, or inside a test or an example:
//!
//! ```
//! use tracer_agent::Agent;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let agent = Agent::builder().ephemeral_ports().start()?;
//! println!("send spans to udp {}, see them at {}", agent.compact_addr(), agent.url());
//! assert!(agent.store().services().is_empty());
//! agent.shutdown();
//! # Ok(())
//! # }
//! ```
//!
//! | port | what |
//! |---|---|
//! | 6831/udp | Jaeger Thrift compact |
//! | 6832/udp | Jaeger Thrift binary |
//! | 14268 | `POST /api/traces`, Jaeger Thrift binary over HTTP |
//! | 4318 | `POST /v1/traces`, OTLP over HTTP, in Protobuf or JSON |
//! | 16686 | pages and Jaeger's query API (v1), `/health`, `POST /api/upload` of saved traces |
//! | 5778 | remote sampling strategies |
//!
//! OTLP over gRPC (port 4317) is not received: an exporter that uses it reports that it cannot connect, and is set right by
//! `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`. Where a collector has the port 4318, the agent goes on without OTLP.
//!
//! It listens on the loopback interface unless told otherwise, refuses requests that name a foreign host or origin, never
//! answers a datagram, and keeps everything it holds under bounds; what it drops is counted in [`Stats`] and shown on
//! `/health`. It keeps nothing on disk, and is no cluster: a team that outgrows one machine sends to a Jaeger or
//! OpenTelemetry Collector instead, or has [`forward`](AgentBuilder::forward) do it.

mod agent;
mod builder;
mod critical_path;
mod forward;
mod host;
mod model;
mod otlp;
mod page;
mod protobuf;
mod query;
mod read;
pub mod receive;
mod sampling;
mod serve;
pub mod show;
mod stats;
mod store;
mod text;
mod thread;
pub mod tree;
mod upload;

pub use agent::Agent;
pub use builder::{AgentBuilder, StartError};
pub use model::{
    Batch, ClientStats, Log, ParseIdError, Process, RefType, Reference, Span, SpanId, Tag,
    TagValue, Trace, TraceId,
};
pub use query::json::trace_json;
pub use stats::{ForwardStats, Messages, Received, Stats, StoreStats};
pub use store::{Query, Store, WaitTimeout};
