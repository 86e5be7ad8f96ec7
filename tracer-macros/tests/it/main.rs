//! `#[traced]` on real code: a module for each argument and for each family of shapes, whole span trees as text.

mod arg_crate;
mod arg_err;
mod arg_future;
mod arg_kind;
mod arg_name;
mod arg_parent;
mod arg_ret;
mod arg_tags;
mod arg_when;
mod callsite;
mod executor;
mod panic;
mod shape_async;
mod shape_block;
mod shape_future;
mod shape_stream;
mod shape_sync;
mod shape_trait;
mod table;
