//! That spans which are only noted cannot be told from others.

mod details;
mod refused;

use std::time::Duration;

use crate::tags;
use crate::{Decision, MemoryReporter, Sampler, Scope, SpanContext, Tracer, active_span};

fn refusing() -> (Tracer, MemoryReporter) {
    tracer(false)
}

fn sampling() -> (Tracer, MemoryReporter) {
    tracer(true)
}

fn tracer(sampled: bool) -> (Tracer, MemoryReporter) {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("pending")
        .sampler(Sampler::constant(sampled))
        .reporter(memory.clone())
        .build()
        .unwrap();
    // The first span of a thread takes a record, for it gives the thread its ring.
    tracer.start_active_span("first").finish();
    tracer.flush(Duration::from_secs(30)).unwrap();
    let _ = memory.take();
    (tracer, memory)
}

fn chain(tracer: &Tracer, depth: usize) -> Vec<Scope> {
    (0..depth)
        .map(|_| tracer.start_active_span("inner"))
        .collect()
}

fn drop_from_the_inside(mut scopes: Vec<Scope>) {
    while scopes.pop().is_some() {}
}

#[test]
fn contexts_descend_from_each_other_however_late_they_are_asked_for() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    for depth in [1, 2, super::MOST, super::MOST + 1, 40] {
        let scopes = chain(&tracer, depth);
        let contexts: Vec<_> = scopes.iter().rev().map(Scope::context).collect();
        assert_eq!(active_span().context().as_ref(), contexts.first());
        let above = root.context();
        for (context, parent) in contexts.iter().zip(contexts[1..].iter().chain([&above])) {
            assert_eq!(context.parent_id(), parent.span_id());
            assert_eq!(context.trace_id(), above.trace_id());
        }
        drop_from_the_inside(scopes);
        assert_eq!(active_span().context(), Some(root.context()));
    }
    assert_eq!(tracer.stats().out_of_order, 0);
}

#[test]
fn a_scope_may_be_asked_before_and_after_others_come_and_go() {
    let (tracer, _) = refusing();
    let _root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    drop(tracer.start_active_span("gone"));
    let id = outer.context().span_id();
    let inner = tracer.start_active_span("inner");
    assert_eq!(inner.context().parent_id(), id);
    drop(inner);
    drop(tracer.start_active_span("gone"));
    assert_eq!(active_span().context().unwrap().span_id(), id);
    assert_eq!(outer.context().span_id(), id);
}

#[test]
fn baggage_is_that_of_one_span_and_its_children() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    outer.set_baggage_item("who", "outer");
    let inner = tracer.start_active_span("inner");
    assert_eq!(inner.baggage_item("who").as_deref(), Some("outer"));
    assert_eq!(root.baggage_item("who"), None);
}

#[test]
fn priority_makes_a_recorded_span_with_its_name() {
    let (tracer, memory) = refusing();
    let _root = tracer.start_active_span("root");
    let _outer = tracer.start_active_span("outer");
    let inner = tracer.start_active_span("inner");
    inner.set_tag("too early", true);
    assert!(!inner.is_recording());
    active_span().set_tag(tags::SAMPLING_PRIORITY, 1);
    assert!(inner.is_recording());
    inner.set_tag("kept", true);
    tracer.start_active_span("child").finish();
    inner.finish();
    tracer.flush(Duration::from_secs(30)).unwrap();
    let spans = memory.take();
    let names: Vec<_> = spans.iter().map(|span| span.operation_name()).collect();
    assert_eq!(names, ["child", "inner"]);
    assert_eq!(spans[0].parent_id(), spans[1].span_id());
    assert_eq!(
        (spans[1].tag("too early"), spans[1].tag("kept").is_some()),
        (None, true)
    );
}

#[test]
fn other_orders_are_put_right_and_counted() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    let (outer, inner) = (
        tracer.start_active_span("outer"),
        tracer.start_active_span("inner"),
    );
    drop(outer);
    let id = inner.context().span_id();
    assert_eq!(active_span().context().unwrap().span_id(), id);
    drop(inner);
    assert_eq!(active_span().context(), Some(root.context()));
    assert_eq!(tracer.stats().out_of_order, 1);
}

#[test]
fn a_scope_that_was_leaked_and_comes_back_ends_nobody_elses_span() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    let lost = tracer.start_active_span("lost");
    let span = outer.into_span();
    drop(root);
    let next = tracer.start_active_span("next");
    let child = tracer.start_active_span("child");
    let id = next.context().span_id();
    drop(lost);
    drop(child);
    assert_eq!(active_span().context().unwrap().span_id(), id);
    drop((span, next));
    assert_eq!(active_span().context(), None);
}

