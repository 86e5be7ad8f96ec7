//! The reporter thread's end of the way from a thread: lines become spans again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtrb::Consumer;

use crate::details::{Limits, Spares};
use crate::name::Name;
use crate::record::SpanRecord;
use crate::report::lane::Reader;
use crate::report::line::{Mark, More, Trace};
use crate::report::ring::{Extra, Names, block_len};

/// Lines that are read at once. What is made of them then stays in the cache, and their thread gets the room for them
/// before the next are read.
const BATCH_LINES: usize = 256;

/// The reporter thread's end.
#[derive(Debug)]
pub(crate) struct Drain {
    tracer: u32,
    lane: Reader,
    /// The trace of the last span.
    trace: Trace,
    names: Box<Names>,
    extras: Consumer<Extra>,
    blocks: Consumer<u8>,
    boxes_drained: Arc<AtomicUsize>,
}

/// Where lines become spans: one for all rings.
#[derive(Debug)]
pub(crate) struct Batch {
    spans: Vec<SpanRecord>,
    spares: Spares,
}

impl Drain {
    pub(super) fn new(
        tracer: u32,
        lane: Reader,
        extras: Consumer<Extra>,
        blocks: Consumer<u8>,
        boxes_drained: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            tracer,
            lane,
            trace: Trace::NONE,
            names: Box::new([Name::NONE; 256]),
            extras,
            blocks,
            boxes_drained,
        }
    }

    /// Hands what is queued to `report`. How many spans it was.
    pub(crate) fn drain(
        &mut self,
        batch: &mut Batch,
        mut report: impl FnMut(&[SpanRecord]),
    ) -> usize {
        // What comes meanwhile waits for the next round: one thread must not keep the others waiting.
        let count = self.lane.len();
        let mut left = count;
        while left > 0 {
            let read = left.min(BATCH_LINES);
            self.read(read, batch);
            left -= read;
            report(&batch.spans);
            let freed = batch.clear();
            if freed > 0 {
                self.boxes_drained.fetch_add(freed, Ordering::Relaxed);
            }
        }
        count
    }

    /// Makes spans of so many lines, which must be there.
    fn read(&mut self, lines: usize, batch: &mut Batch) {
        // The bytes of a span were there before its line.
        let Ok(blocks) = self.blocks.read_chunk(self.blocks.slots()) else {
            return;
        };
        let (mut first, mut second) = blocks.as_slices();
        let bytes = blocks.len();
        let (extras, names, trace) = (&mut self.extras, &mut self.names, &mut self.trace);
        self.lane.pop(lines, |line| {
            let mark = line.mark();
            if mark.has(Mark::TRACE) {
                *trace = line.trace();
            }
            let mut more = More::default();
            if mark.has(Mark::MORE)
                && let Ok(Extra::More(sent)) = extras.pop()
            {
                more = sent;
            }
            let name = &mut names[usize::from(mark.name())];
            if mark.has(Mark::NAME)
                && let Ok(Extra::Name(sent)) = extras.pop()
            {
                *name = sent;
            }
            let mut record = line.read(*trace, self.tracer, *name, more);
            if mark.has(Mark::BLOCK) {
                let mut details = batch.spares.take(Limits::default());
                let used = details.load(first, second);
                let of_first = used.min(first.len());
                first = first.get(of_first..).unwrap_or_default();
                second = second.get(used - of_first..).unwrap_or_default();
                record.details = Some(details);
            }
            batch.spans.push(record);
        });
        let used = bytes - first.len() - second.len();
        blocks.commit(used);
    }

    /// Whether its thread has ended and nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.lane.is_done()
    }
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            spans: Vec::with_capacity(BATCH_LINES),
            spares: Spares::new(BATCH_LINES),
        }
    }

    /// Empties it. How many bytes the boxes of other threads had.
    fn clear(&mut self) -> usize {
        let mut freed = 0;
        for record in &mut self.spans {
            if let Some(details) = record.details.take() {
                match block_len(&details) {
                    Some(_) => self.spares.give(details),
                    None => freed += details.footprint(),
                }
            }
        }
        self.spans.clear();
        freed
    }
}
