//! The hand-over under a model checker, which tries every order in which threads may meet: that of the lines of rings, of
//! the details ahead of them, and of their registry, the wake-up, the flush, the end of threads, the queue of threads without
//! a ring and the counters. What goes ahead of lines and is no details goes by another crate: to the checker each of its
//! operations is one step.
//!
//! Run by `ci/all loom`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::blocks::{self, blocks};
use super::lane::{Reader, Writer, lane};
use super::line::{Mark, Trace};
use super::queue::Hub;
use super::ring::{Handed, RING_BYTES, Ring};
use super::worker::Worker;
use super::{ReportError, Reporter};
use crate::clock::Instant;
use crate::counts::ThreadCounts;
use crate::details::{Limits, PIECE};
use crate::process::Process;
use crate::record::SpanRecord;
use crate::room::Room;
use crate::sync::{self, AtomicBool};
use crate::wire::sample::{process, span};

/// Longer than a model: time does not pass there.
const DAY: Duration = Duration::from_secs(86_400);

/// Tries all orders in which a thread is interrupted at most twice: with more, the larger models take hours.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(run);
}

/// Spans that arrived.
#[derive(Clone)]
struct Arrived(Arc<(Mutex<usize>, Condvar)>);

impl Arrived {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(0), Condvar::new())))
    }

    fn count(&self) -> usize {
        *self.0.0.lock().unwrap()
    }

    /// Waits without asking for a flush: the threads' own wake-ups must do.
    fn wait_for(&self, spans: usize) {
        let (count, changed) = &*self.0;
        let mut count = count.lock().unwrap();
        while *count < spans {
            count = changed.wait(count).unwrap();
        }
    }
}

impl Reporter for Arrived {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        *self.0.0.lock().unwrap() += batch.len();
        self.0.1.notify_one();
        Ok(())
    }

    /// As a reporter does that waits by parking.
    fn flush(&mut self) -> Result<(), ReportError> {
        sync::take_wake_up();
        Ok(())
    }
}

/// A hub at work, whose rings may take so many bytes.
fn open(memory: usize) -> (Arc<Hub>, Arrived) {
    let hub = Arc::new(Hub::new(Limits::default(), memory, Room::new(0, 0)));
    let arrived = Arrived::new();
    let reporters: Vec<Box<dyn Reporter>> = vec![Box::new(arrived.clone())];
    Worker::start(&hub, process("model"), reporters, DAY).unwrap();
    (hub, arrived)
}

/// A thread as the tracer knows it.
struct Part {
    hub: Arc<Hub>,
    ring: Option<Ring>,
    counts: Arc<ThreadCounts>,
}

impl Part {
    fn attach(hub: &Arc<Hub>) -> Self {
        let (ring, counts) = hub.attach(1);
        Self {
            hub: Arc::clone(hub),
            ring,
            counts,
        }
    }

    fn finish(&mut self, id: u64) -> Handed {
        self.counts.started.add(1);
        let mut record = SpanRecord {
            details: None,
            ..span(id, 0)
        };
        let handed = match &mut self.ring {
            Some(ring) => ring.hand_over(&mut record, Instant::ZERO, &self.hub),
            None => self.hub.hand_over(record),
        };
        if self.ring.is_none() || handed != Handed::Queued {
            self.counts.lineless.add(1);
        }
        match handed {
            Handed::Queued => {}
            Handed::Full => self.counts.queue_full.add(1),
            Handed::Closed => self.counts.after_shutdown.add(1),
        }
        handed
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.hub.detach(&self.counts);
    }
}

fn end(hub: &Hub) {
    hub.close();
    hub.wait_end(DAY).unwrap();
}

#[test]
fn flush_is_answered_after_all_that_was_handed_over_before_it() {
    model(|| {
        let (hub, arrived) = open(RING_BYTES);
        let other = Arc::clone(&hub);
        let other = thread::spawn(move || {
            let handed = Part::attach(&other).finish(1);
            assert_eq!(handed, Handed::Queued);
        });
        other.join().unwrap();
        hub.flush(DAY).unwrap();
        assert_eq!(arrived.count(), 1);
        assert_eq!(hub.account.read().drained, 1);
        end(&hub);
    });
}

