//! Functions that give back a stream.

use std::pin::{Pin, pin};

use futures::Stream;
use futures::executor::block_on;
use futures::stream::{self, BoxStream, StreamExt};
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

use crate::refused;

#[traced(tags(n))]
fn item(n: u8) -> u8 {
    n
}

#[traced(tags(to))]
fn mapped(to: u8) -> impl Stream<Item = u8> + Send {
    stream::iter(0..to).map(item)
}

#[traced]
fn generated<'a>(items: &'a [u8]) -> impl Stream<Item = u8> + 'a {
    async_stream::stream! {
        for &n in items {
            tokio::task::yield_now().await;
            yield item(n);
        }
    }
}

#[traced]
fn boxed(early: bool) -> Pin<Box<dyn Stream<Item = u8> + Send>> {
    if early {
        return Box::pin(stream::empty());
    }
    Box::pin(stream::iter([1]).map(item))
}

#[traced]
fn boxed_alias(early: bool) -> BoxStream<'static, u8> {
    if early {
        return boxed(true);
    }
    stream::iter([2]).map(item).boxed()
}

#[test]
fn a_stream_is_one_span_to_its_end() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    block_on(async {
        assert_eq!(mapped(2).collect::<Vec<_>>().await, [0, 1]);
        assert_eq!(generated(&[5, 6]).collect::<Vec<_>>().await, [5, 6]);
        assert_eq!(boxed(false).count().await, 1);
        assert_eq!(boxed_alias(false).count().await, 1);
        assert_eq!(boxed_alias(true).count().await, 0);
    });
    assert_trace!(
        test,
        "
        mapped {complete=true, to=2}
          item {n=0}
          item {n=1}
        generated {complete=true}
          item {n=5}
          item {n=6}
        boxed {complete=true}
          item {n=1}
        boxed_alias {complete=true}
          item {n=2}
        boxed_alias {complete=true}
          boxed {complete=true}
    "
    );
}

#[test]
fn a_stream_dropped_early_says_so_and_leaves_nothing_active() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    block_on(async {
        let mut stream = pin!(mapped(9));
        assert_eq!(stream.next().await, Some(0));
        assert!(
            tracer_core::active_span().context().is_none(),
            "between two polls"
        );
    });
    assert_trace!(
        test,
        "
        mapped {complete=false, to=9}
          item {n=0}
    "
    );
}

#[test]
fn a_stream_of_a_refused_trace_stays_in_it() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let caller = refused(&test);
    let (opaque, boxed) = caller.context().in_scope(|| (mapped(2), boxed(false)));
    assert!(block_on(opaque.count()) + block_on(boxed.count()) > 2);
    drop(caller);
    assert_trace!(test, "");
}