#[test]
fn two_tracers_may_refuse_under_each_other() {
    let ((one, _), (two, memory)) = (refusing(), refusing());
    let _root = one.start_active_span("root");
    let outer = one.start_active_span("outer");
    let inner = two.start_active_span("inner");
    assert_eq!(inner.context().parent_id(), outer.context().span_id());
    inner.set_tag(tags::SAMPLING_PRIORITY, 1);
    inner.finish();
    two.flush(Duration::from_secs(30)).unwrap();
    assert_eq!(memory.take()[0].operation_name(), "inner");
}

#[test]
fn a_span_of_its_own_may_be_taken_out_of_its_scope() {
    let (tracer, _) = refusing();
    let root = tracer.start_active_span("root");
    let span = tracer.start_active_span("child").into_span();
    assert_eq!(span.context().parent_id(), root.context().span_id());
    assert_eq!(active_span().context(), Some(root.context()));
}

/// The spans that were reported, a line each as `name < parent`, sorted.
fn reported(tracer: &Tracer, memory: &MemoryReporter) -> Vec<String> {
    tracer.flush(Duration::from_secs(30)).unwrap();
    let spans = memory.take();
    let name_of = |id| {
        let span = spans.iter().find(|span| span.span_id() == id);
        span.map_or("nothing", |span| span.operation_name())
    };
    let mut lines: Vec<_> = spans
        .iter()
        .map(|span| format!("{} < {}", span.operation_name(), name_of(span.parent_id())))
        .collect();
    lines.sort();
    lines
}

fn assert_balanced(tracer: &Tracer) {
    let stats = tracer.stats();
    assert_eq!((stats.open(), stats.queued, stats.lost()), (0, 0, 0));
    let ended = stats.reporters[0].reported + stats.withdrawn;
    assert_eq!(stats.started, ended);
}

#[test]
fn recorded_spans_have_their_parents_and_times_however_deep() {
    let (tracer, memory) = sampling();
    for depth in [1, 2, super::MOST, super::MOST + 1, 40] {
        let root = tracer.start_active_span("root");
        drop_from_the_inside(chain(&tracer, depth));
        drop_from_the_inside(chain(&tracer, depth));
        drop(root);
        tracer.flush(Duration::from_secs(30)).unwrap();
        let spans = memory.take();
        assert_eq!(spans.len(), 1 + 2 * depth);
        let mut below = 0;
        for span in &spans {
            let parent = spans
                .iter()
                .find(|other| other.span_id() == span.parent_id());
            let Some(parent) = parent else { continue };
            below += 1;
            assert!(parent.start() <= span.start() && span.duration() <= parent.duration());
            assert_eq!(parent.trace_id(), span.trace_id());
        }
        assert_eq!(below, 2 * depth);
    }
    assert_balanced(&tracer);
}

#[test]
fn recorded_spans_may_be_asked_for_anything_at_any_time() {
    let (tracer, memory) = sampling();
    let root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    tracer.start_active_span("first").finish();
    let inner = tracer.start_active_span("inner");
    assert!(inner.is_recording());
    let id = inner.context().span_id();
    outer.set_tag("late", true);
    inner.set_operation_name("renamed");
    tracer.start_active_span("last").finish();
    assert_eq!(active_span().context().unwrap().span_id(), id);
    drop(tracer.start_active_span("moved").into_span());
    assert_eq!(tracer.stats().open(), 3);
    drop((inner, outer, root));
    assert_eq!(
        reported(&tracer, &memory),
        [
            "first < outer",
            "last < renamed",
            "moved < renamed",
            "outer < root",
            "renamed < outer",
            "root < nothing"
        ]
    );
    assert_balanced(&tracer);
}

#[test]
fn a_root_has_the_tags_of_its_sampler_whatever_is_asked_of_it() {
    let (tracer, memory) = sampling();
    for asked in [false, true, false, true, true, true, false] {
        let root = tracer.start_active_span("root");
        tracer.start_active_span("child").finish();
        let context = asked.then(|| root.context());
        drop(root);
        assert_eq!(active_span().context(), None);
        tracer.flush(Duration::from_secs(30)).unwrap();
        let spans = memory.take();
        let [child, root] = &*spans else {
            panic!("{spans:?}");
        };
        assert_eq!(root.tag("sampler.type"), Some("const".into()));
        assert_eq!(root.tag("sampler.param"), Some(true.into()));
        assert_eq!(child.tag("sampler.type"), None);
        assert_eq!(
            (child.parent_id(), child.trace_id()),
            (root.span_id(), root.trace_id())
        );
        assert!(context.is_none_or(|context| context.span_id() == root.span_id()));
        assert_eq!((root.context().flags(), child.context().flags()), (1, 1));
    }
}

