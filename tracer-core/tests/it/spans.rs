use std::time::Duration;

use tracer_core::{MemoryReporter, Sampler, Tracer};

#[test]
fn children_of_the_active_span_are_reported_with_their_parents() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("it").sampler(Sampler::constant(true)).reporter(memory.clone()).build().unwrap();
    {
        let root = tracer.start_active_span("root");
        root.set_tag("user", "bryan");
        let child = tracer.start_active_span("child");
        child.log((("event", "x"), ("n", 7)));
        drop(child);
    }
    tracer.flush(Duration::from_secs(5)).unwrap();
    let spans = memory.spans();
    assert_eq!(spans.len(), 2);
    assert_eq!(spans[0].operation_name(), "child");
    assert_eq!(spans[0].parent_id(), spans[1].span_id());
    assert_eq!(spans[1].tag("user").unwrap().as_str(), Some("bryan"));
    let stats = tracer.stats();
    assert_eq!((stats.started, stats.finished, stats.open(), stats.queued), (2, 2, 0, 0));
}
