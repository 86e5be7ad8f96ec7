//! Spans of futures: active while polled and dropped, at no other time.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::{Either, join, join_all, pending, ready, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::yield_now;
use tracer_core::{Span, TraceFuture, Tracer, active_span, traced};
use tracer_testing::{TestTracer, assert_trace};

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn step(tracer: Tracer, name: &'static str) {
    yield_now().await;
    tracer.start_span(name).finish();
    yield_now().await;
}

#[tokio::test]
async fn joined_futures_keep_their_own_children() {
    let test = TestTracer::new("it").strict();
    let (left, right) = (
        test.tracer().start_span("left"),
        test.tracer().start_span("right"),
    );
    let left = step(test.tracer().clone(), "in left").in_span(left);
    let right = step(test.tracer().clone(), "in right").in_span(right);
    join(left, right).await;
    assert!(active_span().context().is_none());
    assert_trace!(
        test,
        "
        left
          in left
        right
          in right
        "
    );
}

#[tokio::test]
async fn nested_futures_nest_their_spans() {
    let test = TestTracer::new("it").strict();
    let tracer = test.tracer().clone();
    async {
        yield_now().await;
        let inner = tracer.start_span("inner");
        async {
            yield_now().await;
            step(tracer.clone(), "leaf")
                .in_span(tracer.start_span("innermost"))
                .await;
        }
        .in_span(inner)
        .await;
        tracer.start_span("after").finish();
    }
    .in_span(test.tracer().start_span("outer"))
    .await;
    assert_trace!(
        test,
        "
        outer
          inner
            innermost
              leaf
          after
        "
    );
}

#[tokio::test]
async fn loser_of_a_select_is_cancelled_when_it_is_dropped() {
    let test = TestTracer::new("it").strict();
    let slow = Box::pin(pending::<()>().in_span(test.tracer().start_span("slow")));
    let fast = ready(()).in_span(test.tracer().start_span("fast"));
    let Either::Right(((), loser)) = select(slow, fast).await else {
        panic!("nothing wakes the slow one")
    };
    assert_trace!(test, "fast");
    drop(loser);
    assert_trace!(test, "slow {cancelled=true}");
}

#[tokio::test]
async fn tokio_select_cancels_the_loser() {
    let test = TestTracer::new("it").strict();
    let tracer = test.tracer();
    tokio::select! {
        () = step(tracer.clone(), "done").in_span(tracer.start_span("fast")) => {}
        () = pending().in_span(tracer.start_span("slow")) => unreachable!(),
    }
    assert_trace!(
        test,
        "
        fast
          done
        slow {cancelled=true}
        "
    );
}

#[tokio::test]
async fn timeout_cancels() {
    let test = TestTracer::new("it").strict();
    let future = pending::<()>().in_span(test.tracer().start_span("slow"));
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(1), future)
            .await
            .is_err()
    );
    assert_trace!(test, "slow {cancelled=true}");
}

#[tokio::test]
async fn unordered_futures_each_have_their_span() {
    let test = TestTracer::new("it").strict();
    let all: FuturesUnordered<_> = (0..3)
        .map(|n| {
            step(test.tracer().clone(), "leaf")
                .in_span(test.tracer().start_span(format!("future {n}")))
        })
        .collect();
    all.collect::<()>().await;
    join_all((3..5).map(|n| ready(()).in_span(test.tracer().start_span(format!("future {n}")))))
        .await;
    assert_trace!(
        test,
        "
        future 0
          leaf
        future 1
          leaf
        future 2
          leaf
        future 3
        future 4
        "
    );
}

#[test]
fn span_finishes_when_the_future_is_ready() {
    let test = TestTracer::new("it").strict();
    let mut future = Box::pin(async { 7 }.in_span(test.tracer().start_span("ready")));
    assert_eq!(poll_once(future.as_mut()), Poll::Ready(7));
    assert_trace!(test, "ready");
    drop(future);
    assert!(test.tree().is_empty(), "dropping it later adds nothing");
}

#[test]
fn future_dropped_before_its_first_poll_is_cancelled() {
    let test = TestTracer::new("it").strict();
    drop(async {}.in_span(test.tracer().start_span("never")));
    assert_trace!(test, "never {cancelled=true}");
}

/// Starts a span when it is dropped.
struct Tells(Tracer);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.start_span("destructor").finish();
    }
}

#[test]
fn destructors_run_inside_of_the_span() {
    let test = TestTracer::new("it").strict();
    for polls in [0, 1] {
        let held = Tells(test.tracer().clone());
        let work = async move {
            let _held = held;
            pending::<()>().await;
        };
        let mut future = Box::pin(work.in_span(test.tracer().start_span("work")));
        for _ in 0..polls {
            assert!(poll_once(future.as_mut()).is_pending());
        }
        drop(future);
        assert_trace!(test, "work {cancelled=true}\n  destructor");
    }
    let held = Tells(test.tracer().clone());
    let mut future = Box::pin(async move { drop(held) }.in_span(test.tracer().start_span("work")));
    assert!(poll_once(future.as_mut()).is_ready());
    assert_trace!(test, "work\n  destructor");
}

