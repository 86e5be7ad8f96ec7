//! Sampling that is not decided at the start of a trace.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;

use tracer_core::{
    Change, Decision, KeepPolicy, Propagation, Sample, Sampler, Sampling, SamplingRequest,
    SpanContext, SpanKind, SpanTemplate, TextMap, TraceFuture, carry, traced,
};
use tracer_testing::{TestTracer, assert_trace};

use crate::assert_ledger;

/// Decides by what it is told, and notes what that was.
#[derive(Clone, Debug, Default)]
struct ByHearsay(Arc<Mutex<Vec<String>>>);

impl ByHearsay {
    fn heard(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(", ")
    }
}

impl Sample for ByHearsay {
    fn sample(&self, request: &SamplingRequest<'_>) -> Sampling {
        assert!(request.is_local_root);
        match request.operation_name {
            "yes" => Sampling::sampled(),
            "no" => Sampling::refused(),
            _ => Sampling::undecided(),
        }
    }

    fn sample_again(&self, request: &SamplingRequest<'_>, change: &Change<'_>) -> Sampling {
        let name = request.operation_name;
        let root = if request.is_local_root {
            " of root"
        } else {
            ""
        };
        let (heard, answer) = match change {
            Change::OperationName if name == "wanted" => ("name".into(), Sampling::sampled()),
            Change::OperationName if name == "unwanted" => ("name".into(), Sampling::refused()),
            Change::OperationName => ("name".into(), Sampling::undecided()),
            Change::Tag { key: "wanted", .. } => (
                "tag wanted".into(),
                Sampling::sampled()
                    .tag("sampler.type", "hearsay")
                    .tag("sampler.param", 7),
            ),
            Change::Tag {
                key: "unwanted", ..
            } => ("tag unwanted".into(), Sampling::refused()),
            Change::Tag { key: "panic", .. } => panic!("no idea"),
            Change::Tag { key, .. } => (format!("tag {key}"), Sampling::undecided()),
            Change::Finished(span) if span.tag("late").is_some() => {
                ("end".into(), Sampling::sampled())
            }
            Change::Finished(_) => ("end".into(), Sampling::undecided()),
            _ => ("something else".into(), Sampling::undecided()),
        };
        self.0.lock().unwrap().push(format!("{heard}{root} {name}"));
        answer
    }
}

fn test() -> (TestTracer, ByHearsay) {
    let sampler = ByHearsay::default();
    let custom = Sampler::custom(sampler.clone());
    let test = TestTracer::with("it", |builder| builder.sampler(custom)).strict();
    (test, sampler)
}

/// Polls a future that is ready at once.
fn run(future: impl Future<Output = ()>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(pin!(future).poll(&mut cx).is_ready());
}

fn flags(test: &TestTracer, context: &SpanContext) -> String {
    let mut map = BTreeMap::new();
    test.tracer().inject(context, &mut TextMap(&mut map));
    let text: &String = &map["uber-trace-id"];
    text.rsplit(':').next().unwrap().to_owned()
}

#[test]
fn tags_and_logs_before_the_decision_are_kept() {
    let (test, sampler) = test();
    let root = test.tracer().start_active_span("root");
    root.set_tag("early", 1).log([("event", "before")]);
    let mut child = test.tracer().start_span("child");
    child.log([("event", "in child")]);
    child.finish();
    root.set_tag("wanted", true).log([("event", "after")]);
    test.tracer().start_active_span("later").set_tag("n", 1);
    drop(root);
    assert_trace!(
        test.show("sampler.*"),
        "
        root {early=1, sampler.param=7, sampler.type=hearsay, wanted=true} [event=before] [event=after]
          child [event=\"in child\"]
          later {n=1}
        "
    );
    assert_eq!(
        sampler.heard(),
        "tag early of root root, tag wanted of root root"
    );
}

#[test]
fn a_template_is_told_to_the_sampler() {
    let (test, sampler) = test();
    let root = test.tracer().start_active_span("root");
    let template = SpanTemplate::new().tag("early", 1).tag("wanted", true);
    test.tracer()
        .active_span()
        .apply(&template.operation_name("named"));
    drop(root);
    assert_trace!(test, "named {early=1, wanted=true}");
    let heard = sampler.heard();
    assert!(heard.contains("tag wanted of root named"), "{heard}");
}

#[test]
fn refusal_drops_what_was_held_and_counts_it() {
    let (test, sampler) = test();
    let root = test.tracer().start_active_span("root");
    test.tracer().start_span("before").finish();
    let open = test.tracer().start_span("open");
    assert_eq!(test.tracer().stats().held, 1);
    root.set_tag("unwanted", 1).set_tag("wanted", 1);
    let after = test.tracer().start_span("after");
    assert!(!after.is_recording() && !after.context().is_recorded());
    drop((after, open, root));
    assert_eq!(sampler.heard(), "tag unwanted of root root");
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.finished), (3, 3), "{stats:?}");
    assert_eq!((stats.not_kept, stats.held, stats.held_bytes), (3, 0, 0));
    assert_eq!(stats.refused, 1);
    assert_ledger(&stats);
    assert_eq!(test.tree(), "");
}

