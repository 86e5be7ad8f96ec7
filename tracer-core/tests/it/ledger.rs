//! Every span is somewhere: reported, waiting, or counted as lost.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tracer_core::{MemoryReporter, Process, ReportError, Reporter, Sampler, SpanRecord, Tracer};

use crate::{PATIENCE, assert_ledger, wait_until};

/// Takes a batch only when it is let to.
struct Gate {
    entered: Sender<usize>,
    open: Receiver<()>,
}

impl Reporter for Gate {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        self.entered.send(batch.len()).unwrap();
        // An error means that the test is over.
        let _ = self.open.recv();
        Ok(())
    }
}

fn build(reporter: impl Reporter) -> Tracer {
    Tracer::builder("ledger")
        .sampler(Sampler::constant(true))
        .reporter(reporter)
        .build()
        .unwrap()
}

#[test]
fn full_ring_drops_and_counts_without_blocking() {
    let (entered, has_entered) = channel();
    let (opener, open) = channel();
    let tracer = build(Gate { entered, open });
    tracer.start_span("first").finish();
    has_entered.recv_timeout(PATIENCE).unwrap();
    for _ in 0..10_000 {
        tracer
            .start_active_span("while the reporter is stuck")
            .set_tag("k", "v");
    }
    let stats = tracer.stats();
    assert_eq!(
        (stats.started, stats.finished, stats.open()),
        (10_001, 10_001, 0)
    );
    assert!(stats.queue_full > 5_000, "{stats:?}");
    assert_ledger(&stats);
    drop(opener);
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_ledger(&stats);
    assert_eq!(stats.queued, 0);
    assert_eq!(stats.reporters[0].reported + stats.queue_full, 10_001);
    let before = stats.reporters[0].reported;
    tracer.start_span("recovered").finish();
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(tracer.stats().reporters[0].reported, before + 1);
}

#[test]
fn many_threads_lose_nothing_when_there_is_room() {
    let memory = MemoryReporter::new();
    let tracer = build(memory.clone());
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let _outer = tracer.start_active_span("outer");
                    tracer.start_active_span("inner").log([("event", "x")]);
                }
            });
        }
    });
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_ledger(&stats);
    assert_eq!(
        (stats.finished, stats.queue_full, stats.queued),
        (16_000, 0, 0)
    );
    assert_eq!(memory.len(), 16_000);
}

#[test]
fn threads_beyond_the_memory_cap_share_a_queue() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("ledger")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .queue_bytes(0)
        .build()
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    tracer.start_active_span("span").set_tag("k", "v");
                }
            });
        }
    });
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_ledger(&stats);
    assert_eq!(
        (stats.started, stats.finished, stats.queued),
        (32_000, 32_000, 0)
    );
    assert_eq!(memory.len() as u64 + stats.queue_full, 32_000);
    assert!(memory.len() >= 4_096, "{stats:?}");
}

#[test]
fn large_details_are_bounded_by_bytes() {
    let (entered, has_entered) = channel();
    let (opener, open) = channel();
    let tracer = build(Gate { entered, open });
    tracer.start_span("first").finish();
    has_entered.recv_timeout(PATIENCE).unwrap();
    let value = "x".repeat(4_000);
    for _ in 0..2_000 {
        let mut span = tracer.start_span("large");
        for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            span.set_tag(key, &value);
        }
    }
    let stats = tracer.stats();
    // 40 kB each: a ring of 1 MB holds few of them.
    assert!(stats.queue_full > 1_900, "{stats:?}");
    assert_ledger(&stats);
    drop(opener);
    tracer.flush(PATIENCE).unwrap();
    assert_ledger(&tracer.stats());
    for _ in 0..20 {
        tracer.start_span("large again").set_tag("k", &value);
    }
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(
        tracer.stats().queue_full,
        stats.queue_full,
        "there is room again"
    );
}

#[test]
fn spans_after_shutdown_are_counted() {
    let memory = MemoryReporter::new();
    let tracer = build(memory.clone());
    let open = tracer.start_span("open");
    tracer.start_span("before").finish();
    tracer.shutdown(PATIENCE).unwrap();
    open.finish();
    tracer.start_active_span("after").set_tag("k", "v");
    let stats = tracer.stats();
    assert_ledger(&stats);
    assert_eq!(
        (
            stats.started,
            stats.finished,
            stats.after_shutdown,
            stats.queued
        ),
        (3, 3, 2, 0)
    );
    assert_eq!(memory.take()[0].operation_name(), "before");
}

#[test]
fn ledger_is_exact_when_the_tracer_shuts_down_under_load() {
    for _ in 0..20 {
        let memory = MemoryReporter::new();
        let tracer = build(memory.clone());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while tracer.stats().after_shutdown < 100 {
                        for _ in 0..50 {
                            tracer.start_active_span("span").finish();
                        }
                    }
                });
            }
            wait_until("spans arrive", || memory.len() > 100);
            tracer.shutdown(PATIENCE).unwrap();
        });
        let stats = tracer.stats();
        assert_ledger(&stats);
        assert_eq!(stats.open(), 0);
        assert_eq!(stats.reporters[0].reported, memory.len() as u64);
        assert_eq!(
            stats.queued, 0,
            "what nobody will fetch is counted as lost: {stats:?}"
        );
    }
}

#[test]
fn stats_are_sound_at_any_time() {
    let tracer = build(MemoryReporter::with_capacity(usize::MAX));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..5_000 {
                        tracer.start_active_span("span").finish();
                    }
                })
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            let stats = tracer.stats();
            assert_ledger(&stats);
        }
    });
    tracer.flush(PATIENCE).unwrap();
    assert_ledger(&tracer.stats());
}
