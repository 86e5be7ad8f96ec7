//! Reporters that fail, and several at once.

use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tracer_core::{
    LossCause, MemoryReporter, Process, ReportError, Reporter, Sampler, SpanRecord, Tracer,
};

use crate::{PATIENCE, assert_ledger};

fn build(reporter: impl Reporter) -> Tracer {
    Tracer::builder("failing")
        .sampler(Sampler::constant(true))
        .reporter(reporter)
        .build()
        .unwrap()
}

fn report_one(tracer: &Tracer) {
    tracer.start_span("span").finish();
    tracer.flush(PATIENCE).unwrap();
}

/// How many spans were lost to I/O, to a refusal and for their size, and how many were reported.
fn fates(tracer: &Tracer) -> (u64, u64, u64, u64) {
    let stats = tracer.stats();
    assert_ledger(&stats);
    let of = stats.reporters[0];
    (of.io, of.refused, of.too_large, of.reported)
}

/// Does what its closure does at each report.
struct Scripted<F>(F);

impl<F: FnMut(usize) -> Result<(), ReportError> + Send + 'static> Reporter for Scripted<F> {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        (self.0)(batch.len())
    }
}

#[test]
fn errors_are_counted_by_cause_and_the_next_batch_is_tried() {
    let mut calls = 0;
    let tracer = build(Scripted(move |spans| {
        calls += 1;
        match calls {
            1 => Err(ReportError::io(spans, "the cable is out")),
            2 => Err(ReportError::new(spans, LossCause::Refused, "go away")),
            3 => Err(ReportError::new(spans, LossCause::TooLarge, "too large")),
            _ => Ok(()),
        }
    }));
    for _ in 0..5 {
        report_one(&tracer);
    }
    assert_eq!(fates(&tracer), (1, 1, 1, 2));
}

#[test]
fn one_error_may_have_several_causes() {
    let tracer = build(Scripted(|spans| {
        assert_eq!(spans, 4);
        Err(ReportError::io(1, "mixed").and(2, LossCause::TooLarge))
    }));
    tracer.start_span("a").finish();
    tracer.start_span("b").finish();
    tracer.start_span("c").finish();
    report_one(&tracer);
    assert_eq!(fates(&tracer), (1, 0, 2, 1));
}

/// Panics when it is dropped, as what a panic is thrown with may.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("dropped"));
    }
}

#[test]
fn panicking_reporter_costs_its_batch_and_no_more() {
    let mut calls = 0;
    let tracer = build(Scripted(move |_| {
        calls += 1;
        match calls {
            1 => std::panic::resume_unwind(Box::new("quietly")),
            2 => std::panic::resume_unwind(Box::new(Bomb)),
            _ => Ok(()),
        }
    }));
    for _ in 0..4 {
        report_one(&tracer);
    }
    let stats = tracer.stats();
    assert_eq!((stats.reporters[0].io, stats.reporters[0].reported), (2, 2));
    assert_ledger(&stats);
    let _: fn(Bomb) -> _ = |bomb| -> () { panic_any(bomb) };
}

#[test]
fn every_reporter_gets_every_span_whatever_the_others_do() {
    let (first, last) = (MemoryReporter::new(), MemoryReporter::new());
    let tracer = Tracer::builder("several")
        .sampler(Sampler::constant(true))
        .reporter(first.clone())
        .reporter(Scripted(|_| std::panic::resume_unwind(Box::new("quietly"))))
        .reporter(Scripted(|spans| Err(ReportError::io(spans, "no"))))
        .reporter(last.clone())
        .build()
        .unwrap();
    for _ in 0..3 {
        report_one(&tracer);
    }
    assert_eq!((first.len(), last.len()), (3, 3));
    let stats = tracer.stats();
    assert_ledger(&stats);
    let reported: Vec<_> = stats
        .reporters
        .iter()
        .map(|reporter| reporter.reported)
        .collect();
    assert_eq!(reported, [3, 0, 0, 3]);
    assert_eq!(stats.lost(), 6);
}

#[test]
fn reporter_that_counts_wrong_breaks_nothing() {
    let tracer = build(Scripted(|_| {
        Err(ReportError::io(usize::MAX / 2, "everything and more"))
    }));
    for _ in 0..3 {
        report_one(&tracer);
    }
    assert_eq!(tracer.stats().finished, 3);
}

#[test]
fn flush_calls_the_reporter_and_tells_it_the_losses() {
    #[derive(Clone, Default)]
    struct Hears(Arc<Mutex<Vec<&'static str>>>);
    impl Reporter for Hears {
        fn report(&mut self, _: &Process, _: &[SpanRecord]) -> Result<(), ReportError> {
            self.0.lock().unwrap().push("report");
            Ok(())
        }
        fn flush(&mut self) -> Result<(), ReportError> {
            self.0.lock().unwrap().push("flush");
            Ok(())
        }
        fn losses(&mut self, losses: tracer_core::Losses) {
            assert_eq!(losses, tracer_core::Losses::default());
            self.0.lock().unwrap().push("losses");
        }
    }
    let hears = Hears::default();
    let tracer = build(hears.clone());
    report_one(&tracer);
    let heard = hears.0.lock().unwrap().clone();
    assert!(heard.ends_with(&["report", "losses", "flush"]), "{heard:?}");
}

/// Takes its time when it is dropped, and then panics.
struct Leaving(Arc<AtomicUsize>);

impl Reporter for Leaving {
    fn report(&mut self, _: &Process, _: &[SpanRecord]) -> Result<(), ReportError> {
        Ok(())
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        thread::sleep(Duration::from_millis(50));
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("on purpose");
    }
}

#[test]
fn a_shutdown_waits_for_what_reporters_do_when_they_are_dropped() {
    let left = Arc::<AtomicUsize>::default();
    let tracer = Tracer::builder("leaving")
        .sampler(Sampler::constant(true))
        .reporter(Leaving(Arc::clone(&left)))
        .reporter(Leaving(Arc::clone(&left)))
        .build()
        .unwrap();
    report_one(&tracer);
    tracer.shutdown(PATIENCE).unwrap();
    assert_eq!(left.load(Ordering::SeqCst), 2);
}
