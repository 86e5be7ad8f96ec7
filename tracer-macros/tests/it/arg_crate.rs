//! `crate`: where `tracer-core` is to be found, for code that has it under another name.

use tracer_testing::{TestTracer, assert_trace};

mod facade {
    pub(crate) mod telemetry {
        pub(crate) use tracer_core::{private, traced};
    }
}

#[facade::telemetry::traced(crate = crate::arg_crate::facade::telemetry, tags(n = 7, debug = ?n), ret)]
fn renamed(n: u32) -> u32 {
    n
}

#[test]
fn the_crate_may_have_another_path() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    renamed(1);
    assert_trace!(test, r#"renamed {debug="1", n=7, return="1"}"#);
}
