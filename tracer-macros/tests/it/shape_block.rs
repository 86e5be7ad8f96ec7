//! Whole `impl` blocks and traits.

use futures::executor::block_on;
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

struct Basket {
    items: Vec<u32>,
}

#[traced(kind = "client", err)]
impl Basket {
    const LIMIT: usize = 2;

    /// A `const fn` cannot be traced, so it is left out.
    const fn limit() -> usize {
        Self::LIMIT
    }

    fn add(&mut self, item: u32) -> Result<usize, String> {
        if self.items.len() == Self::limit() {
            return Err("full".into());
        }
        self.items.push(item);
        Ok(self.len())
    }

    #[untraced]
    fn len(&self) -> usize {
        self.items.len()
    }

    async fn total(&self) -> u32 {
        self.items.iter().sum()
    }

    #[traced(name = "own", tags(size = self.len()))]
    fn with_its_own(&self) {}
}

#[test]
fn an_impl_block_traces_its_methods() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let mut basket = Basket { items: Vec::new() };
    assert_eq!(basket.add(1), Ok(1));
    assert_eq!(basket.add(2), Ok(2));
    assert!(basket.add(3).is_err());
    assert_eq!(block_on(basket.total()), 3);
    basket.with_its_own();
    assert_trace!(test, "
        add {span.kind=client}
        add {span.kind=client}
        add {error=true, span.kind=client} [event=error, error.kind=alloc::string::String, message=full]
        total {span.kind=client}
        own {size=2}
    ");
}

#[traced]
trait Shape {
    fn area(&self) -> u32;

    fn twice(&self) -> u32 {
        self.area() * 2
    }

    #[untraced]
    fn name(&self) -> &'static str {
        "shape"
    }

    #[allow(async_fn_in_trait, reason = "the test's own")]
    async fn later(&self) -> u32 {
        self.area()
    }
}

struct Square(u32);

#[traced]
impl Shape for Square {
    fn area(&self) -> u32 {
        self.0 * self.0
    }
}

#[test]
fn a_trait_traces_its_default_methods() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(Square(2).twice(), 8);
    assert_eq!(block_on(Square(3).later()), 9);
    assert_eq!(Square(3).name(), "shape");
    assert_trace!(
        test,
        "
        twice
          area
        later
          area
    "
    );
}

#[async_trait::async_trait]
trait Store: Sync {
    async fn get(&self, key: &str) -> Option<String>;
}

struct Memory;

#[traced]
#[async_trait::async_trait]
impl Store for Memory {
    async fn get(&self, key: &str) -> Option<String> {
        tokio::task::yield_now().await;
        Some(key.to_owned())
    }
}

#[test]
fn the_block_may_be_that_of_async_trait() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(block_on(Memory.get("a")).as_deref(), Some("a"));
    assert_trace!(test, "get");
}
