//! Tests of the whole system, and of the rules of ARCHITECTURE.md.

mod architecture;
mod losses;
mod system;
