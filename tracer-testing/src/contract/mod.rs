//! What every implementation of a seam must do, as functions that check it.
//!
//! Call them in the tests of a [`Propagator`](tracer_core::Propagator), a [`Reporter`](tracer_core::Reporter) or a
//! [`Sample`](tracer_core::Sample) of your own; the tracer's own implementations pass the same. They panic with what was
//! violated.
//!
//! ```
//! use tracer_core::{MemoryReporter, Propagation, Sampler};
//! use tracer_testing::contract;
//!
//! contract::propagator(&Propagation::B3Single);
//! contract::sampler(&Sampler::probabilistic(0.5)?);
//! contract::reporter(MemoryReporter::new);
//! # Ok::<(), tracer_core::InitError>(())
//! ```

mod propagator;
mod reporter;
mod sampler;

pub use propagator::propagator;
pub use reporter::reporter;
pub use sampler::sampler;
