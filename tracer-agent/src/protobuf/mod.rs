//! The [wire format of Protobuf](https://protobuf.dev/programming-guides/encoding/): fields by their numbers, and nothing of
//! what they mean.
//!
//! By hand, as Thrift is, for what would be generated holds a copy of all that is read, which hostile bytes make large.

mod read;
mod write;

pub(crate) use read::{Message, Value};
pub(crate) use write::{bytes, fixed32, fixed64, message, number};