#[test]
fn future_goes_on_in_its_span_on_another_thread() {
    let test = TestTracer::new("it").strict();
    let mut future =
        Box::pin(step(test.tracer().clone(), "leaf").in_span(test.tracer().start_span("moved")));
    for _ in 0..2 {
        future = std::thread::spawn(move || {
            assert!(poll_once(future.as_mut()).is_pending());
            assert!(active_span().context().is_none());
            future
        })
        .join()
        .unwrap();
    }
    assert!(poll_once(future.as_mut()).is_ready());
    assert_trace!(test, "moved\n  leaf");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_that_change_threads_keep_their_trees() {
    let test = TestTracer::new("it").strict();
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let tracer = test.tracer().clone();
            let work = async move {
                for _ in 0..5 {
                    step(tracer.clone(), "leaf")
                        .in_span(tracer.start_span("inner"))
                        .await;
                }
            };
            tokio::spawn(work.in_span(test.tracer().start_span("task")))
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let one = "task\n  inner\n    leaf\n  inner\n    leaf\n  inner\n    leaf\n  inner\n    leaf\n  inner\n    leaf";
    assert_eq!(test.tree(), vec![one; 200].join("\n"));
}

#[tokio::test]
async fn panic_marks_the_span_of_the_future() {
    let test = TestTracer::new("it").strict();
    let tracer = test.tracer().clone();
    let work = async move {
        let _scope = tracer.start_active_span("scope");
        std::panic::resume_unwind(Box::new("quietly"));
    };
    let task = tokio::spawn(work.in_span(test.tracer().start_span("task")));
    assert!(task.await.unwrap_err().is_panic());
    let message = r#"[event=error, error.kind=panic, message="the function panicked"]"#;
    assert_trace!(
        test,
        &format!("task {{error=true}} {message}\n  scope {{error=true}} {message}")
    );
}

#[tokio::test]
async fn spawned_task_in_the_current_context_is_a_child_that_may_outlive_the_parent() {
    let test = TestTracer::new("it");
    let parent = test.tracer().start_active_span("parent");
    let tracer = test.tracer().clone();
    let work = async move {
        yield_now().await;
        active_span().set_tag("nobody", "is here");
        tracer.start_span("later").finish();
    };
    let task = tokio::spawn(work.in_current_context());
    parent.finish();
    task.await.unwrap();
    assert_trace!(test, "parent\n  later");
    assert_eq!(test.tracer().stats().tags_ignored, 1);
}

#[tokio::test]
async fn future_in_a_context_takes_its_children_from_there() {
    let test = TestTracer::new("it").strict();
    let far = test.tracer().start_span("far");
    let _near = test.tracer().start_active_span("near").into_span();
    step(test.tracer().clone(), "child")
        .in_context(far.context())
        .await;
    drop((far, _near));
    assert_trace!(
        test,
        "
        far
          child
        near
        "
    );
}

#[tokio::test]
async fn no_context_means_none() {
    let test = TestTracer::new("it").strict();
    step(test.tracer().clone(), "root")
        .in_current_context()
        .await;
    step(test.tracer().clone(), "plain")
        .in_span(Span::disabled())
        .await;
    assert_trace!(test, "root\nplain");
}

#[test]
fn scope_leaked_in_a_poll_ends_with_the_poll() {
    let test = TestTracer::new("it");
    let tracer = test.tracer().clone();
    let outside = test.tracer().start_active_span("outside");
    let work = async move {
        #[expect(clippy::mem_forget, reason = "what is tested")]
        std::mem::forget(tracer.start_active_span("leaked"));
        yield_now().await;
        tracer.start_span("next").finish();
    };
    let mut future = Box::pin(work.in_span(test.tracer().start_span("task")));
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(
        active_span().context().unwrap().span_id(),
        outside.context().span_id()
    );
    assert!(poll_once(future.as_mut()).is_ready());
    drop(outside);
    assert_trace!(
        test,
        "
        outside
          task
            leaked
            next
        "
    );
    assert_eq!(test.tracer().stats().out_of_order, 1);
}

/// Ends with a scope leaked, in its first poll if that is not `pending`.
#[traced]
async fn careless(tracer: &Tracer, is_pending: bool) {
    #[expect(clippy::mem_forget, reason = "what is tested")]
    std::mem::forget(tracer.start_active_span("leaked"));
    if is_pending {
        yield_now().await;
        tracer.start_span("next").finish();
    }
}

#[test]
fn scope_leaked_in_the_first_poll_of_a_traced_function_ends_with_the_poll() {
    for (is_pending, next) in [(false, ""), (true, "\n    next")] {
        let test = TestTracer::new("it");
        let outside = test.tracer().start_active_span("outside");
        let id = outside.context().span_id();
        // Once more, when spans of such a trace have been noted.
        for _ in 0..2 {
            let mut future = Box::pin(careless(test.tracer(), is_pending));
            while poll_once(future.as_mut()).is_pending() {
                assert_eq!(active_span().context().unwrap().span_id(), id);
            }
            assert_eq!(active_span().context().unwrap().span_id(), id);
        }
        drop(outside);
        let call = format!("\n  careless\n    leaked{next}");
        assert_eq!(test.tree().trim_end(), format!("outside{call}{call}"));
        assert_eq!(test.tracer().stats().out_of_order, 2);
    }
}

#[test]
fn polling_after_the_end_does_no_harm() {
    let test = TestTracer::new("it").strict();
    let mut future = Box::pin(async {}.in_span(test.tracer().start_span("ready")));
    assert!(poll_once(future.as_mut()).is_ready());
    assert!(poll_once(future.as_mut()).is_pending());
    assert_trace!(test, "ready");
}
