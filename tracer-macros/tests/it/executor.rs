//! The executors people use: right parents in all of them, and nothing left active.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use rayon::prelude::*;
use tracer_core::{TraceFuture, Tracer, active_span, carry, traced};
use tracer_testing::{TestTracer, assert_trace};

#[traced(tags(n))]
async fn work(n: u8) -> u8 {
    tokio::task::yield_now().await;
    inner(n).await
}

#[traced(tags(n))]
async fn inner(n: u8) -> u8 {
    tokio::task::yield_now().await;
    n
}

#[traced(tags(n))]
fn compute(n: u8) -> u8 {
    n
}

fn nothing_active() {
    assert!(active_span().context().is_none());
}

fn runtime(threads: usize) -> tokio::runtime::Runtime {
    let mut builder = match threads {
        0 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    builder.enable_time().build().unwrap()
}

#[traced]
async fn joins() {
    let (one, two) = tokio::join!(work(1), work(2));
    assert_eq!(one + two, 3);
    let (three, four) = futures::future::join(work(3), work(4)).await;
    assert_eq!(three + four, 7);
}

#[test]
fn joined_futures_are_siblings() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    runtime(0).block_on(joins());
    nothing_active();
    assert_trace!(
        test,
        "
        joins
          work {n=1}
            inner {n=1}
          work {n=2}
            inner {n=2}
          work {n=3}
            inner {n=3}
          work {n=4}
            inner {n=4}
    "
    );
}

#[traced]
async fn slow() {
    compute(1);
    std::future::pending::<()>().await;
}

#[traced]
async fn selects() -> u8 {
    tokio::select! {
        biased;
        () = slow() => 0,
        n = work(2) => n,
    }
}

#[test]
fn the_loser_of_a_select_is_cancelled() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(runtime(0).block_on(selects()), 2);
    nothing_active();
    assert_trace!(
        test,
        "
        selects
          slow {cancelled=true}
            compute {n=1}
          work {n=2}
            inner {n=2}
    "
    );
}

#[traced]
async fn times_out() -> bool {
    tokio::time::timeout(Duration::from_millis(1), slow())
        .await
        .is_err()
}

#[test]
fn a_timeout_cancels() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert!(runtime(0).block_on(times_out()));
    assert_trace!(
        test,
        "
        times_out
          slow {cancelled=true}
            compute {n=1}
    "
    );
}

#[traced]
async fn unordered() -> u32 {
    let mut futures: FuturesUnordered<_> = (1..=3).map(work).collect();
    let mut sum = 0;
    while let Some(n) = futures.next().await {
        compute(0);
        sum += u32::from(n);
    }
    sum
}

#[test]
fn futures_unordered_keeps_each_to_itself() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(futures::executor::block_on(unordered()), 6);
    nothing_active();
    let tree = test.tree();
    for n in 1..=3 {
        assert!(
            tree.contains(&format!("\n  work {{n={n}}}\n    inner {{n={n}}}\n")),
            "{tree}"
        );
    }
    assert_eq!(tree.matches("\n  compute {n=0}").count(), 3, "{tree}");
}

#[traced]
async fn spawns() -> u8 {
    let carried = tokio::spawn(work(1).in_current_context());
    let span = Tracer::current().start_span("by hand");
    let given = tokio::spawn(work(2).in_span(span));
    let blocking = tokio::task::spawn_blocking(carry(|| compute(3)));
    carried.await.unwrap() + given.await.unwrap() + blocking.await.unwrap()
}

#[test]
fn spawned_tasks_have_the_parent_they_are_given() {
    for threads in [0, 1, 4] {
        let test = TestTracer::new("shop");
        let runtime = runtime(threads);
        let _default = test.tracer().set_default();
        assert_eq!(runtime.block_on(spawns()), 6);
        nothing_active();
        let mut lines: Vec<_> = test.tree().lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "      inner {n=2}",
                "    inner {n=1}",
                "    work {n=2}",
                "  by hand",
                "  compute {n=3}",
                "  work {n=1}",
                "spawns",
            ],
            "{threads} threads"
        );
    }
}

#[test]
fn a_local_set_interleaves_without_mixing() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let local = tokio::task::LocalSet::new();
    let runtime = runtime(0);
    local.block_on(&runtime, async {
        let tasks: Vec<_> = (1..=3).map(|n| tokio::task::spawn_local(work(n))).collect();
        for task in tasks {
            nothing_active();
            task.await.unwrap();
        }
    });
    nothing_active();
    assert_trace!(
        test,
        "
        work {n=1}
          inner {n=1}
        work {n=2}
          inner {n=2}
        work {n=3}
          inner {n=3}
    "
    );
}

#[test]
fn the_futures_executor() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    futures::executor::block_on(joins());
    nothing_active();
    let mut pool = futures::executor::LocalPool::new();
    let spawner = pool.spawner();
    for n in 5..7 {
        futures::task::LocalSpawnExt::spawn_local(
            &spawner,
            async move { assert_eq!(work(n).await, n) },
        )
        .unwrap();
    }
    pool.run();
    nothing_active();
    assert_trace!(
        test,
        "
        joins
          work {n=1}
            inner {n=1}
          work {n=2}
            inner {n=2}
          work {n=3}
            inner {n=3}
          work {n=4}
            inner {n=4}
        work {n=5}
          inner {n=5}
        work {n=6}
          inner {n=6}
    "
    );
}

#[test]
fn smol() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let executor = smol::LocalExecutor::new();
    smol::block_on(executor.run(async {
        let outer = test.tracer().start_span("outer");
        let (one, two) = async {
            (
                executor.spawn(work(1).in_current_context()),
                executor.spawn(work(2)),
            )
        }
        .in_span(outer)
        .await;
        assert_eq!(one.await + two.await, 3);
    }));
    nothing_active();
    assert_trace!(
        test,
        "
        outer
          work {n=1}
            inner {n=1}
        work {n=2}
          inner {n=2}
    "
    );
}

#[traced]
fn parallel() -> u32 {
    let context = active_span().context().unwrap();
    let sum = (0..64_u8)
        .into_par_iter()
        .map(|n| u32::from(context.in_scope(|| compute(n))))
        .sum();
    let carried = carry(|| compute(100));
    rayon::scope(|scope| {
        scope.spawn(move |_| assert_eq!(carried(), 100));
    });
    sum
}

#[test]
fn rayon_carries_the_context() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(parallel(), (0..64).sum::<u32>());
    nothing_active();
    rayon::broadcast(|_| nothing_active());
    let spans = test.spans();
    assert_eq!(spans.len(), 66);
    let root = spans
        .iter()
        .find(|span| span.operation_name() == "parallel")
        .unwrap();
    assert!(
        spans
            .iter()
            .filter(|span| span.operation_name() == "compute")
            .all(|span| span.parent_id() == root.span_id())
    );
}
