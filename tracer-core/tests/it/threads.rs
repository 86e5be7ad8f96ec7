//! Ids over threads, and contexts carried to other threads.

use std::collections::HashSet;
use std::thread;

use tracer_core::{MemoryReporter, Sampler, Tracer, active_span, carry};
use tracer_testing::{TestTracer, assert_trace};

#[test]
fn ids_are_distinct_over_threads() {
    let tracer = Tracer::builder("ids")
        .sampler(Sampler::constant(false))
        .reporter(MemoryReporter::new())
        .build()
        .unwrap();
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let tracer = tracer.clone();
            thread::spawn(move || {
                let mut ids = Vec::new();
                for _ in 0..5_000 {
                    let root = tracer.start_active_span("root");
                    let child = tracer.start_span("child");
                    ids.push((
                        root.context().trace_id(),
                        root.context().span_id(),
                        child.context().span_id(),
                    ));
                }
                ids
            })
        })
        .collect();
    let ids: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    assert!(
        ids.iter()
            .all(|(trace, root, child)| !trace.is_none() && !root.is_none() && !child.is_none())
    );
    let traces: HashSet<_> = ids.iter().map(|ids| ids.0).collect();
    let spans: HashSet<_> = ids.iter().flat_map(|ids| [ids.1, ids.2]).collect();
    assert_eq!((traces.len(), spans.len()), (80_000, 160_000));
}

#[test]
fn carried_closures_run_in_the_context_of_their_making() {
    let test = TestTracer::new("it").strict();
    let import = test.tracer().start_active_span("import");
    let threads: Vec<_> = (0..3)
        .map(|n| {
            let tracer = test.tracer().clone();
            thread::spawn(carry(move || {
                tracer.start_active_span(format!("part {n}")).finish();
                n
            }))
        })
        .collect();
    drop(import);
    let mut results: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    results.sort_unstable();
    assert_eq!(results, [0, 1, 2]);
    let spans = test.spans();
    assert_eq!(spans.len(), 4);
    assert!(
        spans[1..]
            .iter()
            .all(|span| span.parent_id() == spans[0].span_id())
    );
}

#[test]
fn carrying_nothing_changes_nothing() {
    let test = TestTracer::new("it").strict();
    let nothing = carry(|| test.tracer().start_span("child").finish());
    let outer = test.tracer().start_active_span("outer");
    nothing();
    drop(outer);
    assert_trace!(test, "outer\n  child");
}

#[test]
fn carried_closure_that_panics_leaves_the_thread_clean() {
    let test = TestTracer::new("it").strict();
    let outer = test.tracer().start_active_span("outer");
    let work = carry(|| std::panic::resume_unwind(Box::new("quietly")));
    thread::spawn(move || {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| -> () { work() }));
        assert!(caught.is_err());
        assert!(active_span().context().is_none());
    })
    .join()
    .unwrap();
    drop(outer);
    assert_trace!(test, "outer");
}

#[test]
fn span_may_finish_on_another_thread() {
    let test = TestTracer::new("it").strict();
    let mut span = test.tracer().start_span("moved");
    span.set_tag("made on", "one");
    thread::spawn(move || {
        let scope = span.activate();
        scope.set_tag("ended on", "another");
    })
    .join()
    .unwrap();
    assert_trace!(test, "moved {ended on=another, made on=one}");
}
