//! Trace and span ids, and the generator they are drawn from.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use crate::hex::{self, Case};

/// The identifier of a trace: 128 bits, or 64 with the high half zero.
///
/// Zero is no trace: contexts that carry only baggage or a sampling decision have it. `Display` writes 32 hexadecimal
/// digits, or 16 when the high half is zero, as Jaeger does; `FromStr` reads 1 to 32 digits of either case.
///
/// ```
/// use tracer_core::TraceId;
///
/// let id: TraceId = "463ac35c9f6413ad48485a3953bb6124".parse()?;
/// assert_eq!(id.to_string(), "463ac35c9f6413ad48485a3953bb6124");
/// # Ok::<(), tracer_core::ParseIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TraceId {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

impl TraceId {
    /// The id of no trace.
    pub const NONE: Self = Self { high: 0, low: 0 };

    /// The upper 64 bits; 0 in traces with 64-bit ids.
    #[must_use]
    pub const fn high(self) -> u64 {
        self.high
    }

    /// The id of the root, which is the same as the lower half.
    #[inline]
    pub(crate) const fn root(self) -> SpanId {
        SpanId(self.low)
    }

    /// The lower 64 bits.
    #[must_use]
    pub const fn low(self) -> u64 {
        self.low
    }

    /// Whether this is the id of no trace.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.high == 0 && self.low == 0
    }
}

impl From<u128> for TraceId {
    fn from(id: u128) -> Self {
        Self {
            high: (id >> 64) as u64,
            low: id as u64,
        }
    }
}

impl From<TraceId> for u128 {
    fn from(id: TraceId) -> Self {
        Self::from(id.high) << 64 | Self::from(id.low)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.high != 0 {
            write!(f, "{:016x}", self.high)?;
        }
        write!(f, "{:016x}", self.low)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TraceId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let text = text.as_bytes();
        let (high, low) = text.split_at(text.len().saturating_sub(16));
        let high = if high.is_empty() {
            Some(0)
        } else {
            hex::parse_u64(high, Case::Either)
        };
        match (high, hex::parse_u64(low, Case::Either)) {
            (Some(high), Some(low)) => Ok(Self { high, low }),
            _ => Err(ParseIdError { digits: 32 }),
        }
    }
}

/// The identifier of a span within its trace.
///
/// Zero is no span: the parent of a root has it. `Display` writes 16 hexadecimal digits; `FromStr` reads 1 to 16 of
/// either case.
///
/// ```
/// let id: tracer_core::SpanId = "00f067aa0ba902b7".parse()?;
/// assert_eq!(u64::from(id), 0x00f0_67aa_0ba9_02b7);
/// # Ok::<(), tracer_core::ParseIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SpanId(pub(crate) u64);

impl SpanId {
    /// The id of no span.
    pub const NONE: Self = Self(0);

    /// Whether this is the id of no span.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl From<u64> for SpanId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

impl From<SpanId> for u64 {
    fn from(id: SpanId) -> Self {
        id.0
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SpanId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        hex::parse_u64(text.as_bytes(), Case::Either)
            .map(Self)
            .ok_or(ParseIdError { digits: 16 })
    }
}

/// What was read as an id is not one.
///
/// ```
/// let error = "+1".parse::<tracer_core::TraceId>().unwrap_err();
/// assert_eq!(error.to_string(), "an id is 1 to 32 hexadecimal digits");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseIdError {
    digits: u8,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id is 1 to {} hexadecimal digits", self.digits)
    }
}

impl std::error::Error for ParseIdError {}

/// Draws ids, one per thread, seeded from the operating system's randomness.
///
/// The lower halves of trace ids, which samplers and backends take for random, are: xoroshiro128++ (Blackman and Vigna,
/// 2019). The upper halves and the ids of children need only differ: they go up by an odd step (a Weyl sequence), which takes
/// a third of the instructions and brings none twice. The step is a thread's own: with the same one two threads that come
/// upon each other's ids would stay in step for as long as both live, with different ones they meet as seldom as random
/// numbers do.
#[derive(Debug)]
struct IdGenerator {
    state: [Cell<u64>; 2],
    span: Cell<u64>,
    step: Cell<u64>,
}

thread_local! {
    /// Without a destructor, so it can always be reached.
    static IDS: IdGenerator = const { IdGenerator::new() };
}

/// Draws 64 bits from the generator of this thread, never zero.
#[inline]
pub(crate) fn draw() -> u64 {
    IDS.with(IdGenerator::draw)
}

