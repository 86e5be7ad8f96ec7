//! Where a function stands in the source.

use tracer_core::traced;
use tracer_testing::TestTracer;

/// The attribute stands two lines above the word `fn`.
#[traced]
#[inline(never)]
fn here() -> u32 {
    line!() - 1
}

macro_rules! make {
    ($name:ident) => {
        #[traced]
        fn $name() {}
    };
}

make!(made);

#[test]
fn a_span_knows_file_line_and_module_of_its_function() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let line = here();
    made();
    let spans = test.spans();
    let tag = |span: usize, key: &str| spans[span].tag(key).map(|value| value.to_string());
    assert_eq!(tag(0, "code.file").as_deref(), Some(file!()));
    assert_eq!(tag(0, "code.line"), Some(line.to_string()));
    assert_eq!(tag(0, "code.module").as_deref(), Some(module_path!()));
    assert_eq!(tag(1, "code.file").as_deref(), Some(file!()));
    assert_eq!(
        tag(1, "code.line"),
        Some("20".to_owned()),
        "the line of `make!(made)`, where the name was given"
    );
}
