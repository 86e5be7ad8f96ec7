//! Functions that a `macro_rules!` macro makes of what it was given.

use std::error::Error;
use std::fmt;

use futures::executor::block_on;
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

macro_rules! doubling {
    ($value:expr) => {
        #[traced]
        fn double() -> u8 {
            $value * 2
        }

        #[traced(tags(double = $value * 2), when = $value * 2 == 6)]
        async fn double_later() -> u8 {
            $value * 2
        }
    };
}

doubling!(1 + 2);

#[test]
fn an_expression_stays_whole() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!((double(), block_on(double_later())), (6, 6));
    assert_trace!(
        test,
        "
        double
        double_later {double=6}
        "
    );
}

macro_rules! lengthening {
    ($bytes:expr, $debug:ty) => {
        #[traced(tags(length = $bytes.len()))]
        fn lengthen(shown: &$debug) -> String {
            let length: usize = $bytes.len();
            format!("{length} {shown:?}")
        }
    };
}

lengthening!(&[1_u8, 2][..], dyn fmt::Debug + Send);

#[test]
fn a_reference_and_a_sum_of_traits_stay_whole() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(lengthen(&7), "2 7");
    assert_trace!(test, "lengthen {length=2}");
}

macro_rules! documenting {
    ($(#[$attr:meta])* $name:ident) => {
        $(#[$attr])*
        #[traced]
        fn $name() {}

        struct Shelf;

        #[traced]
        impl Shelf {
            $(#[$attr])*
            #[traced(name = "shelf")]
            fn $name(&self) {}
        }
    };
}

documenting! {
    /// An attribute whose value looks like what is assigned.
    #[cfg_attr(all(), doc = "And another.")]
    documented
}

#[test]
fn attributes_stay_what_they_are() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    documented();
    Shelf.documented();
    assert_trace!(
        test,
        "
        documented
        shelf
        "
    );
}

struct Orders;

macro_rules! failing {
    ($returned:ty, $never:ty) => {
        #[traced(err)]
        impl Orders {
            fn load(&self) -> $returned {
                Err("gone".into())
            }
        }

        #[traced]
        async fn forever() -> $never {
            std::future::pending().await
        }
    };
}

failing!(Result<u8, String>, !);

#[derive(Debug)]
struct Local<'a>(&'a str);

impl fmt::Display for Local<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Local<'_> {}

#[traced(err)]
fn borrowing<'a>(why: &'a str) -> Result<(), Box<dyn Error + 'a>> {
    Err(Box::new(Local(why)))
}

#[traced(err)]
fn borrowing_to_send<'a>(why: &'a str) -> Result<(), Box<dyn Error + Send + Sync + 'a>> {
    Err(Box::new(Local(why)))
}

#[test]
fn errors_are_told_of_types_that_were_given_and_of_those_that_borrow() {
    let test = TestTracer::new("shop").hide("error");
    let _default = test.tracer().set_default();
    let _ = Orders.load();
    let _ = borrowing("lost");
    let _ = borrowing_to_send("lost");
    drop(forever());
    for span in test.spans() {
        let fails = span.operation_name() != "forever";
        assert_eq!(span.tag("error").is_some(), fails, "{span:?}");
    }
    test.forget();
}
