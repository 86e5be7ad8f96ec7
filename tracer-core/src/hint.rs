//! What the compiler is told about branches.

/// Marks the way that few calls take, so that the other is laid out straight on: a jump that is taken costs a function of two
/// dozen instructions as much as some of them.
///
/// Empty: the mark is that a cold function is called. `std::hint::cold_path` where the oldest compiler of ours has it.
#[cold]
pub(crate) const fn few() {}
