//! `name`: the operation name.

use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

const CHARGE: &str = "payment.charge";

trait Named {
    const NAME: &'static str;

    #[traced(name = Self::NAME)]
    fn run(&self) {}
}

struct First;
struct Second;

impl Named for First {
    const NAME: &'static str = "first";
}

impl Named for Second {
    const NAME: &'static str = "second";
}

#[traced(name = "a name with spaces")]
fn literal() {}

#[traced(name = CHARGE)]
async fn constant() {}

#[traced(name = concat!("con", "catenated"))]
fn built() {}

#[traced]
fn r#match() {}

#[test]
fn a_name_is_a_literal_or_a_constant() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    literal();
    futures::executor::block_on(constant());
    built();
    r#match();
    First.run();
    Second.run();
    assert_trace!(
        test,
        r#"
        a name with spaces
        payment.charge
        concatenated
        match
        first
        second
    "#
    );
}
