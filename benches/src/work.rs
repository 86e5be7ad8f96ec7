//! What every contender does, in one place, so that "equal work" can be checked by reading one file.

use std::net::SocketAddr;

use crate::receiver::Receiver;

/// Operation name of a root. Every operation name starts with [`MARK`].
pub(crate) const ROOT: &str = "bench.root";
/// Operation name of every other span.
pub(crate) const CHILD: &str = "bench.child";
/// By this the UDP sink counts spans in a datagram without knowing its encoding: nothing else that is sent holds it.
pub(crate) const MARK: &[u8] = b"bench.";
/// Service name of every tracer.
pub(crate) const SERVICE: &str = "contender";

/// The header a caller sends, as in the examples of W3C Trace Context.
pub(crate) const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// The same context in Jaeger's own header.
pub(crate) const UBER_TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:1";

/// Children of one root in the asynchronous rows: enough to leave the root and the entry into the runtime out of account.
pub(crate) const ASYNC_CHILDREN: u64 = 100;
/// How often a traced future yields in [`Work::AsyncYield`].
pub(crate) const YIELDS: usize = 3;
/// Traced asynchronous functions the handler of the server calls, one after another.
pub(crate) const SERVER_STEPS: u64 = 3;
/// Spans handed to an encoder at once in [`Work::Encode`].
pub(crate) const ENCODED_SPANS: u64 = 250;
/// Room for spans in queues whose size is the user's choice.
pub(crate) const QUEUE: usize = 65_536;

/// So many items of baggage of a usual length: the key and the value of each.
pub(crate) fn baggage(items: u64) -> impl Iterator<Item = (String, String)> {
    (0..items).map(|i| (format!("key-{i}"), format!("value-{i}")))
}

/// The text of the third tag of [`Work::Tags`]. Formatting it is part of the work, the floor's included.
pub(crate) fn formatted(i: u64) -> String {
    format!("/users/{i}")
}

/// The three tags of [`Work::Tags`] by key; the values are `"GET"`, the number of the iteration as an `i64`, and [`formatted`].
pub(crate) const TAGS: [&str; 3] = ["http.method", "user.id", "http.url"];
/// The log of [`Work::Tags`] and [`Work::PlainTags`]: an event name and one number.
pub(crate) const LOG_EVENT: &str = "cache.miss";
/// Key of the number in the log.
pub(crate) const LOG_KEY: &str = "size";
/// The number in the log.
pub(crate) const LOG_VALUE: i64 = 512;

/// One iteration of a row. A span is active while it lasts wherever the contender knows active spans, but for lone roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A root that is ended at once, never made active: the cheapest root of each contender.
    Root,
    /// A root with this many children, one after another.
    Flat(u64),
    /// A root and under it a chain of this many spans, each the child of the one before.
    Nest(u64),
    /// A root with ten children; each of the eleven has the three [`TAGS`] and one log.
    Tags,
    /// A root with ten children; each of the eleven has eight tags (two static strings, two integers, two floats, two booleans) and one log.
    PlainTags,
    /// The same when the sampler refuses it.
    UnsampledRoot,
    /// A child of a refused root that stays open.
    UnsampledChild,
    /// The contender's usual span where none is active, a tracer being installed.
    NoParent,
    /// The contender's attribute macro on a function, nothing being installed.
    NoTracer,
    /// A root with ten children made by the attribute macro on a function.
    MacroSync,
    /// A root with [`ASYNC_CHILDREN`] children made by the attribute macro on an async fn that is ready at once, on a current-thread runtime.
    AsyncReady,
    /// The same with [`YIELDS`] yields in each child.
    AsyncYield,
    /// [`TRACEPARENT`] to the contender's context.
    ParseTraceparent,
    /// The contender's context to the text of a `traceparent`.
    FormatTraceparent,
    /// [`UBER_TRACE_ID`] to the contender's context.
    ParseUber,
    /// The contender's context to the text of an `uber-trace-id`.
    FormatUber,
    /// [`ENCODED_SPANS`] finished spans of [`Work::Tags`] encoded and sent to a UDP socket by the caller.
    Encode,
    /// A query of one row on SQLite in memory, through a pool.
    Query(Under),
    /// A child of a sampled root that stays open.
    OpenRoot,
    /// A root in the place of the one that has been open longest of so many, which ends it; none is active.
    Open(u64),
    /// A root with ten children, under a caller's context with so many items of [`baggage`].
    Baggage(u64),
}

impl Work {
    /// What one iteration counts for: spans, or one operation where there are none.
    pub(crate) fn units(self) -> u64 {
        match self {
            Self::Flat(n) | Self::Nest(n) => n + 1,
            Self::Tags | Self::PlainTags | Self::MacroSync | Self::Baggage(_) => 11,
            Self::AsyncReady | Self::AsyncYield => ASYNC_CHILDREN + 1,
            Self::Encode => ENCODED_SPANS,
            Self::Root
            | Self::UnsampledRoot
            | Self::UnsampledChild
            | Self::NoParent
            | Self::NoTracer
            | Self::ParseTraceparent
            | Self::FormatTraceparent
            | Self::ParseUber
            | Self::FormatUber
            | Self::Query(_)
            | Self::OpenRoot
            | Self::Open(_) => 1,
        }
    }

    /// Spans that must arrive for each iteration; `None` where contenders rightly differ.
    pub(crate) fn delivered(self) -> Option<u64> {
        match self {
            Self::NoParent | Self::Open(_) => None,
            Self::UnsampledRoot
            | Self::UnsampledChild
            | Self::NoTracer
            | Self::Query(Under::Refused | Under::Nothing)
            | Self::ParseTraceparent
            | Self::FormatTraceparent
            | Self::ParseUber
            | Self::FormatUber => Some(0),
            spans => Some(spans.units()),
        }
    }

    /// The state of tracing the work needs.
    pub(crate) fn tracing(self) -> Tracing {
        match self {
            Self::NoTracer => Tracing::Off,
            Self::UnsampledRoot
            | Self::UnsampledChild
            | Self::Query(Under::Refused | Under::Nothing) => Tracing::Unsampled,
            _ => Tracing::Sampled,
        }
    }
}

/// What is active while a query runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Under {
    /// A sampled root that stays open.
    Sampled,
    /// A refused root that stays open.
    Refused,
    /// Nothing, and the sampler refuses the root that the query would be.
    Nothing,
}

/// Whether there is a tracer, and what its sampler says to a new trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracing {
    /// Nothing is installed.
    Off,
    /// Installed; new traces are refused.
    Unsampled,
    /// Installed; new traces are taken, and a caller's decision is followed.
    Sampled,
}

/// Where finished spans go.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// To a reporter that counts and drops them.
    Receiver(Receiver),
    /// As Jaeger Thrift to a UDP socket.
    Udp(SocketAddr),
}

/// How a contender is started.
#[derive(Debug, Clone)]
pub(crate) struct SetUp {
    /// Tracer and sampler.
    pub(crate) tracing: Tracing,
    /// Where finished spans go.
    pub(crate) output: Output,
}
