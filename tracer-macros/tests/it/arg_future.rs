//! `future` and `stream`: return types that hide what they are.

use std::pin::Pin;

use futures::Stream;
use futures::executor::block_on;
use futures::stream::{self, StreamExt};
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

type Hidden<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Items = Pin<Box<dyn Stream<Item = u8> + Send>>;

#[traced]
async fn step() {}

#[traced(future)]
fn alias(n: u8) -> Hidden<u8> {
    Box::pin(async move {
        step().await;
        n
    })
}

/// What `tower::Service` asks for.
trait Service {
    type Response;
    type Future: Future<Output = Self::Response>;

    fn call(&mut self, request: u8) -> Self::Future;
}

struct Double;

impl Service for Double {
    type Response = Result<u16, String>;
    type Future = Hidden<Self::Response>;

    #[traced(future, err, tags(request))]
    fn call(&mut self, request: u8) -> Self::Future {
        if request == 0 {
            return Box::pin(std::future::ready(Err("zero".to_owned())));
        }
        Box::pin(async move {
            step().await;
            Ok(u16::from(request) * 2)
        })
    }
}

#[traced(stream)]
fn items() -> Items {
    stream::iter([1, 2]).boxed()
}

#[test]
fn hidden_types_are_traced_to_their_end() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    block_on(async {
        assert_eq!(alias(7).await, 7);
        assert_eq!(Double.call(4).await, Ok(8));
        assert!(Double.call(0).await.is_err());
        assert_eq!(items().collect::<Vec<_>>().await, [1, 2]);
    });
    assert_trace!(
        test,
        r#"
        alias
          step
        call {request=4}
          step
        call {error=true, request=0} [event=error, error.kind=alloc::string::String, message=zero]
        items {complete=true}
    "#
    );
}