#[test]
fn sampler_hears_of_names_tags_and_the_end_until_it_decides() {
    let (test, sampler) = test();
    let builder = test.tracer().build_span("root").tag("given", 1);
    let mut root = builder.kind(SpanKind::Server).start();
    let scope = test
        .tracer()
        .build_span("child")
        .child_of(&root.context())
        .start_active();
    scope.set_tag("a", 1).set_operation_name("renamed");
    tracer_core::active_span().log_error(&std::io::Error::other("broken"));
    drop(scope);
    root.set_operation_name("still unknown");
    root.finish();
    assert_eq!(
        sampler.heard(),
        "tag span.kind of root root, tag given of root root, tag a child, name renamed, \
         tag error renamed, name of root still unknown, end of root still unknown"
    );
    assert_eq!(test.tracer().stats().not_kept, 2);
}

#[test]
fn end_of_the_local_root_is_the_last_time_to_decide() {
    let (test, _) = test();
    for late in [true, false] {
        let mut root = test.tracer().start_span("root");
        let context = root.context();
        context.in_scope(|| test.tracer().start_span("child").finish());
        if late {
            root.set_tag("late", 1);
        }
        root.finish();
        let late_child = test.tracer().build_span("late child").child_of(&context);
        assert_eq!(late_child.start().is_recording(), late);
    }
    assert_trace!(
        test,
        "
        root {late=1}
          child
          late child
        "
    );
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.not_kept), (5, 2), "{stats:?}");
    assert_ledger(&stats);
}

#[test]
fn decision_by_a_child_holds_for_all_and_reaches_contexts_taken_before() {
    let (test, _) = test();
    let root = test.tracer().start_active_span("root");
    let context = root.context();
    assert_eq!(context.decision(), Decision::Refused);
    assert!(context.is_recorded() && !context.is_sampled());
    assert_eq!(flags(&test, &context), "0", "inject does not decide");
    let mut child = test.tracer().start_span("child");
    assert!(child.is_recording());
    child.set_operation_name("wanted");
    assert_eq!(context.decision(), Decision::Sampled);
    assert_eq!(flags(&test, &context), "1");
    assert_eq!(flags(&test, &child.context()), "1");
    child.finish();
    drop(root);
    assert_trace!(
        test,
        "
        root
          wanted
        "
    );
}

#[test]
fn threads_futures_and_traced_functions_share_the_decision() {
    #[traced]
    fn sync() {
        tracer_core::active_span().set_tag("n", 1);
    }
    #[traced]
    async fn asynchronous() {
        sync();
    }

    let (test, _) = test();
    let _default = test.tracer().set_default();
    let root = test.tracer().start_active_span("root");
    let task = carry(|| {
        test.tracer()
            .start_active_span("on a thread")
            .set_tag("t", 1);
    });
    thread::scope(|scope| {
        scope.spawn(task);
    });
    run(asynchronous());
    run(async { sync() }.in_current_context());
    run(async { sync() }.in_span(test.tracer().start_span("future")));
    root.set_tag("wanted", true);
    drop(root);
    assert_trace!(
        test,
        "
        root {wanted=true}
          on a thread {t=1}
          asynchronous
            sync {n=1}
          sync {n=1}
          future
            sync {n=1}
        "
    );
    assert_ledger(&test.tracer().stats());
}