/// Under a span of a refused trace, which is made a record of by being put on the stack, and those noted before it with it.
fn refused(tracer: &Tracer) -> Scope {
    let refused = SpanContext::remote(7.into(), 7.into(), Decision::Refused);
    tracer
        .build_span("refused")
        .child_of(&refused)
        .start()
        .activate()
}

#[test]
fn notes_of_a_refused_trace_are_not_taken_for_spans_that_were_noted_before() {
    for out_of_order in [false, true] {
        let (tracer, memory) = sampling();
        let outer = tracer.start_active_span("outer");
        let below = refused(&tracer);
        let unseen = tracer.start_active_span("unseen");
        outer.set_tag("n", 1);
        if out_of_order {
            drop(outer);
            drop((unseen, below));
        } else {
            drop((unseen, below, outer));
        }
        assert_eq!(active_span().context(), None);
        let next = tracer.start_active_span("next");
        next.set_tag("a", 1);
        assert!(next.context().parent_id().is_none());
        drop(next);
        tracer.flush(Duration::from_secs(30)).unwrap();
        let spans = memory.take();
        let shown = spans.iter().map(|span| {
            let tags = span.tags().map(|(key, _)| key.to_owned());
            let own = tags.filter(|key| key.len() == 1).collect::<String>();
            format!("{} {own}", span.operation_name())
        });
        assert_eq!(shown.collect::<Vec<_>>(), ["outer n", "next a"]);
        assert!(
            spans
                .iter()
                .all(|span| span.duration() < Duration::from_secs(60))
        );
        assert!(spans[0].start() + spans[0].duration() <= spans[1].start());
        assert_balanced(&tracer);
    }
}

#[test]
fn a_span_that_ends_below_one_of_a_refused_trace_ends_then() {
    let (tracer, memory) = sampling();
    let outer = tracer.start_active_span("outer");
    let below = refused(&tracer);
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(1) {}
    drop(outer);
    drop(below);
    tracer.flush(Duration::from_secs(30)).unwrap();
    assert!(memory.take()[0].duration() >= Duration::from_millis(1));
}

#[test]
fn a_priority_of_0_refuses_at_once() {
    let (tracer, _) = sampling();
    let root = tracer.start_active_span("root");
    assert!(!crate::is_refused());
    root.set_tag(tags::SAMPLING_PRIORITY, 0);
    assert!(crate::is_refused());
    drop(root);
    assert!(!crate::is_refused());
}

#[test]
fn roots_follow_each_other_whichever_tracer_they_are_of() {
    let ((one, of_one), (two, of_two)) = (sampling(), sampling());
    for _ in 0..3 {
        for tracer in [&one, &two] {
            let _default = tracer.set_default();
            let _root = tracer.start_active_span("root");
            Tracer::current().start_active_span("child").finish();
        }
    }
    let expected = [["child < root"; 3], ["root < nothing"; 3]].concat();
    assert_eq!(reported(&one, &of_one), expected);
    assert_eq!(reported(&two, &of_two), expected);
    assert_balanced(&one);
    assert_balanced(&two);
}

#[test]
fn spans_that_find_no_room_are_counted_and_those_after_them_arrive() {
    let (tracer, memory) = sampling();
    let before = tracer.stats();
    // More than a ring holds, and the reporter thread may not be asleep.
    for _ in 0..100 {
        let _root = tracer.start_active_span("root");
        for _ in 0..500 {
            tracer.start_active_span("child").finish();
        }
    }
    let stats = tracer.stats();
    assert_eq!(stats.finished - before.finished, 50_100);
    tracer.flush(Duration::from_secs(30)).unwrap();
    let arrived = memory.take().len() as u64;
    assert_eq!(arrived + tracer.stats().queue_full, 50_100);
    drop(chain(&tracer, 2));
    assert_eq!(reported(&tracer, &memory).len(), 2);
}

#[test]
fn baggage_and_priority_of_a_recorded_span_are_its_childrens() {
    let (tracer, memory) = sampling();
    let root = tracer.start_active_span("root");
    let outer = tracer.start_active_span("outer");
    outer.set_baggage_item("who", "outer");
    let inner = tracer.start_active_span("inner");
    assert_eq!(inner.baggage_item("who").as_deref(), Some("outer"));
    inner.set_tag(tags::SAMPLING_PRIORITY, 0);
    tracer.start_active_span("unseen").finish();
    drop((inner, outer, root));
    assert_eq!(
        reported(&tracer, &memory),
        ["outer < root", "root < nothing"]
    );
    assert_eq!(tracer.stats().withdrawn, 1);
}

