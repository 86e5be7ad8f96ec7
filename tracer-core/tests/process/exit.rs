//! Ends of the process.

use std::time::Duration;

use tracer_core::{Process, ReportError, Reporter, Sampler, SpanRecord, Tracer, TracerBuilder};

use crate::Scenario;

pub(crate) const SCENARIOS: [Scenario; 4] = [
    Scenario::printing(
        "guard_sends_what_is_left_at_the_end_of_main",
        end_of_main,
        "from a thread\nopen until the end\n",
    ),
    Scenario::failing(
        "guard_sends_what_is_left_when_main_panics",
        panic_in_main,
        "panicked\n",
    ),
    Scenario::failing(
        "exit_after_a_shutdown_loses_nothing",
        exit_after_shutdown,
        "span\n",
    ),
    Scenario::printing(
        "spans_may_end_after_the_guard",
        spans_after_the_guard,
        "before\n",
    ),
];

/// Prints the names of the spans it gets.
struct Prints;

impl Reporter for Prints {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        batch
            .iter()
            .for_each(|span| println!("{}", span.operation_name()));
        Ok(())
    }
}

fn builder() -> TracerBuilder {
    // An interval that never comes: nothing is sent but by the ends that are tested.
    Tracer::builder("exit")
        .sampler(Sampler::constant(true))
        .reporter(Prints)
        .flush_interval(Duration::MAX)
}

fn end_of_main() {
    let guard = builder().install().unwrap();
    std::thread::spawn(|| {
        tracer_core::tracer()
            .start_active_span("from a thread")
            .finish();
    })
    .join()
    .unwrap();
    guard.flush(Duration::from_secs(20)).unwrap();
    let _open = guard.tracer().start_active_span("open until the end");
}

fn panic_in_main() {
    let guard = builder().install().unwrap();
    let _span = guard.tracer().start_active_span("panicked");
    panic!("as the test wants")
}

fn exit_after_shutdown() {
    let guard = builder().install().unwrap();
    let _open = guard.tracer().start_active_span("never finished");
    guard.tracer().start_span("span").finish();
    guard.shutdown(Duration::from_secs(20)).unwrap();
    std::process::exit(3);
}

fn spans_after_the_guard() {
    let guard = builder().install().unwrap();
    let tracer = guard.tracer().clone();
    let open = tracer.start_span("open");
    tracer.start_span("before").finish();
    drop(guard);
    open.finish();
    tracer_core::tracer()
        .start_active_span("after")
        .set_tag("k", "v");
    assert_eq!(tracer.stats().after_shutdown, 2);
}
