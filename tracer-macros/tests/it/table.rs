//! The table in the crate's documentation names tests that are there.

use std::fs;
use std::path::Path;

#[test]
fn every_row_of_the_table_has_its_test() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_to_string(manifest.join("src/lib.rs")).unwrap();
    let rows: Vec<_> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix("` |"))
        .collect();
    assert!(rows.len() > 15, "the table was found");
    for row in rows {
        let test = row.rsplit('`').next().unwrap();
        if let Some((module, function)) = test.split_once("::") {
            let source =
                fs::read_to_string(manifest.join(format!("tests/it/{module}.rs"))).unwrap();
            assert!(
                source.contains(&format!("#[test]\nfn {function}()")),
                "no test `{test}`"
            );
        } else {
            assert!(
                manifest.join("tests").join(test).is_file(),
                "no file `{test}`"
            );
        }
    }
}