#[test]
fn recorded_spans_closed_in_another_order_are_put_right_and_counted() {
    let (tracer, memory) = sampling();
    let root = tracer.start_active_span("root");
    let (outer, inner) = (
        tracer.start_active_span("outer"),
        tracer.start_active_span("inner"),
    );
    drop(outer);
    tracer.start_active_span("child").finish();
    drop((inner, root));
    assert_eq!(tracer.stats().out_of_order, 1);
    assert_eq!(
        reported(&tracer, &memory),
        [
            "child < inner",
            "inner < outer",
            "outer < root",
            "root < nothing"
        ]
    );
    assert_balanced(&tracer);
}

#[test]
fn two_tracers_may_record_under_each_other() {
    let ((one, of_one), (two, of_two)) = (sampling(), sampling());
    let root = one.start_active_span("root");
    one.start_active_span("first").finish();
    let inner = two.start_active_span("inner");
    one.start_active_span("second").finish();
    drop((inner, root));
    assert_eq!(
        reported(&one, &of_one),
        ["first < root", "root < nothing", "second < nothing"]
    );
    assert_eq!(reported(&two, &of_two), ["inner < nothing"]);
    assert_balanced(&one);
    assert_balanced(&two);
}

#[test]
fn a_panic_marks_the_spans_it_passes() {
    let (tracer, memory) = sampling();
    let root = tracer.start_active_span("root");
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _outer = tracer.start_active_span("outer");
        tracer.start_active_span("before").finish();
        let _inner = tracer.start_active_span("inner");
        panic!("on purpose");
    }));
    assert!(unwound.is_err());
    tracer.start_active_span("after").finish();
    drop(root);
    tracer.flush(Duration::from_secs(30)).unwrap();
    let mut failed: Vec<_> = memory
        .take()
        .iter()
        .filter(|span| span.tag(tags::ERROR).is_some())
        .map(|span| span.operation_name().to_owned())
        .collect();
    failed.sort();
    assert_eq!(failed, ["inner", "outer"]);
}

#[test]
fn what_is_noted_at_the_end_of_a_thread_or_tracer_is_counted() {
    let (tracer, memory) = sampling();
    let of_thread = tracer.clone();
    let leak = move || {
        of_thread.start_active_span("first").finish();
        let scopes = (
            of_thread.start_active_span("root"),
            of_thread.start_active_span("leaked"),
        );
        #[expect(clippy::mem_forget, reason = "leaking is what is tested")]
        std::mem::forget(scopes);
    };
    // Joined, for a scope does not wait for the destructors of its threads.
    std::thread::spawn(leak).join().unwrap();
    assert_eq!(
        reported(&tracer, &memory),
        ["first < nothing", "leaked < root", "root < nothing"]
    );
    assert_balanced(&tracer);

    let root = tracer.start_active_span("root");
    tracer.start_active_span("in time").finish();
    let late = tracer.start_active_span("late");
    tracer.shutdown(Duration::from_secs(30)).unwrap();
    drop((late, root));
    let stats = tracer.stats();
    assert_eq!((stats.open(), stats.after_shutdown), (0, 2));
}

#[test]
fn a_span_whose_name_has_no_number_is_the_parent_of_the_next() {
    let (tracer, memory) = sampling();
    for _ in 0..4 {
        let _root = tracer.start_span("root").activate();
        tracer.start_active_span("leaf").finish();
    }
    let _ = reported(&tracer, &memory);
    let root = tracer.start_span("root").activate();
    let nobody = crate::name::give_none();
    let middle = tracer.start_active_span("middle");
    drop(nobody);
    tracer.start_active_span("leaf").finish();
    drop((middle, root));
    let told = reported(&tracer, &memory);
    assert_eq!(told, ["leaf < middle", "middle < root", "root < nothing"]);
}

#[test]
fn priority_0_takes_back_that_a_trace_is_for_debugging() {
    let (tracer, memory) = sampling();
    let mut span = tracer.start_span("span");
    span.set_tag(tags::SAMPLING_PRIORITY, 1);
    assert_eq!(span.context().decision(), Decision::Debug);
    span.set_tag(tags::SAMPLING_PRIORITY, 0);
    assert_eq!(span.context().decision(), Decision::Refused);
    drop(span);
    assert_eq!(reported(&tracer, &memory), [""; 0]);
}
