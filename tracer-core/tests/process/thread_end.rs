//! Threads that end while values of the user still start spans.

use std::cell::RefCell;
use std::time::Duration;

use tracer_core::{MemoryReporter, NullReporter, Sampler, Span, Tracer, active_span, carry};

use crate::Scenario;

pub(crate) const SCENARIOS: [Scenario; 2] = [
    Scenario::new("destructors_of_a_thousand_threads_start_spans", destructors),
    Scenario::new(
        "spans_kept_in_a_thread_local_end_with_their_thread",
        kept_spans,
    ),
];

/// Does everything a destructor can do with a tracer.
struct Traces(Tracer);

impl Drop for Traces {
    fn drop(&mut self) {
        let outer = self.0.start_active_span("destructor");
        outer
            .set_tag("k", "v")
            .log([("event", "late")])
            .set_baggage_item("k", "v");
        let mut inner = self
            .0
            .build_span("inner")
            .child_of(&outer.context())
            .tag("k", "v")
            .start();
        inner
            .set_tag("k", "w")
            .set_operation_name(format!("owned {}", 1));
        inner.finish();
        carry(|| {
            active_span().set_tag("k", "v").set_operation_name("y");
        })();
        let span = outer.into_span();
        drop(span.activate());
        let _default = self.0.set_default();
        Tracer::current().start_span("current").finish();
    }
}

thread_local! {
    static BEFORE: RefCell<Option<Traces>> = const { RefCell::new(None) };
    static AFTER: RefCell<Option<Traces>> = const { RefCell::new(None) };
    static SPAN: RefCell<Option<Span>> = const { RefCell::new(None) };
}

fn destructors() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("ends")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .unwrap();
    for round in 0..50 {
        let threads: Vec<_> = (0..20)
            .map(|n| {
                let tracer = tracer.clone();
                std::thread::spawn(move || {
                    // The tracer's own thread-local comes between the two, before or after them, or only in them.
                    if n % 4 != 0 {
                        BEFORE.set(Some(Traces(tracer.clone())));
                    }
                    if n % 4 != 1 {
                        tracer.start_active_span("thread").finish();
                    }
                    if n % 4 != 2 {
                        AFTER.set(Some(Traces(tracer)));
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert!(active_span().context().is_none());
        if round % 10 == 0 {
            tracer.flush(Duration::from_secs(20)).unwrap();
        }
    }
    tracer.flush(Duration::from_secs(20)).unwrap();
    let stats = tracer.stats();
    assert_eq!(stats.finished, stats.started, "{stats:?}");
    assert_eq!(
        stats.reporters[0].reported + stats.queue_full,
        stats.finished,
        "{stats:?}"
    );
    let threads = memory
        .spans()
        .iter()
        .filter(|span| span.operation_name() == "thread")
        .count();
    assert_eq!(threads, 750);
}

fn kept_spans() {
    let tracer = Tracer::builder("ends")
        .sampler(Sampler::constant(true))
        .reporter(NullReporter)
        .build()
        .unwrap();
    for before in [true, false] {
        let tracer = tracer.clone();
        std::thread::spawn(move || {
            if before {
                SPAN.set(None);
            }
            #[expect(clippy::mem_forget, reason = "what is tested: a scope that never ends")]
            std::mem::forget(tracer.start_active_span("leaked"));
            SPAN.set(Some(tracer.start_span("kept")));
        })
        .join()
        .unwrap();
    }
    tracer.flush(Duration::from_secs(20)).unwrap();
    let stats = tracer.stats();
    assert_eq!((stats.started, stats.finished), (4, 4), "{stats:?}");
    assert_eq!(stats.reporters[0].reported, 4, "{stats:?}");
}