#[test]
fn every_flush_is_answered() {
    model(|| {
        let (hub, _) = open(0);
        let other = Arc::clone(&hub);
        let other = thread::spawn(move || other.flush(DAY).is_ok());
        assert!(hub.flush(DAY).is_ok());
        assert!(other.join().unwrap());
        end(&hub);
    });
}

#[test]
fn ring_of_a_thread_that_ended_is_emptied_and_its_memory_given_back() {
    model(|| {
        let (hub, arrived) = open(RING_BYTES);
        let other = Arc::clone(&hub);
        let other = thread::spawn(move || {
            Part::attach(&other).finish(1);
        });
        hub.flush(DAY).unwrap();
        other.join().unwrap();
        hub.flush(DAY).unwrap();
        assert_eq!(arrived.count(), 1);
        assert!(Part::attach(&hub).ring.is_some(), "there is room again");
        end(&hub);
    });
}

/// A lane of eight, whose reader has left one line, so that the next two bring the writer to lines that were read before.
#[test]
fn lines_are_read_as_they_were_written() {
    fn push(writer: &mut Writer, id: u64) -> bool {
        let mut record = span(id, 0);
        record.context.parent_id = id.into();
        let Some(room) = writer.room(|| ()) else {
            return false;
        };
        writer.push(room, |line| line.write(Mark::NONE, &record, Instant::ZERO));
        true
    }
    fn pop(reader: &mut Reader, count: usize, read: &mut Vec<u64>) {
        reader.pop(count, |line| {
            let mut span = SpanRecord::empty();
            line.read(Trace::NONE, 1, &mut span);
            assert_eq!(span.span_id(), span.parent_id(), "a line half written");
            read.push(span.span_id().into());
        });
    }
    model(|| {
        let (mut writer, mut reader) = lane(&Arc::default()).unwrap();
        let mut read = Vec::new();
        assert!((0..7).all(|id| push(&mut writer, id)));
        pop(&mut reader, 6, &mut read);
        let other = thread::spawn(move || {
            for _ in 0..2 {
                let waiting = reader.len();
                pop(&mut reader, waiting, &mut read);
            }
            (reader, read)
        });
        let written: Vec<_> = (7..11).filter(|id| push(&mut writer, *id)).collect();
        let (mut reader, mut read) = other.join().unwrap();
        let waiting = reader.len();
        pop(&mut reader, waiting, &mut read);
        assert_eq!(read, (0..7).chain(written).collect::<Vec<_>>());
    });
}

/// Room for eight pieces, of which the reader has left some, so that the next come to those that were read before.
#[test]
fn details_are_read_as_they_were_written() {
    const EACH: usize = 3;
    struct Ends<B, L>(B, L);
    fn push(Ends(blocks, lines): &mut Ends<blocks::Writer, Writer>, id: u8) -> bool {
        let Some(room) = lines.room(|| ()).filter(|_| blocks.has_room(EACH, || ())) else {
            return false;
        };
        blocks.push(&[[id; PIECE]; EACH]);
        lines.push(room, |line| {
            line.write(Mark::NONE, &span(id.into(), 0), Instant::ZERO);
        });
        true
    }
    fn pop(Ends(blocks, lines): &mut Ends<blocks::Reader, Reader>, read: &mut Vec<u8>) {
        let waiting = lines.len();
        lines.pop(waiting, |line| {
            let mut span = SpanRecord::empty();
            line.read(Trace::NONE, 1, &mut span);
            let id = u64::from(span.span_id()) as u8;
            for _ in 0..EACH {
                assert_eq!(blocks.next(), [id; PIECE], "a piece of another span");
            }
            read.push(id);
        });
        blocks.give_back();
    }
    model(|| {
        let (blocks_in, blocks_out) = blocks().unwrap();
        let (lines_in, lines_out) = lane(&Arc::default()).unwrap();
        let (mut writer, mut reader) = (Ends(blocks_in, lines_in), Ends(blocks_out, lines_out));
        let mut read = Vec::new();
        assert!(push(&mut writer, 1));
        pop(&mut reader, &mut read);
        assert!(push(&mut writer, 2));
        let other = thread::spawn(move || {
            pop(&mut reader, &mut read);
            (reader, read)
        });
        let written: Vec<_> = (3..6).filter(|id| push(&mut writer, *id)).collect();
        let (mut reader, mut read) = other.join().unwrap();
        pop(&mut reader, &mut read);
        assert_eq!(read, [1, 2].into_iter().chain(written).collect::<Vec<_>>());
    });
}

