//! Work in progress.
mod baggage;
mod callsite;
mod clock;
mod context;
mod details;
mod error;
mod fields;
mod hex;
mod id;
mod kind;
mod process;
mod record;
mod report;
mod tag;
pub mod tags;
mod wire;

pub use baggage::Baggage;
pub use context::{Decision, SpanContext};
pub use details::{Reference, ReferenceKind};
pub use error::{ExtractError, FlushError, InitError};
pub use fields::{Field, Fields};
pub use id::{ParseIdError, SpanId, TraceId};
pub use kind::SpanKind;
pub use process::Process;
pub use record::{LogRecord, SpanRecord};
pub use report::{ConsoleReporter, LossCause, Losses, MemoryReporter, NullReporter, ReportError, Reporter, UdpReporter};
pub use tag::TagValue;
