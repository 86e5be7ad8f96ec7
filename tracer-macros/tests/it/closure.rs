//! `traced_fn!`: closures.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tracer_core::{active_span, carry, traced_fn};
use tracer_testing::{TestTracer, assert_trace};

const NAME: &str = "by constant";

#[test]
fn each_call_is_a_span() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let outer = test.tracer().start_active_span("outer");
    let words = vec!["pear".to_owned(), "fig".to_owned()];

    // Types are inferred from where the closure goes, references of any lifetime among them.
    let lengths: Vec<usize> = words
        .iter()
        .map(traced_fn!("measure", |word| word.len()))
        .collect();
    assert_eq!(lengths, [4, 3]);
    let short = words
        .iter()
        .filter(traced_fn!("filter", |word| word.len() < 4));
    assert_eq!(short.count(), 1);

    // By unique borrow, and with tags of its own.
    let mut sum = 0;
    let mut add = traced_fn!("add", |n: usize, m: usize| {
        active_span().set_tag("n", n);
        sum += n + m;
    });
    add(1, 2);
    add(3, 4);
    assert_eq!(sum, 10);

    // Once, with what it owns; early returns, a declared type, no arguments, a trailing comma.
    let own = traced_fn!(NAME, move || -> Vec<String> {
        if words.is_empty() {
            return Vec::new();
        }
        words
    });
    assert_eq!(own().len(), 2);
    let none = traced_fn!("none", || active_span().context().is_some(),);
    assert!(none());
    let (one, _) = traced_fn!("pattern", |(a, b): (u8, u8), _: &str| (a, b))((1, 2), "");
    assert_eq!(one, 1);
    drop(outer);

    assert_trace!(
        test,
        "
        outer
          measure
          measure
          filter
          filter
          add {n=1}
          add {n=3}
          by constant
          none
          pattern
    "
    );
}

#[test]
fn it_may_go_to_other_threads() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let outer = test.tracer().start_active_span("outer");
    let work = carry(traced_fn!("work", move || 7));
    assert_eq!(std::thread::spawn(work).join().unwrap(), 7);
    let context = outer.context();
    let sum: u64 = rayon::iter::ParallelIterator::sum(rayon::iter::ParallelIterator::map(
        rayon::iter::IntoParallelIterator::into_par_iter(0..3u64),
        |n| context.in_scope(|| traced_fn!("part", |n| n)(n)),
    ));
    assert_eq!(sum, 3);
    drop(outer);
    assert_trace!(
        test,
        "
        outer
          work
          part
          part
          part
    "
    );
}

#[test]
fn a_panic_marks_it_and_goes_on() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let fails = traced_fn!("fails", || -> u8 { panic!("on purpose") });
    assert!(catch_unwind(AssertUnwindSafe(fails)).is_err());
    assert!(active_span().context().is_none());
    assert_trace!(
        test,
        r#"fails {error=true} [event=error, error.kind=panic, message="the function panicked"]"#
    );
}

#[test]
fn without_a_tracer_it_is_the_closure() {
    assert_eq!(traced_fn!("none", |n: u8| n + 1)(1), 2);
}

#[test]
fn its_span_knows_where_it_stands() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let line = line!() + 1;
    traced_fn!("placed", || ())();
    let spans = test.spans();
    let line_of = spans[0].tag("code.line").map(|line| line.to_string());
    assert_eq!(line_of, Some(line.to_string()));
}
