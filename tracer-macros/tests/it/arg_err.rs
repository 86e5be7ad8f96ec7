//! `err`: the error of a `Result`.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;

use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

#[derive(Debug)]
struct Declined {
    cause: io::Error,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("declined")
    }
}

impl Error for Declined {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

#[traced(err)]
fn charge(cents: u32) -> Result<u32, Declined> {
    if cents == 0 {
        return Err(Declined {
            cause: io::Error::other("nothing to pay"),
        });
    }
    Ok(cents)
}

#[test]
fn an_error_tells_its_causes() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert!(charge(7).is_ok());
    assert!(charge(0).is_err());
    assert_trace!(test, "
        charge
        charge {error=true} [event=error, error.kind=it::arg_err::Declined, message=\"declined: nothing to pay\"]
    ");
}

#[traced(err)]
async fn question_mark(text: &str) -> Result<i32, Box<dyn Error + Send + Sync>> {
    let number: i32 = text.parse()?;
    charge(number.unsigned_abs())?;
    Ok(number)
}

#[traced(err(Debug))]
fn by_debug() -> Result<(), Vec<u8>> {
    Err(vec![1, 2])
}

#[traced(err)]
fn by_display() -> Result<(), &'static str> {
    Err("plain text")
}

#[traced(err)]
fn in_a_box(fails: bool) -> Pin<Box<dyn Future<Output = io::Result<u8>> + Send>> {
    if fails {
        return Box::pin(async { Err(io::Error::other("early")) });
    }
    Box::pin(std::future::ready(Ok(1)))
}

#[traced(err)]
fn opaque(fails: bool) -> impl Future<Output = Result<u8, String>> {
    async move { if fails { Err("late".into()) } else { Ok(1) } }
}

#[test]
fn every_kind_of_error_is_told() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    futures::executor::block_on(async {
        assert!(question_mark("x").await.is_err());
        assert!(question_mark("0").await.is_err());
        assert!(by_debug().is_err());
        assert!(by_display().is_err());
        assert!(in_a_box(true).await.is_err());
        assert!(in_a_box(false).await.is_ok());
        assert!(opaque(true).await.is_err());
        assert!(opaque(false).await.is_ok());
    });
    assert_trace!(test, "
        question_mark {error=true} [event=error, error.kind=\"alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>\", message=\"invalid digit found in string\"]
        question_mark {error=true} [event=error, error.kind=\"alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>\", message=\"declined: nothing to pay\"]
          charge {error=true} [event=error, error.kind=it::arg_err::Declined, message=\"declined: nothing to pay\"]
        by_debug {error=true} [event=error, error.kind=\"alloc::vec::Vec<u8>\", message=\"[1, 2]\"]
        by_display {error=true} [event=error, error.kind=\"&str\", message=\"plain text\"]
        in_a_box {error=true} [event=error, error.kind=std::io::error::Error, message=early]
        in_a_box
        opaque {error=true} [event=error, error.kind=alloc::string::String, message=late]
        opaque
    ");
}
