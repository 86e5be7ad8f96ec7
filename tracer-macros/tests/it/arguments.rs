//! Arguments that are given by value: destructors see, and come in the order, that they would without the attribute.

use std::cell::RefCell;
use std::panic::UnwindSafe;

use futures::FutureExt;
use futures::executor::block_on;
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
