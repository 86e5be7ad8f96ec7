//! What the peers' attribute macros do with the shapes in the table of `tracer-macros`.
//!
//! Each shape is written once and compiled with `tracing`'s `#[instrument]` and with fastrace's `#[trace]`; the tests compare
//! the spans that come out with text. A test that fails after an update tells that the table has to change.

mod boxed;
mod ending;
mod function;
mod future;
mod method;
mod peer;
mod refused;
mod stream;
mod tree;

/// A module with the same functions twice, under `#[instrument]` and under `#[trace]`: the attribute is `#[peer]` in them.
/// They begin at `run`, and may call `prefix` and `step`, which are traced, to show what is active.
macro_rules! shape {
    ($name:ident $($body:tt)*) => {
        mod $name {
            pub(super) mod instrument {
                use tracing::instrument as peer;
                $crate::shape!(@ $($body)*);
            }
            pub(super) mod trace {
                use fastrace::trace as peer;
                $crate::shape!(@ $($body)*);
            }
        }
    };
    (@ $($body:tt)*) => {
        #[allow(unused_imports, reason = "not every shape needs them")]
        use super::super::*;

        #[allow(dead_code, reason = "not every shape needs it")]
        #[peer]
        fn prefix() {}

        #[allow(dead_code, reason = "not every shape needs it")]
        #[peer]
        async fn step() {
            tokio::task::yield_now().await;
        }

        $($body)*
    };
}
use shape;
