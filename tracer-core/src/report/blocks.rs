//! A ring of pieces that a thread writes the details of its spans to, each ahead of the [line](crate::report::line) of its
//! span, and the reporter thread reads them from.
//!
//! The words of a piece are atomics, as those of a line are. There is no tail: a line that is seen says that the pieces of its
//! span are there. The reader moves the head behind what it has read, and the writer looks at it only when it knows of no room.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::details::PIECE;
use crate::sync::AtomicU64;

/// Pieces of a ring.
pub(super) const PIECES: usize = if cfg!(loom) { 8 } else { 4096 };
/// Pieces that wait when a writer wakes the reader rather than have it come in its own time.
const WAKE: u64 = PIECES as u64 / 2;

/// Some bytes of details: a cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Piece([AtomicU64; PIECE / size_of::<u64>()]);

/// What the reader stores: how many pieces it read since the beginning.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Head(AtomicU64);

/// The end that details go in.
#[derive(Debug)]
pub(super) struct Writer {
    pieces: Arc<[Piece; PIECES]>,
    head: Arc<Head>,
    written: u64,
    /// How many pieces may be written until the writer must look at the other end.
    limit: u64,
}

/// The end that details come out.
#[derive(Debug)]
pub(super) struct Reader {
    pieces: Arc<[Piece; PIECES]>,
    head: Arc<Head>,
    read: u64,
}

/// The two ends. `None` never happens.
pub(super) fn blocks() -> Option<(Writer, Reader)> {
    // By way of a slice: an array would be made on the stack first.
    let pieces: Arc<[Piece]> = (0..PIECES).map(|_| Piece::new()).collect();
    let pieces: Arc<[Piece; PIECES]> = pieces.try_into().ok()?;
    let head = Arc::new(Head::default());
    let writer = Writer {
        pieces: Arc::clone(&pieces),
        head: Arc::clone(&head),
        written: 0,
        limit: WAKE,
    };
    let reader = Reader {
        pieces,
        head,
        read: 0,
    };
    Some((writer, reader))
}

impl Writer {
    /// Whether there is room for so many pieces, which takes no looking at the other end.
    #[inline]
    pub(super) fn is_ready(&self, pieces: usize) -> bool {
        self.limit - self.written >= pieces as u64
    }

    /// Whether there is room for so many pieces, which are fewer than half of all. Calls `wake` when there are many that wait.
    #[inline]
    pub(super) fn has_room(&mut self, pieces: usize, wake: impl FnOnce()) -> bool {
        self.is_ready(pieces) || self.look(pieces, wake)
    }

    #[cold]
    fn look(&mut self, pieces: usize, wake: impl FnOnce()) -> bool {
        let read = self.head.0.load(Acquire);
        match self.written + pieces as u64 - read {
            waiting if waiting <= WAKE => self.limit = read + WAKE,
            // The reader was woken before it came to this.
            waiting if waiting > PIECES as u64 => return false,
            _ => {
                self.limit = read + PIECES as u64;
                wake();
            }
        }
        true
    }

    /// Writes pieces, for which there must be [room](Self::has_room).
    #[inline]
    pub(super) fn push(&mut self, pieces: &[[u8; PIECE]]) {
        debug_assert!(self.is_ready(pieces.len()), "no room");
        let mut written = self.written;
        for bytes in pieces {
            self.pieces[written as usize % PIECES].write(bytes);
            written += 1;
        }
        self.written = written;
    }
}

impl Reader {
    /// The next piece, which must be [there](self).
    #[inline]
    pub(super) fn next(&mut self) -> [u8; PIECE] {
        let piece = self.pieces[self.read as usize % PIECES].read();
        self.read += 1;
        piece
    }

    /// Gives the room back of what was read.
    pub(super) fn give_back(&self) {
        self.head.0.store(self.read, Release);
    }
}

impl Piece {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    #[inline]
    fn write(&self, bytes: &[u8; PIECE]) {
        let (words, _) = bytes.as_chunks();
        for (to, word) in self.0.iter().zip(words) {
            to.store(u64::from_le_bytes(*word), Relaxed);
        }
    }

    #[inline]
    fn read(&self) -> [u8; PIECE] {
        let mut bytes = [0; PIECE];
        let (words, _) = bytes.as_chunks_mut();
        for (word, from) in words.iter_mut().zip(&self.0) {
            *word = from.load(Relaxed).to_le_bytes();
        }
        bytes
    }
}
