//! What the expansion of `#[traced]` calls. Not for use by hand: it changes with the macro, which is pinned to the same
//! version.
//!
//! The macro emits as little as it can and leaves the work to functions here, which are compiled once.

mod begin;
mod handover;
mod outcome;
mod tag;
mod text;
mod traced;

pub use crate::callsite::Callsite;
#[cfg(feature = "test-clock")]
pub use crate::clock::settable as clock;
pub use crate::name::SiteNumber;
pub use begin::{Begin, References, enter, leave, own, start};
pub use futures_core::Stream;
pub use handover::Handover;
pub use outcome::{
    AsFault, Fault, ViaCause, ViaDisplay, ViaError, ViaLocalCause, call, hold, in_span,
    in_span_with, log_debug, log_display, pinned, stream_in_span, stream_in_span_with,
};
pub use tag::{
    AsTag, Deep, Deeper, Direct, Maybe, Optional, OptionalDeep, Probe, Target, tag, tag_debug,
    tag_display, tag_kind,
};
pub use traced::{Traced, traced};
