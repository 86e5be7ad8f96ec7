//! Arguments that are given by value: destructors see, and come in the order, that they would without the attribute.

use std::cell::RefCell;
use std::fmt;
use std::panic::UnwindSafe;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use tracer_core::traced;

/// Rolls back what was not done.
struct Undo<'a> {
    told: &'a RefCell<Vec<&'static str>>,
    done: bool,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        let what = if self.done { "kept" } else { "rolled back" };
        self.told.borrow_mut().push(what);
    }
}

impl Undo<'_> {
    #[traced]
    async fn keep(mut self) {
        self.told.borrow_mut().push("async");
        self.done = true;
    }

    #[traced(ret)]
    fn keep_at_once(mut self) -> u8 {
        self.told.borrow_mut().push("sync");
        self.done = true;
        1
    }
}

#[traced(err)]
fn keep_or_fail(mut undo: Undo<'_>) -> Result<(), String> {
    undo.done = true;
    Ok(())
}

#[traced]
fn keep_in_the_call(mut undo: Undo<'_>) -> impl Future<Output = u8> {
    undo.done = true;
    std::future::ready(1)
}

#[test]
fn what_is_set_in_an_argument_is_seen_by_its_destructor() {
    let told = RefCell::default();
    let undo = || Undo {
        told: &told,
        done: false,
    };
    block_on(undo().keep());
    let _ = undo().keep_at_once();
    keep_or_fail(undo()).unwrap();
    let _ = block_on(keep_in_the_call(undo()));
    assert_eq!(
        told.take(),
        ["async", "kept", "sync", "kept", "kept", "kept"]
    );
}

struct Whole<T>(T);

#[traced]
async fn keep_in_a_pattern(Whole(mut undo): Whole<Undo<'_>>) {
    undo.done = true;
}

#[traced(ret)]
fn keep_in_an_array([mut first, mut second]: [Undo<'_>; 2]) -> u8 {
    first.done = true;
    second.done = true;
    1
}

#[traced]
fn keep_in_a_tuple((mut undo, n): (Undo<'_>, u8)) -> impl Future<Output = u8> {
    undo.done = true;
    std::future::ready(n)
}

#[traced]
fn keep_before_a_box(Whole(mut undo): Whole<Undo<'_>>) -> BoxFuture<'static, u8> {
    undo.done = true;
    Box::pin(std::future::ready(1))
}

#[test]
fn what_is_set_in_a_part_of_an_argument_is_seen_by_its_destructor() {
    let told = RefCell::default();
    let undo = || Undo {
        told: &told,
        done: false,
    };
    block_on(keep_in_a_pattern(Whole(undo())));
    let _ = keep_in_an_array([undo(), undo()]);
    let _ = block_on(keep_in_a_tuple((undo(), 1)));
    let _ = block_on(keep_before_a_box(Whole(undo())));
    assert_eq!(told.take(), ["kept"; 5]);
}

/// Tells its name when it is dropped.
struct Told<'a>(&'a RefCell<Vec<&'static str>>, &'static str);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[traced]
async fn later(a: Told<'_>, _held: Told<'_>, b: Told<'_>) {
    assert_ne!(a.1, b.1);
}

#[traced(ret)]
fn returning(a: Told<'_>, b: Told<'_>) -> u8 {
    assert_ne!(a.1, b.1);
    1
}

#[traced]
fn in_the_call(a: Told<'_>, b: Told<'_>) -> impl Future<Output = ()> {
    assert_ne!(a.1, b.1);
    std::future::ready(())
}

#[test]
fn arguments_are_dropped_the_last_one_first() {
    let told = RefCell::default();
    let arg = |name| Told(&told, name);
    later(arg("a"), arg("held"), arg("b"))
        .now_or_never()
        .unwrap();
    assert_eq!(told.take(), ["b", "held", "a"]);
    let _ = returning(arg("a"), arg("b"));
    assert_eq!(told.take(), ["b", "a"]);
    in_the_call(arg("a"), arg("b")).now_or_never().unwrap();
    assert_eq!(told.take(), ["b", "a"]);
}

#[traced(ret)]
fn returning_one_held(a: Told<'_>, _held: Told<'_>, b: Told<'_>) -> u8 {
    assert_ne!(a.1, b.1);
    1
}

#[traced]
fn one_held_in_the_call(a: Told<'_>, _held: Told<'_>, b: Told<'_>) -> impl Future<Output = ()> {
    assert_ne!(a.1, b.1);
    std::future::ready(())
}

#[traced]
fn one_held_before_a_box(a: Told<'_>, _held: Told<'_>, b: Told<'_>) -> BoxFuture<'static, ()> {
    assert_ne!(a.1, b.1);
    Box::pin(std::future::ready(()))
}

#[test]
fn held_arguments_keep_their_place() {
    let told = RefCell::default();
    let arg = |name| Told(&told, name);
    let _ = returning_one_held(arg("a"), arg("held"), arg("b"));
    assert_eq!(told.take(), ["b", "held", "a"]);
    block_on(one_held_in_the_call(arg("a"), arg("held"), arg("b")));
    assert_eq!(told.take(), ["b", "held", "a"]);
    block_on(one_held_before_a_box(arg("a"), arg("held"), arg("b")));
    assert_eq!(told.take(), ["b", "held", "a"]);
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

#[traced]
async fn formatting(a: Told<'_>, b: Told<'_>) -> String {
    format!("{b}{}", a.1)
}

#[traced]
async fn of_patterns((a, b): (Told<'_>, Told<'_>), c: Told<'_>) {
    assert_ne!(a.1, b.1);
    assert_ne!(a.1, c.1);
}

#[async_trait::async_trait(?Send)]
trait Run {
    #[traced]
    async fn run(a: Told<'_>, (b, c): (Told<'_>, Told<'_>)) {
        assert_ne!(a.1, b.1);
        assert_ne!(a.1, c.1);
    }
}

impl Run for u8 {}

#[test]
fn what_is_named_in_a_format_or_bound_in_a_pattern_is_dropped_in_its_turn() {
    let told = RefCell::default();
    let arg = |name| Told(&told, name);
    assert_eq!(block_on(formatting(arg("a"), arg("b"))), "ba");
    assert_eq!(told.take(), ["b", "a"]);
    block_on(of_patterns((arg("a"), arg("b")), arg("c")));
    assert_eq!(told.take(), ["c", "b", "a"]);
    block_on(u8::run(arg("a"), (arg("b"), arg("c"))));
    assert_eq!(told.take(), ["c", "b", "a"]);
}

#[traced(tags(n))]
async fn number(n: u8) -> u8 {
    n
}

#[test]
fn futures_may_be_caught_when_they_unwind() {
    fn caught<F: Future + UnwindSafe>(future: F) -> Option<F::Output> {
        future.catch_unwind().now_or_never()?.ok()
    }
    assert_eq!(caught(number(7)), Some(7));
}
