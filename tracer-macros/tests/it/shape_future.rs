//! Functions that give back a future and are not `async fn`.

use std::cell::Cell;
use std::future::ready;
use std::pin::Pin;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{BoxFuture, LocalBoxFuture};
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

use crate::refused;

fn is_send<T: Send>(value: T) -> T {
    value
}

#[traced]
async fn step(n: u8) -> u8 {
    tokio::task::yield_now().await;
    n
}

#[traced]
fn prefix() {}

#[traced(tags(n))]
fn only_a_block(n: u8) -> impl Future<Output = u8> + Send {
    async move { step(n).await }
}

#[traced(tags(n))]
fn of_another(n: u8) -> impl Future<Output = u8> + Send + use<> {
    prefix();
    step(n)
}

#[traced]
fn early<'a>(n: &'a u8) -> impl Future<Output = u8> + 'a {
    if *n == 0 {
        return futures::future::Either::Left(ready(0));
    }
    futures::future::Either::Right(step(*n))
}

#[traced(tags(n = *n))]
fn borrowing<'a>(n: &'a u8) -> impl Future<Output = u8> + 'a {
    async { step(*n).await }
}

#[test]
fn an_opaque_future_is_traced_to_its_end() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    block_on(async {
        assert_eq!(is_send(only_a_block(1)).await, 1);
        assert_eq!(is_send(of_another(2)).await, 2);
        assert_eq!(early(&0).await, 0);
        assert_eq!(early(&3).await, 3);
        assert_eq!(borrowing(&4).await, 4);
    });
    assert_trace!(
        test,
        "
        only_a_block {n=1}
          step
        of_another {n=2}
          prefix
          step
        early
        early
          step
        borrowing {n=4}
          step
    "
    );
}

#[traced]
fn cloneable(n: u8) -> impl Future<Output = u8> + Clone {
    prefix();
    ready(n)
}

/// What somebody else names so.
mod own {
    pub(super) trait Stream: std::io::Read {}
    impl Stream for std::io::Empty {}
    pub(super) type BoxStream = Box<dyn Stream>;
}

#[traced]
fn opened() -> impl own::Stream {
    std::io::empty()
}

#[traced]
fn opened_box() -> own::BoxStream {
    Box::new(std::io::empty())
}

#[test]
fn what_is_more_than_a_future_is_traced_as_a_call() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let future = cloneable(1);
    let again = future.clone();
    assert_eq!((block_on(future), block_on(again)), (1, 1));
    drop((opened(), opened_box()));
    assert_trace!(
        test,
        "
        cloneable
          prefix
        opened
        opened_box
    "
    );
}

thread_local! {
    static RAN: Cell<u32> = const { Cell::new(0) };
}

#[traced]
fn statements_before(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    RAN.set(RAN.get() + 1);
    prefix();
    Box::pin(async move { step(n).await })
}

#[traced(tags(n))]
fn nothing_but_a_box(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async move { step(n).await })
}

#[traced]
fn early_box<'a>(n: &'a u8) -> BoxFuture<'a, u8> {
    if *n == 0 {
        return Box::pin(ready(0));
    }
    match *n {
        1 => Box::pin(step(1)),
        2 => async move { step(*n).await }.boxed(),
        3 => {
            let n = *n;
            Box::pin(step(n)) as BoxFuture<'a, u8>
        }
        _ => made_elsewhere(),
    }
}

fn made_elsewhere() -> BoxFuture<'static, u8> {
    Box::pin(async { step(9).await })
}

#[traced]
fn local<'a>(n: &'a Cell<u8>) -> LocalBoxFuture<'a, u8> {
    async move { step(n.get()).await }.boxed_local()
}

macro_rules! leave {
    ($future:expr) => {
        return Box::pin($future)
    };
}

#[traced]
fn hidden_return(n: u8) -> BoxFuture<'static, u8> {
    if n > 0 {
        leave!(step(n));
    }
    Box::pin(ready(0))
}

#[test]
fn a_boxed_future_is_traced_to_its_end() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    block_on(async {
        assert_eq!(is_send(statements_before(1)).await, 1);
        assert_eq!(RAN.get(), 1);
        assert_eq!(nothing_but_a_box(2).await, 2);
        for n in 0..4 {
            assert_eq!(is_send(early_box(&n)).await, n);
        }
        assert_eq!(early_box(&4).await, 9);
        assert_eq!(local(&Cell::new(5)).await, 5);
        assert_eq!(hidden_return(6).await, 6);
        assert_eq!(hidden_return(0).await, 0);
    });
    assert_trace!(
        test,
        "
        statements_before
          prefix
          step
        nothing_but_a_box {n=2}
          step
        early_box
        early_box
          step
        early_box
          step
        early_box
          step
        early_box
          step
        local
          step
        hidden_return
          step
        hidden_return
    "
    );
}

#[test]
fn the_span_begins_with_the_first_work_of_the_function() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    drop((only_a_block(1), nothing_but_a_box(1)));
    assert_trace!(test, "");
    drop(of_another(1));
    assert_trace!(
        test,
        "
        of_another {cancelled=true, n=1}
          prefix
    "
    );
}

#[test]
fn a_visible_box_is_not_boxed_again() {
    let (seen, elsewhere) = (early_box(&1), early_box(&4));
    assert!(
        size_of_val(&*seen) > size_of_val(&*made_elsewhere()),
        "the span is in the box"
    );
    assert_ne!(
        size_of_val(&*seen),
        size_of_val(&*elsewhere),
        "this one had to be boxed once more"
    );
}

/// That `T` outlives the box is not said, and need not be as long as the box is not put into another.
#[traced]
fn generic<'a, T>(future: impl Future<Output = T> + Send + 'a, early: bool) -> BoxFuture<'a, T> {
    if early {
        return Box::pin(future);
    }
    prefix();
    future.boxed()
}

#[test]
fn a_visible_box_needs_no_bounds() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(block_on(generic(step(1), true)), 1);
    assert_eq!(block_on(generic(step(2), false)), 2);
    assert_trace!(
        test,
        "
        generic
          step
        generic
          prefix
          step
    "
    );
}

#[traced]
fn tagging(n: u8) -> impl Future<Output = ()> {
    prefix();
    async move {
        tracer_core::active_span().set_tag("n", n);
    }
}

/// It may be spawned, and what it starts there must not begin a trace.
#[test]
fn a_future_of_a_refused_trace_stays_in_it() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let caller = refused(&test);
    let context = caller.context();
    let (opaque, boxed) = context.in_scope(|| (of_another(1), statements_before(2)));
    let (elsewhere, tagging) = context.in_scope(|| (early_box(&4), tagging(5)));
    assert_eq!(block_on(opaque), 1);
    assert_eq!(block_on(boxed), 2);
    assert_eq!(block_on(elsewhere), 9);
    block_on(tagging);
    drop(caller);
    assert_trace!(test, "");
    assert_eq!(test.tracer().stats().tags_ignored, 0);
}
