//! Forks without exec.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fork::{Fork, fork, waitpid};
use tracer_core::{MemoryReporter, Sampler, Tracer, active_span, after_fork};

use crate::Scenario;

pub(crate) const SCENARIOS: [Scenario; 2] = [
    Scenario::new(
        "forked_children_have_ids_and_a_tracer_of_their_own",
        children,
    ),
    Scenario::new("fork_in_the_middle_of_traced_threads", with_threads),
];

const PATIENCE: Duration = Duration::from_secs(20);

fn build(memory: &MemoryReporter) -> Tracer {
    Tracer::builder("fork")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .unwrap()
}

/// What the child of a fork does; its id file gets a line per id.
fn child(path: &std::path::Path) {
    after_fork();
    assert!(
        active_span().context().is_none(),
        "what was open stays the parent's"
    );
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    let mut lines = String::new();
    for _ in 0..20 {
        let root = tracer.start_active_span("child");
        lines.push_str(&format!("{}\n", root.context().trace_id()));
        lines.push_str(&format!(
            "{}\n",
            tracer.start_span("inner").context().span_id()
        ));
    }
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(
        memory.len(),
        40,
        "spans of the child arrive, and those of the parent do not"
    );
    tracer.shutdown(PATIENCE).unwrap();
    std::fs::OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
}

/// Forks `times` times and checks that all ids differ.
fn fork_and_check(times: usize, mut before: impl FnMut()) {
    let path = std::env::temp_dir().join(format!("tracer-forks-{}", std::process::id()));
    std::fs::write(&path, "").unwrap();
    for _ in 0..times {
        before();
        match fork().unwrap() {
            Fork::Child => {
                // A panic must not run the parent's code on.
                let caught = std::panic::catch_unwind(|| child(&path));
                std::process::exit(i32::from(caught.is_err()));
            }
            Fork::Parent(pid) => {
                let status = waitpid(pid).unwrap();
                assert_eq!(status, 0, "the child failed");
            }
        }
    }
    let lines = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let distinct: HashSet<_> = lines.lines().collect();
    assert_eq!(
        (lines.lines().count(), distinct.len()),
        (times * 40, times * 40)
    );
}

fn children() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    let root = tracer.start_active_span("open in the parent");
    let mut started = 1;
    fork_and_check(100, || {
        tracer.start_span("queued in the parent").finish();
        started += 1;
    });
    drop(root);
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(memory.len(), started, "the parent is not affected");
}

fn with_threads() {
    let memory = MemoryReporter::with_capacity(usize::MAX);
    let tracer = build(&memory);
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (tracer, stop) = (tracer.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                // Not threads that come and go: a fork may catch one with a lock of the standard library.
                while !stop.load(Ordering::Relaxed) {
                    tracer
                        .start_active_span("busy")
                        .set_tag("k", "v")
                        .log([("event", "x")]);
                    let _ = (tracer.stats(), Tracer::current());
                }
            })
        })
        .collect();
    fork_and_check(100, || tracer.start_active_span("in the parent").finish());
    stop.store(true, Ordering::Relaxed);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_eq!((stats.open(), stats.queued), (0, 0));
}
