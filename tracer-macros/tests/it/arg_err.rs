//! `err`: the error of a `Result`.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;

use futures::Stream;
use futures::executor::block_on;
use futures::stream::{self, BoxStream, StreamExt};
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
    block_on(async {
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

#[traced(err)]
fn rows(results: &[Result<u8, &'static str>]) -> impl Stream<Item = Result<u8, &'static str>> {
    stream::iter(results.to_vec())
}

#[traced(err(Debug))]
fn boxed_rows(early: bool) -> Pin<Box<dyn Stream<Item = io::Result<u8>> + Send>> {
    if early {
        return Box::pin(stream::once(async {
            charge(0).map_err(io::Error::other)?;
            Ok(1)
        }));
    }
    stream::iter([Ok(1)]).boxed()
}

#[traced(err)]
fn made_elsewhere() -> BoxStream<'static, Result<u8, String>> {
    let rows = stream::iter([Err("broken".to_owned())]).boxed();
    rows
}

type Rows = Pin<Box<dyn Stream<Item = Result<u8, String>>>>;

#[traced(stream, err)]
fn hidden_rows() -> Rows {
    Box::pin(stream::iter([Err("hidden".to_owned())]))
}

/// Aliases as crates make them for themselves, with the error inside.
mod own {
    use super::{Pin, Stream};

    pub(super) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;
    pub(super) type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = Result<T, String>> + Send + 'a>>;
}

#[traced(err)]
fn own_future(n: &u8) -> own::BoxFuture<'_, u8> {
    Box::pin(async move { Err(format!("no {n}"))? })
}

#[traced(err, ret)]
fn own_future_with_statements(n: &u8) -> own::BoxFuture<'_, u8> {
    let n = *n;
    Box::pin(async move { n.checked_sub(1).ok_or_else(|| "none left".into()) })
}

#[traced(err)]
fn own_stream(n: &u8) -> own::BoxStream<'_, u8> {
    stream::once(async move { Err(format!("no {n}"))? }).boxed()
}

#[test]
fn an_alias_may_have_the_error_inside() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    block_on(async {
        assert!(own_future(&1).await.is_err());
        assert_eq!(own_future_with_statements(&1).await, Ok(0));
        assert!(own_future_with_statements(&0).await.is_err());
        assert_eq!(own_stream(&2).count().await, 1);
    });
    assert_trace!(test, "
        own_future {error=true} [event=error, error.kind=alloc::string::String, message=\"no 1\"]
        own_future_with_statements {return=\"0\"}
        own_future_with_statements {error=true} [event=error, error.kind=alloc::string::String, message=\"none left\"]
        own_stream {complete=true, error=true} [event=error, error.kind=alloc::string::String, message=\"no 2\"]
    ");
}

#[test]
fn a_stream_tells_its_first_error() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    block_on(async {
        let all = rows(&[Ok(1), Err("first"), Ok(2), Err("second")]);
        assert_eq!(all.collect::<Vec<_>>().await.len(), 4);
        assert_eq!(rows(&[Ok(1)]).count().await, 1);
        let mut unread = Box::pin(rows(&[Ok(1), Err("unread")]));
        assert_eq!(unread.next().await, Some(Ok(1)));
        drop(unread);
        assert_eq!(boxed_rows(true).count().await, 1);
        assert_eq!(boxed_rows(false).count().await, 1);
        assert_eq!(made_elsewhere().count().await, 1);
        assert_eq!(hidden_rows().count().await, 1);
    });
    assert_trace!(test, "
        rows {complete=true, error=true} [event=error, error.kind=\"&str\", message=first]
        rows {complete=true}
        rows {complete=false}
        boxed_rows {complete=true, error=true} [event=error, error.kind=std::io::error::Error, message=\"Custom { kind: Other, error: Declined { cause: Custom { kind: Other, error: \\\"nothing to pay\\\" } } }\"]
          charge {error=true} [event=error, error.kind=it::arg_err::Declined, message=\"declined: nothing to pay\"]
        boxed_rows {complete=true}
        made_elsewhere {complete=true, error=true} [event=error, error.kind=alloc::string::String, message=broken]
        hidden_rows {complete=true, error=true} [event=error, error.kind=alloc::string::String, message=hidden]
    ");
}

struct Shelf;

#[traced(err)]
impl Shelf {
    fn later() -> impl Future<Output = Result<u8, String>> {
        std::future::ready(Err("late".to_owned()))
    }

    fn rows() -> impl Stream<Item = Result<u8, String>> {
        stream::iter([Err("broken".to_owned())])
    }

    fn plain() -> impl Future<Output = u8> {
        std::future::ready(1)
    }

    fn numbers() -> impl Stream<Item = u8> {
        stream::iter([1])
    }
}

#[test]
fn on_a_block_it_is_for_what_comes_to_a_result() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    block_on(async {
        assert!(Shelf::later().await.is_err());
        assert_eq!(Shelf::rows().count().await, 1);
        assert_eq!(Shelf::plain().await, 1);
        assert_eq!(Shelf::numbers().count().await, 1);
    });
    assert_trace!(test, "
        later {error=true} [event=error, error.kind=alloc::string::String, message=late]
        rows {complete=true, error=true} [event=error, error.kind=alloc::string::String, message=broken]
        plain
        numbers {complete=true}
    ");
}

#[test]
fn a_refused_stream_passes_its_errors_on_untold() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let caller = crate::refused(&test);
    caller.context().in_scope(|| {
        assert_eq!(
            block_on(rows(&[Err("first")]).collect::<Vec<_>>()),
            [Err("first")]
        );
    });
    drop(caller);
    assert_trace!(test, "");
}