#[test]
fn decided_at_the_start_is_final() {
    let (test, sampler) = test();
    test.tracer()
        .start_active_span("yes")
        .set_tag("unwanted", 1);
    test.tracer().start_active_span("no").set_tag("wanted", 1);
    assert_eq!(sampler.heard(), "");
    assert_trace!(test, "yes {unwanted=1}");
    let stats = test.tracer().stats();
    assert_eq!((stats.started, stats.refused), (1, 1));
}

#[test]
fn decision_of_a_remote_parent_is_final() {
    let (test, sampler) = test();
    for (flags, recorded) in [("0", false), ("1", true)] {
        let header = format!("1234:5678:0:{flags}");
        let map = BTreeMap::from([("uber-trace-id".to_owned(), header)]);
        let parent = test.tracer().extract(&TextMap(&map)).unwrap().unwrap();
        let mut span = test.tracer().build_span("root").child_of(&parent).start();
        span.set_tag("wanted", 1).set_tag("unwanted", 1);
        assert_eq!(span.is_recording(), recorded);
    }
    assert_eq!(sampler.heard(), "");
    assert_trace!(test, "root {unwanted=1, wanted=1} (parent elsewhere)");
}

#[test]
fn remote_parent_that_defers_leaves_it_undecided() {
    let custom = Sampler::custom(ByHearsay::default());
    let test = TestTracer::with("it", |builder| {
        builder.sampler(custom).propagation([Propagation::B3Single])
    });
    let map = BTreeMap::from([(
        "b3".to_owned(),
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1".to_owned(),
    )]);
    let parent = test.tracer().extract(&TextMap(&map)).unwrap().unwrap();
    let mut span = test.tracer().build_span("root").child_of(&parent).start();
    span.log([("event", "kept")]).set_tag("wanted", 1);
    drop(span);
    assert_trace!(test, "root {wanted=1} [event=kept] (parent elsewhere)");
}

#[test]
fn priority_decides() {
    for active in [true, false] {
        let (test, sampler) = test();
        let tracer = test.tracer();
        let set = |priority: i64| {
            let mut root = tracer.start_span("root");
            let context = root.context();
            context.in_scope(|| tracer.start_span("before").finish());
            if active {
                let scope = root.activate();
                scope.set_tag("sampling.priority", priority);
                tracer.start_span("after").finish();
                scope.set_tag("unwanted", 1).set_tag("wanted", 1);
            } else {
                root.set_tag("sampling.priority", priority);
                root.context()
                    .in_scope(|| tracer.start_span("after").finish());
                root.set_tag("unwanted", 1).set_tag("wanted", 1);
            }
            context.decision()
        };
        assert_eq!(set(1), Decision::Debug);
        assert_eq!(set(0), Decision::Refused);
        assert_eq!(sampler.heard(), "");
        let spans = test.spans();
        assert!(spans.iter().all(|span| span.context().flags() == 3));
        assert_trace!(
            spans,
            "
            root {unwanted=1, wanted=1}
              before
              after
            "
        );
        let stats = tracer.stats();
        assert_eq!((stats.not_kept, stats.withdrawn), (1, 1), "{stats:?}");
        assert_ledger(&stats);
    }
}

#[test]
fn forced_span_of_a_trace_that_was_refused_goes_its_own_way() {
    let (test, _) = test();
    let root = test.tracer().start_active_span("root");
    root.set_tag("unwanted", 1).set_tag("sampling.priority", 1);
    test.tracer().start_span("child").finish();
    drop(root);
    assert_trace!(
        test,
        "
        root {unwanted=1}
          child
        "
    );
    assert_ledger(&test.tracer().stats());
}

#[test]
fn panic_of_the_sampler_refuses_the_trace() {
    let (test, _) = test();
    let root = test.tracer().start_active_span("root");
    root.set_tag("panic", 1);
    assert!(!root.context().is_recorded());
    drop(root);
    assert_eq!(test.tracer().stats().not_kept, 1);
}

