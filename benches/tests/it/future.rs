//! Functions that give back an opaque future. A `step` beside the function's span is one that ran outside of it.

use std::future::ready;

use futures::executor::block_on;
use futures::future::Either;

use crate::tree::assert_tree;
use crate::{peer, shape};

shape! { block
    #[peer]
    fn only_a_block() -> impl Future<Output = ()> {
        async move { step().await }
    }

    pub(in super::super) fn run() {
        block_on(only_a_block());
    }

    pub(in super::super) fn never_polled() {
        drop(only_a_block());
    }
}

#[test]
fn instrument_traces_async_blocks_from_the_first_poll() {
    assert_tree!(
        peer::instrument(block::instrument::run),
        "
        only_a_block
          step
        "
    );
    assert_tree!(peer::instrument(block::instrument::never_polled), "");
}

#[test]
fn fastrace_traces_the_call_of_a_function_with_an_async_block() {
    assert_tree!(
        peer::trace(block::trace::run),
        "
        only_a_block
        step
        "
    );
    assert_tree!(peer::trace(block::trace::never_polled), "only_a_block");
}

shape! { statement
    #[peer]
    fn statement_before() -> impl Future<Output = ()> {
        prefix();
        async { step().await }
    }

    pub(in super::super) fn run() {
        block_on(statement_before());
    }
}

#[test]
fn instrument_leaves_statements_before_a_block_out_of_the_span() {
    assert_tree!(
        peer::instrument(statement::instrument::run),
        "
        prefix
        statement_before
          step
        "
    );
    assert_tree!(
        peer::trace(statement::trace::run),
        "
        statement_before
          prefix
        step
        "
    );
}

shape! { other
    #[peer]
    fn of_another() -> impl Future<Output = ()> {
        prefix();
        step()
    }

    #[peer]
    fn early(now: bool) -> impl Future<Output = ()> {
        if now {
            return Either::Left(ready(()));
        }
        Either::Right(step())
    }

    pub(in super::super) fn run() {
        block_on(of_another());
        block_on(early(false));
    }
}

#[test]
fn both_trace_only_the_call_of_a_function_with_another_future() {
    assert_tree!(
        peer::instrument(other::instrument::run),
        "
        early {now=false}
        of_another
          prefix
        step
        step
        "
    );
    assert_tree!(
        peer::trace(other::trace::run),
        "
        early
        of_another
          prefix
        step
        step
        "
    );
}
