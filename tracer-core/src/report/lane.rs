//! A ring of [lines](crate::report::line) that one thread writes and another reads.
//!
//! The words of a line are atomics, so this needs no `unsafe`: stored and loaded as others are, they cost nothing more. The
//! writer stores a line and then moves the tail behind it; the reader, who sees the tail there, sees the line, and moves
//! the head behind what it has read. Each looks at the other's end only when it knows of nothing more to do.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::report::line::Line;
use crate::sync::{AtomicBool, AtomicU64};

/// Lines of a lane, each of which is a span.
pub(super) const LINES: usize = if cfg!(loom) { 8 } else { 4096 };
/// Lines that wait when a writer wakes the reader rather than have it come in its own time.
const WAKE: u64 = LINES as u64 / 2;

/// How far writer and reader are: lines written and read since the beginning.
#[derive(Debug)]
struct Ends {
    tail: Tail,
    head: Head,
}

/// What the writer stores, on a cache line of its own, or two where they are fetched in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Tail {
    written: AtomicU64,
    /// The writer is gone.
    ended: AtomicBool,
}

#[derive(Debug)]
#[repr(align(128))]
struct Head {
    read: AtomicU64,
}

/// The end that lines go in.
#[derive(Debug)]
pub(super) struct Writer {
    lines: Arc<[Line; LINES]>,
    ends: Arc<Ends>,
    written: u64,
    /// How many lines may be written until the writer must look at the other end.
    limit: u64,
}

/// The end that lines come out.
#[derive(Debug)]
pub(super) struct Reader {
    lines: Arc<[Line; LINES]>,
    ends: Arc<Ends>,
    read: u64,
}

/// A lane's two ends. `None` never happens.
pub(super) fn lane() -> Option<(Writer, Reader)> {
    // By way of a slice: an array would be made on the stack first.
    let lines: Arc<[Line]> = (0..LINES).map(|_| Line::new()).collect();
    let lines: Arc<[Line; LINES]> = lines.try_into().ok()?;
    let ends = Arc::new(Ends {
        tail: Tail {
            written: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        },
        head: Head {
            read: AtomicU64::new(0),
        },
    });
    let writer = Writer {
        lines: Arc::clone(&lines),
        ends: Arc::clone(&ends),
        written: 0,
        limit: WAKE,
    };
    let read = 0;
    Some((writer, Reader { lines, ends, read }))
}

#[inline]
fn line(lines: &[Line; LINES], number: u64) -> &Line {
    &lines[number as usize % LINES]
}

impl Writer {
    /// Whether there is room for a line, which takes no looking at the other end.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        self.written != self.limit
    }

    /// Whether there is room for a line. Calls `wake` when there are many that wait.
    #[inline]
    pub(super) fn has_room(&mut self, wake: impl FnOnce()) -> bool {
        self.is_ready() || self.look(wake)
    }

    #[cold]
    fn look(&mut self, wake: impl FnOnce()) -> bool {
        let read = self.ends.head.read.load(Acquire);
        match self.written - read {
            waiting if waiting < WAKE => self.limit = read + WAKE,
            // The reader was woken before it came to this.
            waiting if waiting == LINES as u64 => return false,
            _ => {
                self.limit = read + LINES as u64;
                wake();
            }
        }
        true
    }

    /// Has `write` fill the next line, for which there must be [room](Self::has_room).
    #[inline]
    pub(super) fn push(&mut self, write: impl FnOnce(&Line)) {
        debug_assert!(self.is_ready(), "no room");
        write(line(&self.lines, self.written));
        self.written += 1;
        self.ends.tail.written.store(self.written, Release);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.ends.tail.ended.store(true, Release);
    }
}

impl Reader {
    /// How many lines wait.
    pub(super) fn len(&self) -> usize {
        (self.ends.tail.written.load(Acquire) - self.read) as usize
    }

    /// Has `read` read so many lines, which must [wait](Self::len), and gives their room back.
    pub(super) fn pop(&mut self, count: usize, mut read: impl FnMut(&Line)) {
        let end = self.read + count as u64;
        for number in self.read..end {
            read(line(&self.lines, number));
        }
        self.read = end;
        self.ends.head.read.store(end, Release);
    }

    /// Whether nothing waits, nor will.
    pub(super) fn is_done(&self) -> bool {
        // In this order: the last line was there before the end.
        self.ends.tail.ended.load(Acquire) && self.len() == 0
    }
}