#[test]
fn ring_that_is_half_full_wakes_the_reporter_thread() {
    model(|| {
        let (hub, arrived) = open(RING_BYTES);
        let mut part = Part::attach(&hub);
        // A ring of eight and one more: whatever the thread reads by itself when it starts, one of these finds four that wait.
        for id in 1..=9 {
            assert_ne!(part.finish(id), Handed::Closed);
        }
        arrived.wait_for(4);
        end(&hub);
    });
}

#[test]
fn overflow_takes_what_fits_and_counts_the_rest() {
    model(|| {
        let (hub, arrived) = open(0);
        let other = Arc::clone(&hub);
        let other = thread::spawn(move || {
            let mut part = Part::attach(&other);
            (0..3).filter(|_| part.finish(1) == Handed::Queued).count()
        });
        let mut part = Part::attach(&hub);
        assert!(part.ring.is_none());
        let own = (0..2).filter(|_| part.finish(2) == Handed::Queued).count();
        let queued = own + other.join().unwrap();
        hub.flush(DAY).unwrap();
        assert_eq!(arrived.count(), queued);
        assert!(queued >= 4, "as many as fit without the reporter thread");
        let totals = hub.totals();
        assert_eq!(totals.finished, 5);
        assert_eq!(totals.queue_full as usize, 5 - queued);
        assert_eq!(totals.queued(queued as u64), 0);
        end(&hub);
    });
}

#[test]
fn first_span_of_the_overflow_wakes_the_reporter_thread() {
    model(|| {
        let (hub, arrived) = open(0);
        assert_eq!(Part::attach(&hub).finish(1), Handed::Queued);
        arrived.wait_for(1);
        end(&hub);
    });
}

#[test]
fn shutdown_ends_and_leaves_no_flush_waiting() {
    model(|| {
        let (hub, arrived) = open(RING_BYTES);
        let other = Arc::clone(&hub);
        let other = thread::spawn(move || {
            let handed = Part::attach(&other).finish(1);
            let _ = other.flush(DAY);
            handed
        });
        end(&hub);
        let handed = other.join().unwrap();
        assert!(hub.flush(DAY).is_err(), "nobody is left to answer");
        let (drained, totals) = (hub.account.read().drained, hub.totals());
        assert_eq!(drained as usize, arrived.count());
        match handed {
            Handed::Queued => assert_eq!(totals.queued(drained), 1 - drained, "sent or stranded"),
            Handed::Closed => assert_eq!((totals.after_shutdown, drained), (1, 0)),
            Handed::Full => panic!("the ring was empty"),
        }
    });
}

#[test]
fn totals_see_no_span_later_on_its_way_than_it_was_counted() {
    model(|| {
        let hub = Arc::new(Hub::new(Limits::default(), 0, Room::new(0, 0)));
        let ended = Arc::new(AtomicBool::new(false));
        let (other, is_over) = (Arc::clone(&hub), Arc::clone(&ended));
        let other = thread::spawn(move || {
            let (_, counts) = other.attach(1);
            counts.started.add(1);
            counts.records.add(1);
            counts.lines.add(1);
            // Of a note.
            counts.lines.add(1);
            counts.started.add(1);
            counts.lineless.add(1);
            counts.withdrawn.add(1);
            other.detach(&counts);
            is_over.store(true, Ordering::Release);
        });
        let was_over = ended.load(Ordering::Acquire);
        let totals = hub.totals();
        assert!(totals.started >= totals.finished && totals.finished >= totals.withdrawn);
        assert!(totals.started <= 3, "{totals:?}");
        assert!(!was_over || totals.withdrawn == 1);
        other.join().unwrap();
        let totals = hub.totals();
        assert_eq!(
            (totals.started, totals.finished, totals.withdrawn),
            (3, 3, 1),
            "once"
        );
    });
}
