//! The reporter thread's end of the way from a thread: lines become spans again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtrb::Consumer;

use crate::details::{Limits, Spares};
use crate::record::SpanRecord;
use crate::report::blocks;
use crate::report::lane::Reader;
use crate::report::line::{Mark, More, Trace};
use crate::report::ring::block_len;

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
    extras: Consumer<More>,
    blocks: blocks::Reader,
    boxes_drained: Arc<AtomicUsize>,
}

/// Where lines become spans: one for all rings. Its records are written again for each batch, field by field, as those of a
/// [stack](crate::stack) are for each span.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Those beyond `len` own nothing.
    slots: Vec<SpanRecord>,
    len: usize,
    /// Whether one of them may own something.
    is_owning: bool,
    spares: Spares,
}

impl Drain {
    pub(super) fn new(
        tracer: u32,
        lane: Reader,
        extras: Consumer<More>,
        blocks: blocks::Reader,
        boxes_drained: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            tracer,
            lane,
            trace: Trace::NONE,
            extras,
            blocks,
            boxes_drained,
        }
    }

    /// Hands what is queued to `report`.
    pub(crate) fn drain(&mut self, batch: &mut Batch, mut report: impl FnMut(&[SpanRecord])) {
        // What comes meanwhile waits for the next round: one thread must not keep the others waiting.
        let mut left = self.lane.len();
        while left > 0 {
            let read = left.min(BATCH_LINES);
            self.read(read, batch);
            left -= read;
            report(batch.spans());
            let freed = batch.clear();
            if freed > 0 {
                self.boxes_drained.fetch_add(freed, Ordering::Relaxed);
            }
        }
    }

    /// Makes spans of so many lines, which must be there.
    fn read(&mut self, lines: usize, batch: &mut Batch) {
        let Self {
            trace,
            extras,
            blocks,
            ..
        } = self;
        let mut slots = batch.slots.iter_mut();
        self.lane.pop(lines, |line| {
            let Some(record) = slots.next() else {
                return;
            };
            batch.len += 1;
            let mark = line.mark();
            if mark.has(Mark::TRACE) {
                *trace = line.trace();
            }
            line.read(*trace, self.tracer, record);
            if mark.has(Mark::MORE) {
                batch.is_owning = true;
                take_more(extras, record);
            }
            if mark.has(Mark::BLOCK) {
                batch.is_owning = true;
                take_block(blocks, &mut batch.spares, record);
            }
        });
        blocks.give_back();
    }

    /// Whether its thread has ended and nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.lane.is_done()
    }
}

/// Gives a span what few have. Apart, as the next: the way of most spans is to be short.
#[inline(never)]
fn take_more(extras: &mut Consumer<More>, record: &mut SpanRecord) {
    if let Ok(more) = extras.pop() {
        more.give_to(record);
    }
}

#[inline(never)]
fn take_block(blocks: &mut blocks::Reader, spares: &mut Spares, record: &mut SpanRecord) {
    let mut details = spares.take();
    details.load(std::iter::repeat_with(|| blocks.next()));
    record.details = Some(details);
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![SpanRecord::empty(); BATCH_LINES],
            len: 0,
            is_owning: false,
            spares: Spares::new(BATCH_LINES, Limits::default()),
        }
    }

    fn spans(&self) -> &[SpanRecord] {
        self.slots.get(..self.len).unwrap_or_default()
    }

    /// Empties it. How many bytes the boxes of other threads had.
    fn clear(&mut self) -> usize {
        let filled = std::mem::take(&mut self.len);
        if !std::mem::take(&mut self.is_owning) {
            return 0;
        }
        let mut freed = 0;
        for record in self.slots.iter_mut().take(filled) {
            record.context.carried = None;
            if let Some(details) = record.details.take() {
                match block_len(&details) {
                    Some(_) => self.spares.give(details),
                    None => freed += details.footprint(),
                }
            }
        }
        freed
    }
}
