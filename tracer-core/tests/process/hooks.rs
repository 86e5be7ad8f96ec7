//! Panic hooks.

use std::time::Duration;

use tracer_core::{MemoryReporter, Sampler, Tracer};

use crate::Scenario;

pub(crate) const SCENARIOS: [Scenario; 1] =
    [Scenario::new("panic_hook_may_flush_and_shut_down", hook)];

fn hook() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("hook")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .unwrap();
    tracer.start_span("before").finish();
    let in_hook = tracer.clone();
    std::panic::set_hook(Box::new(move |_| {
        in_hook.start_active_span("in the hook").set_tag("k", "v");
        tracer_core::active_span().set_tag("seen by", "the hook");
        in_hook.flush(Duration::from_secs(20)).unwrap();
        in_hook.shutdown(Duration::from_secs(20)).unwrap();
    }));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _open = tracer.start_active_span("open");
        panic!("as the test wants");
    }));
    assert!(caught.is_err());
    let _ = std::panic::take_hook();
    let names: Vec<_> = memory
        .spans()
        .iter()
        .map(|span| span.operation_name().to_owned())
        .collect();
    assert_eq!(names, ["before", "in the hook"]);
    let stats = tracer.stats();
    assert_eq!(
        (stats.open(), stats.after_shutdown),
        (0, 1),
        "the open span ended after the shutdown"
    );
}
