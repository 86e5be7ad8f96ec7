//! `#[traced]` on real code: a module for each argument and for each family of shapes, whole span trees as text.

mod arg_err;
mod shape_async;
mod shape_sync;
