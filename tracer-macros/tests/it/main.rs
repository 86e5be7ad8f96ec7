//! `#[traced]` on real code: a module for each argument and for each family of shapes, whole span trees as text.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]
#![expect(
    clippy::boxed_local,
    clippy::let_and_return,
    clippy::manual_async_fn,
    clippy::needless_arbitrary_self_type,
    clippy::needless_pass_by_value,
    reason = "these are the shapes to be tested"
)]

mod arg_crate;
mod arg_err;
mod arg_future;
mod arg_kind;
mod arg_name;
mod arg_parent;
mod arg_ret;
mod arg_tags;
mod arg_when;
mod arguments;
mod callsite;
mod closure;
mod executor;
mod fragments;
mod panic;
mod shape_async;
mod shape_block;
mod shape_future;
mod shape_stream;
mod shape_sync;
mod shape_trait;
mod table;

/// A span whose trace is refused, as by a sampler.
fn refused(test: &tracer_testing::TestTracer) -> tracer_core::Span {
    let span = test.tracer().build_span("refused");
    span.tag(tracer_core::tags::SAMPLING_PRIORITY, 0).start()
}
