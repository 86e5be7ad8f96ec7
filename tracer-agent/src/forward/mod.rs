//! Sending on: every span that is taken in here also goes to a collector, Jaeger's or OpenTelemetry's.
//!
//! The receiving threads only put pointers to spans into a bounded [`Queue`]: the store has the spans anyway. One thread
//! of its own ([`sender`]) takes them out in batches, writes them in the collector's format and posts them, again and again
//! while the collector is away or busy. What does not fit into the queue meanwhile is dropped and counted, so neither
//! receiving nor the pages ever wait for the collector.

mod endpoint;
mod jaeger;
mod otlp;
mod queue;
mod sender;
mod trouble;

pub(crate) use endpoint::Endpoint;
pub(crate) use queue::Queue;
pub(crate) use sender::run;

#[cfg(test)]
pub(crate) use otlp::tests::otlp_of_test_spans;

/// Bytes of spans in a request, as the store counts them; on the wire they are fewer.
const MAX_REQUEST: usize = 1 << 20;
