//! What the peers do not compile. `tests/ui/*.stderr` has the errors; their number is what the table of `tracer-macros` tells.
//!
//! The texts are those of one compiler version. `TRYBUILD=overwrite` writes them anew.

#[test]
fn what_peers_refuse() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
