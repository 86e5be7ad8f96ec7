//! Methods of traits.

use async_trait::async_trait;
use futures::executor::block_on;

use crate::tree::assert_tree;
use crate::{peer, shape};

#[derive(Debug)]
struct Database;

shape! { by_async_trait
    // A supertrait is what `#[instrument]` asks of default methods: see `tests/ui`.
    #[async_trait]
    trait Repository: std::fmt::Debug + Sync {
        async fn find(&self);

        #[peer]
        async fn exists(&self) {
            self.find().await;
        }
    }

    #[async_trait]
    impl Repository for Database {
        #[peer]
        async fn find(&self) {
            step().await;
        }
    }

    pub(in super::super) fn run() {
        block_on(Database.exists());
    }

    pub(in super::super) fn never_polled() {
        drop(Database.exists());
    }
}

#[test]
fn both_trace_methods_of_async_trait() {
    assert_tree!(
        peer::instrument(by_async_trait::instrument::run),
        "
        exists {self=Database}
          find {self=Database}
            step
        "
    );
    assert_tree!(
        peer::trace(by_async_trait::trace::run),
        "
        exists
          find
            step
        "
    );
}

#[test]
fn fastrace_begins_methods_of_async_trait_at_the_call() {
    assert_tree!(
        peer::instrument(by_async_trait::instrument::never_polled),
        ""
    );
    assert_tree!(peer::trace(by_async_trait::trace::never_polled), "exists");
}

shape! { opaque
    trait Store: std::fmt::Debug {
        fn block(&self) -> impl Future<Output = ()>;

        #[peer]
        fn default_of_another(&self) -> impl Future<Output = ()> {
            self.block()
        }
    }

    impl Store for Database {
        #[peer]
        fn block(&self) -> impl Future<Output = ()> {
            async { step().await }
        }
    }

    #[derive(Debug)]
    struct Unit;

    impl Store for Unit {
        fn block(&self) -> impl Future<Output = ()> {
            step()
        }
    }

    pub(in super::super) fn run() {
        block_on(Database.block());
    }

    pub(in super::super) fn of_another() {
        block_on(Unit.default_of_another());
    }
}

#[test]
fn instrument_traces_opaque_futures_of_methods_if_they_are_blocks() {
    assert_tree!(
        peer::instrument(opaque::instrument::run),
        "
        block {self=Database}
          step
        "
    );
    assert_tree!(
        peer::instrument(opaque::instrument::of_another),
        "
        default_of_another {self=Unit}
        step
        "
    );
}

#[test]
fn fastrace_traces_the_call_of_methods_with_opaque_futures() {
    assert_tree!(
        peer::trace(opaque::trace::run),
        "
        block
        step
        "
    );
    assert_tree!(
        peer::trace(opaque::trace::of_another),
        "
        default_of_another
        step
        "
    );
}

#[async_trait]
trait Skipping: Sync {
    #[tracing::instrument(skip(self))]
    async fn exists(&self) {}
}

impl Skipping for () {}

#[test]
fn instrument_traces_default_methods_if_self_is_skipped() {
    assert_tree!(peer::instrument(|| block_on(().exists())), "exists");
}
