//! Flush and shutdown, from wherever they are called.

use std::cell::RefCell;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tracer_core::{MemoryReporter, Process, ReportError, Reporter, Sampler, SpanRecord, Tracer};

use crate::{PATIENCE, assert_ledger, wait_until};

fn build(memory: &MemoryReporter) -> Tracer {
    Tracer::builder("life")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn flush_works_inside_of_a_runtime_of_one_thread() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    tracer.start_span("span").finish();
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(memory.len(), 1);
    tracer.shutdown(PATIENCE).unwrap();
}

#[test]
fn flush_works_after_the_runtime_is_gone() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { tracer.start_span("span").finish() });
    drop(runtime);
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(memory.len(), 1);
}

#[test]
fn flush_and_shutdown_work_inside_of_drop_while_unwinding() {
    struct Flushes(Tracer);
    impl Drop for Flushes {
        fn drop(&mut self) {
            self.0.start_span("in drop").finish();
            self.0.flush(PATIENCE).unwrap();
            self.0.shutdown(PATIENCE).unwrap();
        }
    }
    let memory = MemoryReporter::new();
    let flushes = Flushes(build(&memory));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _flushes = flushes;
        std::panic::resume_unwind(Box::new("quietly"));
    }));
    assert!(caught.is_err());
    assert_eq!(memory.len(), 1);
}

/// Takes its time.
struct Slow(MemoryReporter);

impl Reporter for Slow {
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        thread::sleep(Duration::from_millis(50));
        self.0.report(process, batch)
    }
}

#[test]
fn flush_and_shutdown_work_when_what_the_thread_knew_of_tracers_is_gone() {
    struct Flushes(Tracer, MemoryReporter, Sender<usize>);
    impl Drop for Flushes {
        fn drop(&mut self) {
            let Self(tracer, memory, arrived) = self;
            tracer.flush(PATIENCE).unwrap();
            arrived.send(memory.len()).unwrap();
            tracer.shutdown(PATIENCE).unwrap();
            assert!(tracer.flush(PATIENCE).is_err(), "it has ended");
        }
    }
    thread_local! {
        static LAST: RefCell<Option<Flushes>> = const { RefCell::new(None) };
    }
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("life")
        .sampler(Sampler::constant(true))
        .reporter(Slow(memory.clone()))
        .build()
        .unwrap();
    let (arrived, arrivals) = channel();
    let work = move || {
        // Before the first span, so it is dropped after what the tracer has here.
        LAST.set(Some(Flushes(tracer.clone(), memory, arrived)));
        tracer.start_active_span("last").finish();
    };
    thread::spawn(work).join().unwrap();
    assert_eq!(arrivals.recv_timeout(PATIENCE), Ok(1));
}

#[test]
fn shutdown_sends_what_is_left_and_may_be_repeated() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    tracer.start_span("span").finish();
    for _ in 0..3 {
        tracer.shutdown(PATIENCE).unwrap();
    }
    assert_eq!(memory.len(), 1);
    assert!(
        !tracer.flush(PATIENCE).unwrap_err().is_timeout(),
        "the reporter thread has ended"
    );
    let span = tracer.start_span("after");
    assert!(span.context().is_valid(), "contexts still travel");
}

#[test]
fn shutdowns_of_many_threads_at_once_all_return() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    tracer.start_span("span").finish();
    thread::scope(|scope| {
        for n in 0..16 {
            let tracer = &tracer;
            scope.spawn(move || {
                if n % 2 == 0 {
                    tracer.shutdown(PATIENCE)
                } else {
                    tracer.flush(PATIENCE).or(Ok(()))
                }
            });
        }
    });
    assert_eq!(memory.len(), 1);
}

#[test]
fn shutdown_ends_while_spans_are_still_made() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    tracer.start_span("before").finish();
    let ending = tracer.clone();
    let ending = thread::spawn(move || ending.shutdown(PATIENCE));
    while !ending.is_finished() {
        tracer.start_span("meanwhile").finish();
    }
    ending.join().unwrap().unwrap();
    assert_eq!(memory.spans()[0].operation_name(), "before");
    assert_ledger(&tracer.stats());
}

#[test]
fn last_handle_sends_what_is_left() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    tracer.start_span("span").finish();
    drop(tracer);
    wait_until("the reporter thread has sent the span", || {
        memory.len() == 1
    });
}

