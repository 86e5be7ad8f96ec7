//! A ring of [lines](crate::report::line) that one thread writes and another reads.
//!
//! The words of a line are atomics, so this needs no `unsafe`: stored and loaded as others are, they cost nothing more. The
//! writer stores a line and then moves the tail behind it; the reader, who sees the tail there, sees the line, and moves
//! the head behind what it has read. Each looks at the other's end only when it knows of nothing more to do.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::counts::ThreadCounts;
use crate::report::line::Line;
use crate::sync::{AtomicBool, AtomicU64};

/// Lines of a lane, each of which is a span.
pub(super) const LINES: usize = if cfg!(loom) { 8 } else { 4096 };
/// Lines that wait when a writer wakes the reader rather than have it come in its own time.
const WAKE: u64 = LINES as u64 / 2;

/// What the reader stores, and what is stored once. What the writer stores is in its [counters](ThreadCounts::lines).
#[derive(Debug, Default)]
#[repr(align(128))]
struct Head {
    /// Lines read since the beginning.
    read: AtomicU64,
    /// The writer is gone.
    ended: AtomicBool,
}

/// The end that lines go in.
#[derive(Debug)]
pub(super) struct Writer {
    lines: Arc<[Line; LINES]>,
    counts: Arc<ThreadCounts>,
    head: Arc<Head>,
    /// How many lines may be written until the writer must look at the other end.
    limit: u64,
}

/// Room for the line of that number, which is the next.
pub(crate) struct Room(u64);

/// The end that lines come out.
#[derive(Debug)]
pub(super) struct Reader {
    lines: Arc<[Line; LINES]>,
    counts: Arc<ThreadCounts>,
    head: Arc<Head>,
    read: u64,
}

/// The two ends of the lane of a thread with those counters. `None` never happens.
pub(super) fn lane(counts: &Arc<ThreadCounts>) -> Option<(Writer, Reader)> {
    // By way of a slice: an array would be made on the stack first.
    let lines: Arc<[Line]> = (0..LINES).map(|_| Line::new()).collect();
    let lines: Arc<[Line; LINES]> = lines.try_into().ok()?;
    let head = Arc::new(Head::default());
    let writer = Writer {
        lines: Arc::clone(&lines),
        counts: Arc::clone(counts),
        head: Arc::clone(&head),
        limit: WAKE,
    };
    let reader = Reader {
        lines,
        counts: Arc::clone(counts),
        head,
        read: 0,
    };
    Some((writer, reader))
}

#[inline]
fn line(lines: &[Line; LINES], number: u64) -> &Line {
    &lines[number as usize % LINES]
}

impl Writer {
    /// Room for a line, if that takes no looking at the other end.
    #[inline]
    pub(super) fn room_at_hand(&self) -> Option<Room> {
        let written = self.counts.lines.own();
        (written != self.limit).then_some(Room(written))
    }

    /// Room for a line. Calls `wake` when there are many that wait.
    #[inline]
    pub(super) fn room(&mut self, wake: impl FnOnce()) -> Option<Room> {
        self.room_at_hand().or_else(|| self.look(wake))
    }

    #[cold]
    fn look(&mut self, wake: impl FnOnce()) -> Option<Room> {
        let (written, read) = (self.counts.lines.own(), self.head.read.load(Acquire));
        match written - read {
            waiting if waiting < WAKE => self.limit = read + WAKE,
            // The reader was woken before it came to this.
            waiting if waiting == LINES as u64 => return None,
            _ => {
                self.limit = read + LINES as u64;
                wake();
            }
        }
        Some(Room(written))
    }

    /// Has `write` fill the next line.
    #[inline]
    pub(super) fn push(&mut self, Room(written): Room, write: impl FnOnce(&Line)) {
        write(line(&self.lines, written));
        self.counts.lines.set(written + 1);
    }

    /// The same for the line of a span that had a record.
    #[inline]
    pub(super) fn push_record(&mut self, room: Room, write: impl FnOnce(&Line)) {
        self.counts.records.add(1);
        self.push(room, write);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.head.ended.store(true, Release);
    }
}

impl Reader {
    /// How many lines wait.
    pub(super) fn len(&self) -> usize {
        (self.counts.lines.get() - self.read) as usize
    }

    /// Has `read` read so many lines, which must [wait](Self::len), and gives their room back.
    pub(super) fn pop(&mut self, count: usize, mut read: impl FnMut(&Line)) {
        let end = self.read + count as u64;
        for number in self.read..end {
            read(line(&self.lines, number));
        }
        self.read = end;
        self.head.read.store(end, Release);
    }

    /// Whether nothing waits, nor will.
    pub(super) fn is_done(&self) -> bool {
        // In this order: the last line was there before the end.
        self.head.ended.load(Acquire) && self.len() == 0
    }
}
