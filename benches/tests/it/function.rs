//! Functions and async functions, as rows one to five of the table.

use std::pin::Pin;
use std::rc::Rc;

use futures::executor::block_on;

use crate::tree::assert_tree;
use crate::{peer, shape};

shape! { sync
    #[derive(Debug)]
    struct Shop;

    impl Shop {
        #[peer]
        fn by_reference(&self) {
            prefix();
        }

        #[peer]
        fn by_pin(self: Pin<&mut Self>) {
            prefix();
        }

        #[peer]
        fn by_rc(self: Rc<Self>) {
            prefix();
        }

        #[peer]
        fn by_value(self) {
            prefix();
        }
    }

    #[peer]
    fn generic<T: std::fmt::Debug, const N: usize>(items: &[T; N]) -> impl Iterator<Item = &T> {
        prefix();
        items.iter()
    }

    #[peer]
    fn pattern((mut left, (right, _)): (u8, (u8, u8))) -> u8 {
        prefix();
        left += right;
        left
    }

    pub(in super::super) fn run() {
        Shop.by_reference();
        Pin::new(&mut Shop).by_pin();
        Rc::new(Shop).by_rc();
        Shop.by_value();
        assert_eq!(generic(&[1, 2]).count(), 2);
        assert_eq!(pattern((1, (2, 3))), 3);
    }
}

#[test]
fn both_trace_calls_of_functions() {
    // It records all arguments, by `Debug`.
    assert_tree!(
        peer::instrument(sync::instrument::run),
        "
        by_pin {self=Shop}
          prefix
        by_rc {self=Shop}
          prefix
        by_reference {self=Shop}
          prefix
        by_value {self=Shop}
          prefix
        generic {items=[1, 2]}
          prefix
        pattern {left=1, right=2}
          prefix
        "
    );
    assert_tree!(
        peer::trace(sync::trace::run),
        "
        by_pin
          prefix
        by_rc
          prefix
        by_reference
          prefix
        by_value
          prefix
        generic
          prefix
        pattern
          prefix
        "
    );
}

shape! { asynchronous
    #[peer]
    async fn outer() {
        step().await;
        prefix();
    }

    #[peer]
    async fn not_send() {
        let shared = Rc::new(1);
        step().await;
        drop(shared);
    }

    #[peer]
    fn recursive(deep: bool) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            if deep {
                recursive(false).await;
            }
        })
    }

    #[peer]
    async fn recursive_async() {
        if std::hint::black_box(false) {
            Box::pin(recursive_async()).await;
        }
        step().await;
    }

    fn is_send<T: Send>(value: T) -> T {
        value
    }

    pub(in super::super) fn run() {
        drop(outer());
        block_on(is_send(outer()));
        block_on(not_send());
        block_on(recursive(true));
        block_on(recursive_async());
    }
}

#[test]
fn both_trace_async_functions_from_the_first_poll() {
    assert_tree!(
        peer::instrument(asynchronous::instrument::run),
        "
        not_send
          step
        outer
          prefix
          step
        recursive {deep=true}
          recursive {deep=false}
        recursive_async
          step
        "
    );
    assert_tree!(
        peer::trace(asynchronous::trace::run),
        "
        not_send
          step
        outer
          prefix
          step
        recursive
          recursive
        recursive_async
          step
        "
    );
}
