//! Functions that give back a stream.

use std::pin::Pin;

use futures::Stream;
use futures::executor::block_on;
use futures::stream::{self, StreamExt};

use crate::tree::assert_tree;
use crate::{peer, shape};

shape! { streams
    #[peer]
    fn item(n: u8) -> u8 {
        n
    }

    #[peer]
    fn opaque() -> impl Stream<Item = u8> {
        stream::iter([1]).map(item)
    }

    #[peer]
    fn boxed() -> Pin<Box<dyn Stream<Item = u8>>> {
        Box::pin(stream::iter([2]).map(item))
    }

    pub(in super::super) fn run() {
        assert_eq!(block_on(opaque().count()), 1);
        assert_eq!(block_on(boxed().count()), 1);
    }
}

#[test]
fn both_trace_only_the_call_of_a_function_with_a_stream() {
    assert_tree!(
        peer::instrument(streams::instrument::run),
        "
        boxed
        item {n=1}
        item {n=2}
        opaque
        "
    );
    assert_tree!(
        peer::trace(streams::trace::run),
        "
        boxed
        item
        item
        opaque
        "
    );
}