#[test]
fn baggage_and_references_survive_the_wait() {
    let (test, _) = test();
    let root = test.tracer().start_active_span("root");
    root.set_baggage_item("user", "alice");
    let first = test.tracer().start_span("first");
    let context = first.context();
    first.finish();
    let linked = test.tracer().build_span("second");
    linked
        .child_of(&root.context())
        .follows_from(&context)
        .start()
        .finish();
    root.set_tag("wanted", 1);
    drop(root);
    let spans = test.spans();
    assert!(
        spans
            .iter()
            .all(|span| span.context().baggage_item("user") == Some("alice"))
    );
    assert_trace!(
        spans,
        "
        root {wanted=1} [event=baggage, key=user, value=alice]
          first
          second (child_of root, follows_from first)
        "
    );
}

#[test]
fn nothing_is_left_of_a_trace_that_nobody_decides_about() {
    let (test, _) = test();
    let mut root = test.tracer().start_span("root");
    root.context()
        .in_scope(|| test.tracer().start_span("child").finish());
    root.set_tag("a", 1);
    // As on a thread that ends with a scope that was leaked: the root is never handed over.
    let leaked = thread::scope(|scope| {
        #[expect(clippy::mem_forget, reason = "what is tested")]
        let root = scope.spawn(move || std::mem::forget(root.activate()));
        root.join().is_ok()
    });
    assert!(leaked);
    let stats = test.tracer().stats();
    assert_eq!((stats.held, stats.not_kept, stats.held_bytes), (0, 2, 0));
    assert_ledger(&stats);
}

#[test]
fn sampler_and_policy_ask_one_after_the_other() {
    let custom = Sampler::custom(ByHearsay::default());
    let test = TestTracer::with("it", |builder| {
        builder.sampler(custom).keep(KeepPolicy::errors())
    })
    .show("sampler.type");
    let request = |tag: &str, error: bool| {
        let root = test.tracer().start_active_span("root");
        test.tracer()
            .start_active_span("child")
            .set_tag("error", error);
        root.set_tag(tag.to_owned(), 1);
        root.context().decision()
    };
    assert_eq!(request("unwanted", true), Decision::Refused);
    assert_eq!(request("unwanted", false), Decision::Refused);
    assert_eq!(request("nothing", true), Decision::Refused);
    assert_eq!(request("wanted", true), Decision::Sampled);
    assert_trace!(
        test,
        "
        root {sampler.type=tail, unwanted=1}
          child {error=true}
        root {nothing=1, sampler.type=tail}
          child {error=true}
        root {sampler.type=hearsay, wanted=1}
          child {error=true}
        "
    );
    let stats = test.tracer().stats();
    assert_eq!((stats.refused, stats.not_kept), (3, 2), "{stats:?}");
}

#[test]
fn name_that_is_set_late_decides_if_that_is_wanted() {
    let sampler = Sampler::per_operation(0.0, 0.0, [("GET /orders/{id}", 1.0)]).unwrap();
    let late = sampler.clone().operation_name_late_binding();
    assert_eq!(
        format!("{late:?}"),
        "per_operation(1 listed, others 0, each at least 0/s) with late binding of names"
    );
    for (sampler, expected) in [(sampler, false), (late, true)] {
        let test = TestTracer::with("it", |builder| builder.sampler(sampler)).show("sampler.*");
        for (name, early, own) in [
            ("GET /orders/{id}", 1, true),
            ("GET /health", 2, true),
            ("GET /orders/{id}", 3, false),
        ] {
            let root = test.tracer().start_active_span("GET");
            root.set_tag("early", early);
            let child = test.tracer().start_active_span("auth");
            if own {
                root.set_operation_name(name);
            } else {
                child.set_operation_name(name);
            }
        }
        // A name that is sampled from the start is not asked about again.
        let sampled = test.tracer().start_active_span("GET /orders/{id}");
        sampled.set_operation_name("GET /health");
        drop(sampled);
        let early = "
            GET /orders/{id} {early=1, sampler.param=1.0, sampler.type=probabilistic}
              auth
            ";
        let always = "GET /health {sampler.param=1.0, sampler.type=probabilistic}";
        let tree = test.tree();
        if expected {
            tracer_testing::assert_tree(&tree, &format!("{early}{always}"));
        } else {
            tracer_testing::assert_tree(&tree, always);
        }
        assert_ledger(&test.tracer().stats());
    }
}
