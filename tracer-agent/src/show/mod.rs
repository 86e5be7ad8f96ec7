//! Traces for the terminal: a waterfall, of a trace at hand or of one that a running agent is asked for.

mod ask;
mod waterfall;

pub use crate::read::{ReadError, read_json};
pub use ask::{AskError, Wanted, ask};
pub use waterfall::{Waterfall, waterfall};
