//! Work in progress.
mod baggage;
mod callsite;
mod clock;
mod context;
mod details;
mod fields;
mod hex;
mod id;
mod kind;
mod record;
mod tag;
pub mod tags;

pub use baggage::Baggage;
pub use context::{Decision, SpanContext};
pub use details::{Reference, ReferenceKind};
pub use fields::{Field, Fields};
pub use id::{ParseIdError, SpanId, TraceId};
pub use kind::SpanKind;
pub use record::{LogRecord, SpanRecord};
pub use tag::TagValue;
