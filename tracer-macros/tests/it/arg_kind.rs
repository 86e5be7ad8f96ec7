//! `kind`: the side of a remote call.

use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

#[traced(kind = "client")]
fn ask() {
    answer();
}

#[traced(kind = "server", tags(ok = true))]
fn answer() {
    futures::executor::block_on(publish());
}

#[traced(kind = "producer")]
async fn publish() {
    consume();
}

#[traced(kind = "consumer")]
fn consume() {}

#[test]
fn every_kind_is_a_tag() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    ask();
    assert_trace!(
        test,
        "
        ask {span.kind=client}
          answer {ok=true, span.kind=server}
            publish {span.kind=producer}
              consume {span.kind=consumer}
    "
    );
}
