//! `ret`: the returned value.

use futures::executor::block_on;
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

#[traced(ret)]
fn by_debug(text: &str) -> Option<&str> {
    text.strip_prefix("a")
}

#[traced(ret(Display))]
async fn by_display(n: u8) -> impl std::fmt::Display {
    n + 1
}

#[traced(ret, err)]
fn ok_alone(n: i32) -> Result<u32, std::num::TryFromIntError> {
    u32::try_from(n)
}

#[traced(ret)]
fn whole_result(n: i32) -> Result<u32, std::num::TryFromIntError> {
    u32::try_from(n)
}

struct Lender {
    items: Vec<String>,
}

impl Lender {
    /// Lends what it was lent, through a body that returns early.
    #[traced(ret)]
    fn first(&mut self) -> &mut String {
        if self.items.is_empty() {
            self.items.push("new".into());
            return &mut self.items[0];
        }
        &mut self.items[0]
    }
}

#[test]
fn a_value_is_recorded_after_the_body() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(by_debug("abc"), Some("bc"));
    assert_eq!(block_on(by_display(1)).to_string(), "2");
    assert_eq!(ok_alone(3), Ok(3));
    assert!(ok_alone(-3).is_err());
    assert!(whole_result(-3).is_err());
    let mut lender = Lender { items: Vec::new() };
    lender.first().push('!');
    assert_eq!(lender.first(), "new!");
    assert_trace!(
        test,
        r#"
        by_debug {return="Some(\"bc\")"}
        by_display {return="2"}
        ok_alone {return="3"}
        ok_alone {error=true} [event=error, error.kind=core::num::error::TryFromIntError, message="out of range integral type conversion attempted"]
        whole_result {return="Err(TryFromIntError(()))"}
        first {return="\"new\""}
        first {return="\"new!\""}
    "#
    );
}
