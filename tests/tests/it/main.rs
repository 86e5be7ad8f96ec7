//! Tests of the whole system, and of the rules of ARCHITECTURE.md.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod architecture;
mod losses;
mod processes;
mod system;
