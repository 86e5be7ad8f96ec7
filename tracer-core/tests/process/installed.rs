//! The tracer of the process.

use std::time::Duration;

use tracer_core::{MemoryReporter, NullReporter, Sampler, Tracer, active_span, traced};

use crate::Scenario;

pub(crate) const SCENARIOS: [Scenario; 2] = [
    Scenario::new("installed_tracer_is_everybodys", installed),
    Scenario::new(
        "default_of_a_thread_wins_over_the_installed_tracer",
        default_wins,
    ),
];

#[traced]
fn work() {
    active_span().set_tag("done", true);
}

fn installed() {
    assert!(!tracer_core::tracer().is_enabled());
    work();
    let memory = MemoryReporter::new();
    let builder = || Tracer::builder("first").sampler(Sampler::constant(true));
    let guard = builder().reporter(memory.clone()).install().unwrap();
    let refused = builder()
        .reporter(NullReporter)
        .install()
        .unwrap_err()
        .to_string();
    assert!(refused.contains("\"first\""), "{refused}");
    assert_eq!(tracer_core::tracer().service_name(), "first");
    assert_eq!(Tracer::current().service_name(), "first");
    work();
    std::thread::spawn(work).join().unwrap();
    guard.flush(Duration::from_secs(20)).unwrap();
    let spans = memory.take();
    assert_eq!(spans.len(), 2);
    assert!(
        spans
            .iter()
            .all(|span| span.operation_name() == "work" && span.tag("done").is_some())
    );
}

fn default_wins() {
    let (memory, own) = (MemoryReporter::new(), MemoryReporter::new());
    let builder = |name: &str| Tracer::builder(name).sampler(Sampler::constant(true));
    let guard = builder("installed")
        .reporter(memory.clone())
        .install()
        .unwrap();
    let tracer = builder("own").reporter(own.clone()).build().unwrap();
    {
        let _default = tracer.set_default();
        work();
        assert_eq!(Tracer::current().service_name(), "own");
        std::thread::spawn(|| assert_eq!(Tracer::current().service_name(), "installed"))
            .join()
            .unwrap();
        let _off = Tracer::disabled().set_default();
        work();
    }
    work();
    guard.flush(Duration::from_secs(20)).unwrap();
    tracer.flush(Duration::from_secs(20)).unwrap();
    assert_eq!((memory.len(), own.len()), (1, 1));
}
