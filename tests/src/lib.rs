//! Tests of the whole system, and of the rules of ARCHITECTURE.md, in `tests/it`. What the README shows is compiled, too.

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