/// The same as [`next_span`], but `None` where it would take more than a sum.
#[inline]
pub(crate) fn next_span_at_once() -> Option<SpanId> {
    let id = IDS.with(IdGenerator::step);
    (id != 0).then_some(SpanId(id))
}

/// The id of the next span of this thread that is not a root.
#[inline]
pub(crate) fn next_span() -> SpanId {
    SpanId(IDS.with(IdGenerator::next_span))
}

/// Draws the id of a trace.
#[inline]
pub(crate) fn draw_trace(bits128: bool) -> TraceId {
    let low = draw();
    let high = if bits128 { next_span().0 } else { 0 };
    TraceId { high, low }
}

/// The same, but `None` where it would take a seed.
#[inline]
pub(crate) fn draw_trace_at_once(bits128: bool) -> Option<TraceId> {
    let low = IDS.with(IdGenerator::step_root);
    let high = if bits128 { next_span_at_once()?.0 } else { 0 };
    (low != 0).then_some(TraceId { high, low })
}

/// Gives this thread ids that no other process draws: for the child of a fork.
pub(crate) fn reseed() {
    IDS.with(IdGenerator::seed);
}

impl IdGenerator {
    /// A generator that seeds itself at its first id.
    const fn new() -> Self {
        Self {
            state: [const { Cell::new(0) }; 2],
            span: Cell::new(0),
            step: Cell::new(0),
        }
    }

    /// The span id after the last one, never zero.
    #[inline]
    fn next_span(&self) -> u64 {
        // 0 of a generator without a seed too, which goes nowhere.
        match self.step() {
            0 => self.next_span_again(),
            next => next,
        }
    }

    #[inline]
    fn step(&self) -> u64 {
        let next = self.span.get().wrapping_add(self.step.get());
        self.span.set(next);
        next
    }

    #[cold]
    fn next_span_again(&self) -> u64 {
        if self.step.get() == 0 {
            self.seed();
        }
        self.next_span()
    }

    /// Draws 64 bits, never zero.
    #[inline]
    fn draw(&self) -> u64 {
        // 0 of a generator without a seed too, which draws nothing else.
        match self.step_root() {
            0 => self.draw_again(),
            drawn => drawn,
        }
    }

    #[inline]
    fn step_root(&self) -> u64 {
        let [s0, mut s1] = self.state.each_ref().map(Cell::get);
        let drawn = s0.wrapping_add(s1).rotate_left(17).wrapping_add(s0);
        s1 ^= s0;
        self.state[0].set(s0.rotate_left(49) ^ s1 ^ (s1 << 21));
        self.state[1].set(s1.rotate_left(28));
        drawn
    }

    #[cold]
    fn draw_again(&self) -> u64 {
        if self.state.each_ref().map(Cell::get) == [0, 0] {
            self.seed();
        }
        self.draw()
    }

    /// Takes a fresh seed. `RandomState` hashes with keys that the standard library drew from the operating system; a
    /// forked child shares them with its parent, hence process id and time.
    #[cold]
    fn seed(&self) {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let salt = (
            std::process::id(),
            now.as_nanos(),
            std::thread::current().id(),
        );
        let [first, second] = &self.state;
        for word in [first, second, &self.span, &self.step] {
            word.set(RandomState::new().hash_one(salt));
        }
        self.step.set(self.step.get() | 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids_are_written_as_jaeger_writes_them() {
        assert_eq!(TraceId::from(1).to_string(), "0000000000000001");
        assert_eq!(
            TraceId::from(1 << 64 | 2).to_string(),
            "00000000000000010000000000000002"
        );
        assert_eq!("10000000000000001".parse(), Ok(TraceId { high: 1, low: 1 }));
        for wrong in ["", "+1", "000000000000000000000000000000001", "1:2", "0x1"] {
            assert!(wrong.parse::<TraceId>().is_err(), "{wrong:?}");
            assert!(wrong.parse::<SpanId>().is_err(), "{wrong:?}");
        }
        assert!("00000000000000001".parse::<SpanId>().is_err());
    }

    #[test]
    fn drawn_ids_are_distinct_over_threads() {
        let drawn: Vec<_> = (0..8)
            .map(|_| {
                std::thread::spawn(|| {
                    let ids = IdGenerator::new();
                    (0..5_000)
                        .flat_map(|_| [ids.draw(), ids.next_span()])
                        .collect::<Vec<_>>()
                })
            })
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        let distinct: std::collections::HashSet<_> = drawn.iter().copied().collect();
        assert_eq!(distinct.len(), drawn.len());
        assert!(!distinct.contains(&0));
    }
}