/// Hangs in each report until its channel is closed.
struct Stuck(std::sync::mpsc::Receiver<()>);

impl Reporter for Stuck {
    fn report(&mut self, _: &Process, _: &[SpanRecord]) -> Result<(), ReportError> {
        let _ = self.0.recv();
        Ok(())
    }
}

#[test]
fn deadlines_hold_when_the_reporter_is_stuck() {
    let (opener, stuck) = channel();
    let tracer = Tracer::builder("life")
        .sampler(Sampler::constant(true))
        .reporter(Stuck(stuck))
        .build()
        .unwrap();
    tracer.start_span("span").finish();
    let began = Instant::now();
    assert!(
        tracer
            .flush(Duration::from_millis(20))
            .unwrap_err()
            .is_timeout()
    );
    assert!(tracer.flush(Duration::ZERO).unwrap_err().is_timeout());
    assert!(
        tracer
            .shutdown(Duration::from_millis(20))
            .unwrap_err()
            .is_timeout()
    );
    assert!(began.elapsed() < PATIENCE);
    drop(opener);
    tracer.shutdown(PATIENCE).unwrap();
}

#[test]
fn durations_without_end_are_fine() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("life")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .flush_interval(Duration::MAX)
        .build()
        .unwrap();
    tracer.start_span("span").finish();
    tracer.flush(Duration::MAX).unwrap();
    assert_eq!(memory.len(), 1);
    tracer.shutdown(Duration::MAX).unwrap();
}

/// Calls back into the tracer it is of.
struct Reenters {
    tracer: std::sync::Arc<std::sync::OnceLock<Tracer>>,
    memory: MemoryReporter,
}

impl Reporter for Reenters {
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        if let Some(tracer) = self.tracer.get() {
            assert!(!tracer.start_active_span("observing myself").is_recording());
            assert!(!tracer.start_span("observing myself").context().is_valid());
            tracer.flush(Duration::MAX).unwrap();
            tracer.shutdown(Duration::MAX).unwrap();
            let _ = tracer.stats();
        }
        self.memory.report(process, batch)
    }
}

#[test]
fn reporter_may_call_its_tracer_and_observes_nothing_of_itself() {
    let (memory, own) = (
        MemoryReporter::new(),
        std::sync::Arc::new(std::sync::OnceLock::new()),
    );
    let reporter = Reenters {
        tracer: own.clone(),
        memory: memory.clone(),
    };
    let tracer = Tracer::builder("life")
        .sampler(Sampler::constant(true))
        .reporter(reporter)
        .build()
        .unwrap();
    own.set(tracer.clone()).unwrap();
    tracer.start_span("span").finish();
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(memory.len(), 1);
    assert_eq!(tracer.stats().started, 1);
}

#[test]
fn idle_thread_strands_nothing() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("life")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .flush_interval(Duration::from_millis(20))
        .build()
        .unwrap();
    let (wake, sleep) = channel::<()>();
    let idle = thread::spawn(move || {
        let _open = tracer.start_active_span("long request");
        tracer.start_active_span("one step of it").finish();
        let _ = sleep.recv();
    });
    wait_until("the child arrives while its parent is open", || {
        memory.len() == 1
    });
    drop(wake);
    idle.join().unwrap();
    wait_until("the parent arrives", || memory.len() == 2);
}

#[test]
fn threads_that_end_hand_their_spans_over() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    for _ in 0..200 {
        let tracer = tracer.clone();
        thread::spawn(move || tracer.start_active_span("short life").finish())
            .join()
            .unwrap();
    }
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(memory.len(), 200);
    let stats = tracer.stats();
    assert_eq!((stats.started, stats.finished, stats.queued), (200, 200, 0));
}

#[test]
fn memory_of_ended_threads_is_used_again() {
    let memory = MemoryReporter::new();
    // Room for few rings: if those of ended threads were kept, later ones would share the overflow queue and lose.
    let tracer = Tracer::builder("life")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .queue_bytes(4 << 20)
        .build()
        .unwrap();
    for _ in 0..50 {
        thread::scope(|scope| {
            scope.spawn(|| (0..1_500).for_each(|_| tracer.start_active_span("span").finish()));
        });
        tracer.flush(PATIENCE).unwrap();
    }
    assert_eq!(memory.len(), 75_000);
}
