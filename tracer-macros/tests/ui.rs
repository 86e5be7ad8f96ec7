//! What the compiler says: nothing of right uses, one worded error per mistake of wrong ones.
//!
//! The texts in `ui/fail/*.stderr` are those of one compiler version, so they are compared on that one alone; elsewhere it is
//! checked that the uses fail. `TRYBUILD=overwrite` writes them anew.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
