use std::time::Duration;

use tracer_core::{Sampler, TraceFuture, active_span};
use tracer_testing::{TestTracer, assert_trace};

use crate::complaint;

#[test]
fn spans_nobody_looked_at_fail_the_test() {
    let test = TestTracer::new("it");
    test.tracer().start_span("forgotten").set_tag("k", "v");
    let said = complaint(|| drop(test));
    assert!(
        said.contains("did not look at") && said.contains("forgotten {k=v}"),
        "{said}"
    );
}

#[test]
fn spans_looked_at_do_not() {
    let test = TestTracer::new("it");
    test.tracer().start_span("tree").finish();
    assert_eq!(test.tree(), "tree");
    test.tracer().start_span("spans").finish();
    assert_eq!(test.spans().len(), 1);
    test.tracer().start_span("forgotten on purpose").finish();
    test.forget();
    assert_eq!(test.tree(), "");
}

#[test]
fn failing_test_is_not_failed_twice() {
    let said = complaint(|| {
        let test = TestTracer::new("it").strict();
        let _open = test.tracer().start_span("open");
        test.tracer().start_span("unread").finish();
        panic!("the first failure");
    });
    assert_eq!(said, "the first failure");
}

#[test]
fn strict_test_fails_on_open_spans() {
    let test = TestTracer::new("it").strict();
    let open = test.tracer().start_active_span("open");
    let said = complaint(|| drop(test));
    assert!(said.contains("1 spans are still open"), "{said}");
    drop(open);
}

#[test]
fn strict_test_fails_on_scopes_out_of_order() {
    let test = TestTracer::new("it").strict();
    let outer = test.tracer().start_active_span("outer");
    let inner = test.tracer().start_active_span("inner");
    drop(outer);
    drop(inner);
    test.forget();
    let said = complaint(|| drop(test));
    assert!(said.contains("1 scopes were closed out of order"), "{said}");
}

#[test]
fn strict_test_fails_on_tags_after_the_end() {
    let test = TestTracer::new("it").strict();
    let scope = test.tracer().start_active_span("span");
    let handle = active_span();
    scope.finish();
    handle.set_tag("too", "late");
    test.forget();
    let said = complaint(|| drop(test));
    assert!(said.contains("no span was there to record them"), "{said}");
}

#[test]
fn other_tests_are_lenient() {
    let test = TestTracer::new("it");
    let open = test.tracer().start_active_span("open");
    drop(test);
    drop(open);
}

#[test]
fn further_services_report_to_the_same_place() {
    let test = TestTracer::new("shop");
    let payment = test.service("payment");
    payment.start_span("charge").finish();
    test.tracer().start_span("order").finish();
    assert_trace!(test, "charge @payment\norder @shop");
    payment.start_span("unread").finish();
    assert!(complaint(|| drop(test)).contains("unread"));
}

#[test]
fn set_up_can_be_changed() {
    let test = TestTracer::with("it", |builder| builder.sampler(Sampler::constant(false)));
    assert!(!test.tracer().start_span("refused").is_recording());
    let said = complaint(|| drop(TestTracer::new(" ")));
    assert!(said.contains("cannot be set up"), "{said}");
}

#[test]
fn settling_waits_for_spans_of_other_threads() {
    let test = TestTracer::new("it");
    let span = test.tracer().start_span("slow");
    let thread = std::thread::spawn(move || {
        // Nothing tells that the other thread waits already; after this it most likely does.
        std::thread::sleep(Duration::from_millis(20));
        span.finish();
    });
    assert_trace!(test.settle(), "slow");
    thread.join().unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn settling_lets_other_tasks_go_on() {
    let test = TestTracer::new("it");
    for name in ["first", "second"] {
        let tracer = test.tracer().clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now()
                .in_span(tracer.start_span(name))
                .await;
        });
    }
    assert_trace!(test.settled_with(2).await, "first\nsecond");
    assert_trace!(test.settled().await, "");
}

#[test]
fn lost_spans_fail_the_test() {
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl tracer_core::Reporter for Stuck {
        fn report(
            &mut self,
            _: &tracer_core::Process,
            _: &[tracer_core::SpanRecord],
        ) -> Result<(), tracer_core::ReportError> {
            let _ = self.0.recv();
            Ok(())
        }
    }
    let (opener, stuck) = std::sync::mpsc::channel();
    let test = TestTracer::with("it", |builder| builder.reporter(Stuck(stuck)));
    for _ in 0..10_000 {
        test.tracer().start_span("too many").finish();
    }
    drop(opener);
    let said = complaint(|| test.forget());
    assert!(said.contains("were lost"), "{said}");
    drop(complaint(|| drop(test)));
}
