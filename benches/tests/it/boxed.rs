//! Functions that give back a pinned box with a future. A `step` beside the function's span is one that ran outside of it.

use std::cell::Cell;
use std::future::ready;
use std::pin::Pin;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;

use crate::tree::assert_tree;
use crate::{peer, shape};

thread_local! {
    static RAN: Cell<bool> = const { Cell::new(false) };
}

shape! { block
    #[peer]
    fn only_a_box() -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move { step().await })
    }

    pub(in super::super) fn run() {
        block_on(only_a_box());
    }

    pub(in super::super) fn never_polled() {
        drop(only_a_box());
    }
}

#[test]
fn both_trace_a_boxed_block_but_fastrace_from_the_call() {
    let traced = "
        only_a_box
          step
        ";
    assert_tree!(peer::instrument(block::instrument::run), traced);
    assert_tree!(peer::trace(block::trace::run), traced);
    assert_tree!(peer::instrument(block::instrument::never_polled), "");
    assert_tree!(peer::trace(block::trace::never_polled), "only_a_box");
}

shape! { statement
    #[peer]
    fn statement_before() -> Pin<Box<dyn Future<Output = ()>>> {
        RAN.set(true);
        prefix();
        Box::pin(async move { step().await })
    }

    pub(in super::super) fn run() {
        RAN.set(false);
        block_on(statement_before());
    }
}

#[test]
fn instrument_leaves_statements_before_a_box_out_of_the_span() {
    assert_tree!(
        peer::instrument(statement::instrument::run),
        "
        prefix
        statement_before
          step
        "
    );
    assert!(RAN.get());
}

#[test]
fn fastrace_deletes_statements_before_a_box() {
    assert_tree!(
        peer::trace(statement::trace::run),
        "
        statement_before
          step
        "
    );
    assert!(!RAN.get(), "the statement did not run");
}

shape! { alias
    #[peer]
    fn visible_block() -> BoxFuture<'static, ()> {
        Box::pin(async move { step().await })
    }

    #[peer]
    fn of_another() -> BoxFuture<'static, ()> {
        Box::pin(step())
    }

    #[peer]
    fn by_method() -> BoxFuture<'static, ()> {
        async move { step().await }.boxed()
    }

    pub(in super::super) fn run() {
        block_on(visible_block());
        block_on(of_another());
        block_on(by_method());
    }
}

#[test]
fn both_look_for_a_visible_boxed_block_whatever_the_type() {
    let traced = "
        by_method
        of_another
        step
        step
        visible_block
          step
        ";
    assert_tree!(peer::instrument(alias::instrument::run), traced);
    assert_tree!(peer::trace(alias::trace::run), traced);
}

shape! { early
    #[allow(unused_variables, reason = "`#[trace]` deletes its use")]
    #[peer]
    fn early_return(now: bool) -> BoxFuture<'static, ()> {
        if now {
            return Box::pin(ready(()));
        }
        Box::pin(async move { step().await })
    }

    pub(in super::super) fn run() {
        block_on(early_return(true));
    }
}

#[test]
fn instrument_has_no_span_for_an_early_return() {
    assert_tree!(peer::instrument(early::instrument::run), "");
}

#[test]
fn fastrace_deletes_an_early_return() {
    assert_tree!(
        peer::trace(early::trace::run),
        "
        early_return
          step
        "
    );
}

shape! { hidden
    type Hidden = Pin<Box<dyn Future<Output = ()>>>;

    /// By value, since `#[instrument]` does not compile by reference: see `tests/ui`.
    trait Service {
        type Future: Future<Output = ()>;

        fn call(self) -> Self::Future;
        fn of_another(self) -> Self::Future;
    }

    #[derive(Debug)]
    struct Server;

    impl Service for Server {
        type Future = Hidden;

        #[peer]
        fn call(self) -> Self::Future {
            Box::pin(async move { step().await })
        }

        #[peer]
        fn of_another(self) -> Self::Future {
            Box::pin(step())
        }
    }

    pub(in super::super) fn run() {
        block_on(Server.call());
        block_on(Server.of_another());
    }
}

#[test]
fn both_trace_hidden_types_if_they_see_a_boxed_block() {
    assert_tree!(
        peer::instrument(hidden::instrument::run),
        "
        call {self=Server}
          step
        of_another {self=Server}
        step
        "
    );
    assert_tree!(
        peer::trace(hidden::trace::run),
        "
        call
          step
        of_another
        step
        "
    );
}

/// Neither `Debug` nor borrowed by the future, once `self` is skipped.
struct Skipped;

trait Call {
    type Future: Future<Output = ()>;

    fn call(&mut self) -> Self::Future;
}

impl Call for Skipped {
    type Future = BoxFuture<'static, ()>;

    #[tracing::instrument(skip(self))]
    fn call(&mut self) -> Self::Future {
        Box::pin(async move {})
    }
}

#[test]
fn instrument_traces_hidden_types_by_reference_if_self_is_skipped() {
    assert_tree!(peer::instrument(|| block_on(Skipped.call())), "call");
}
