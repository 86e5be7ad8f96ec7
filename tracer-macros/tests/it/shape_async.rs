//! `async fn`.

use std::cell::Cell;
use std::rc::Rc;

use futures::FutureExt;
use futures::executor::block_on;
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

use crate::refused;

fn is_send<T: Send>(value: T) -> T {
    value
}

#[traced(tags(id, name = name))]
async fn load(id: u64, name: &str) -> String {
    step().await;
    format!("{name} {id}")
}

#[traced]
async fn step() {
    tokio::task::yield_now().await;
}

#[test]
fn spans_nest_over_awaits() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(block_on(is_send(load(7, "order"))), "order 7");
    assert_trace!(
        test,
        "
        load {id=7, name=order}
          step
    "
    );
}

#[traced]
async fn not_send(count: Rc<Cell<u32>>) {
    step().await;
    count.set(count.get() + 1);
}

#[test]
fn futures_need_not_be_send() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let count = Rc::new(Cell::new(0));
    block_on(not_send(Rc::clone(&count)));
    assert_eq!(count.get(), 1);
    assert_trace!(
        test,
        "
        not_send
          step
    "
    );
}

#[traced]
async fn never(mut left: u32) -> ! {
    loop {
        if left == 0 {
            std::future::pending::<()>().await;
        }
        left -= 1;
        step().await;
    }
}

#[test]
fn a_future_that_never_ends_is_cancelled() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    {
        let mut future = std::pin::pin!(never(1));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..3 {
            let std::task::Poll::Pending = future.as_mut().poll(&mut context);
        }
    }
    assert_trace!(
        test,
        "
        never {cancelled=true}
          step
    "
    );
}

#[traced(tags(n))]
async fn countdown(n: u32) -> u32 {
    if n == 0 {
        return 0;
    }
    1 + Box::pin(countdown(n - 1)).await
}

#[test]
fn recursion_is_a_chain() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(block_on(countdown(2)), 2);
    assert_trace!(
        test,
        "
        countdown {n=2}
          countdown {n=1}
            countdown {n=0}
    "
    );
}

/// Arguments that are there to be held, one of them in other builds alone.
#[traced]
async fn holding(#[cfg(not(test))] _lock: Missing, #[cfg(test)] _permit: OnDrop, n: u8) -> u8 {
    n
}

struct OnDrop;

impl Drop for OnDrop {
    fn drop(&mut self) {
        tracer_core::active_span().set_tag("returned", true);
    }
}

#[test]
fn arguments_may_depend_on_the_configuration() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(block_on(holding(OnDrop, 1)), 1);
    assert_trace!(test, "holding {returned=true}");
}

/// Without the type of the signature the first `return` would decide, and be wrong.
#[traced]
async fn inferred(early: bool) -> Box<dyn Fn(u8) -> u64> {
    if early {
        return Box::new(|n| n.into());
    }
    Box::new(|n| u64::from(n) + 1)
}

#[test]
fn inference_is_that_of_the_signature() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(
        block_on(inferred(true))(1) + block_on(inferred(false))(1),
        3
    );
    assert_trace!(
        test,
        "
        inferred
        inferred
    "
    );
}

#[traced]
#[tokio::main(flavor = "current_thread")]
async fn main_below() {
    step().await;
}

#[tokio::main(flavor = "current_thread")]
#[traced]
async fn main_above() {
    step().await;
}

#[test]
fn other_attributes_may_stand_above_or_below() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    main_below();
    main_above();
    assert_trace!(
        test,
        "
        main_below
          step
        main_above
          step
    "
    );
}

async fn untraced(buffer: [u8; 256]) -> u8 {
    tokio::task::yield_now().await;
    buffer[7]
}

#[traced]
async fn with_a_buffer(buffer: [u8; 256]) -> u8 {
    tokio::task::yield_now().await;
    buffer[7]
}

/// A span is a pointer. Arguments are not kept twice, nor is the span.
#[test]
fn a_traced_future_is_larger_by_its_span() {
    let added = size_of_val(&with_a_buffer([0; 256])) - size_of_val(&untraced([0; 256]));
    assert!((8..=40).contains(&added), "{added} bytes");
}

struct StepOnDrop;

impl Drop for StepOnDrop {
    fn drop(&mut self) {
        let _ = step().now_or_never();
    }
}

/// As a branch of a `select!` that is spawned when the other was ready first.
#[test]
fn a_call_of_a_refused_trace_stays_in_it_when_it_is_polled_elsewhere() {
    #[traced]
    async fn alone() {
        let _cleaning = StepOnDrop;
        step().await;
        step().await;
    }

    #[traced(tags(id), ret)]
    async fn tagged(id: u8) -> u8 {
        alone().await;
        id
    }

    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let caller = refused(&test);
    let mut begun = caller.context().in_scope(|| {
        let mut begun = [
            alone().boxed(),
            tagged(1).map(drop).boxed(),
            alone().boxed(),
        ];
        for call in &mut begun {
            assert!(call.now_or_never().is_none());
        }
        begun
    });
    drop(caller);
    let [alone, tagged, dropped] = &mut begun;
    block_on(alone);
    block_on(tagged);
    assert!(dropped.now_or_never().is_none());
    drop(begun);
    assert_trace!(test, "");
}

/// Though most calls of a refused trace take nothing with them, baggage is for all.
#[test]
fn a_call_of_a_refused_trace_keeps_its_baggage_when_it_is_polled_elsewhere() {
    #[traced]
    async fn greeting() -> Option<String> {
        step().await;
        tracer_core::active_span().baggage_item("greeting")
    }

    #[traced(ret)]
    async fn told() -> Option<String> {
        greeting().await
    }

    let test = TestTracer::new("shop");
    let mut caller = refused(&test);
    caller.set_baggage_item("greeting", "Bonjour");
    for call in [&mut greeting().boxed(), &mut told().boxed()] {
        assert!(caller.context().in_scope(|| call.now_or_never()).is_none());
        assert_eq!(block_on(call).as_deref(), Some("Bonjour"));
    }
    drop(caller);
    assert_trace!(test, "");
}
