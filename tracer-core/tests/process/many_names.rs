//! More operation names than one would think of.

use std::time::Duration;

use tracer_core::{MemoryReporter, Sampler, Tracer};

use crate::Scenario;

pub(crate) const SCENARIOS: [Scenario; 1] = [Scenario::new(
    "spans_have_their_names_however_many_there_are",
    run,
)];

/// More than have numbers.
const NAMES: usize = 20_000;
/// Less than a ring has room for.
const AT_ONCE: usize = 1_000;

fn run() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("names")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .unwrap();
    let text: &'static str = Box::leak("n".repeat(NAMES).into_boxed_str());
    let names: Vec<&'static str> = (0..NAMES).map(|from| &text[from..]).collect();
    for _ in 0..2 {
        for names in names.chunks(AT_ONCE) {
            let _root = tracer.start_active_span("root");
            for name in names {
                tracer.start_active_span(*name).finish();
            }
            tracer.flush(Duration::from_secs(30)).unwrap();
            let spans = memory.take();
            let arrived = spans.iter().map(|span| span.operation_name());
            let arrived: Vec<_> = arrived.filter(|name| *name != "root").collect();
            assert!(arrived == names, "{} of {}", arrived.len(), names.len());
        }
    }
}
