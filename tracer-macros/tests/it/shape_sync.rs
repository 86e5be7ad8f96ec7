//! Functions and methods that are not async.

use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

use std::fmt::Display;

#[traced]
fn outer() -> u32 {
    inner(1) + inner(2)
}

#[traced(tags(n))]
fn inner(n: u32) -> u32 {
    n
}

#[test]
fn calls_nest() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(outer(), 3);
    assert_trace!(
        test,
        "
        outer
          inner {n=1}
          inner {n=2}
    "
    );
}

struct Basket<T, const N: usize> {
    items: [T; N],
}

impl<T: Display + Clone, const N: usize> Basket<T, N> {
    #[traced]
    fn by_ref<'a>(&'a self, other: &'a T) -> &'a T {
        if N == 0 {
            return other;
        }
        &self.items[0]
    }

    #[traced(tags(size = self.items.len()))]
    fn by_mut(&mut self, (a, b): (T, T), [c, ..]: [T; 2]) -> &mut T {
        self.items[0] = a;
        self.items[1] = b;
        self.items[2] = c;
        &mut self.items[0]
    }

    #[traced]
    fn by_value(mut self) -> [T; N] {
        self.items.reverse();
        self.items
    }

    #[traced]
    fn boxed(self: Box<Self>) -> T {
        self.items[0].clone()
    }

    #[traced]
    fn typed(self: &mut Self, mut n: usize) -> usize {
        n += self.items.len();
        n
    }

    #[traced]
    fn associated<U>(items: [T; N], _: U) -> Self
    where
        U: Into<T>,
    {
        Self { items }
    }
}

#[test]
fn methods_of_every_receiver() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    {
        let _test = test.tracer().start_active_span("test");
        let mut basket = Basket::<String, 3>::associated(["a".into(), "b".into(), "c".into()], "x");
        assert_eq!(basket.by_ref(&"z".to_owned()), "a");
        assert_eq!(
            basket.by_mut(("d".into(), "e".into()), ["f".into(), "g".into()]),
            "d"
        );
        assert_eq!(basket.typed(1), 4);
        let items = basket.by_value();
        assert_eq!(Box::new(Basket { items }).boxed(), "f");
    }
    assert_trace!(
        test,
        "
        test
          associated
          by_ref
          by_mut {size=3}
          typed
          by_value
          boxed
    "
    );
}
