//! What a span has beside its identity and times: tags, logs, references. Most spans have none and no `Details`.
//!
//! All of it but the references lies in one [`Block`] of bytes. While the span is open that belongs to the span's thread and
//! is in its cache; when the span has finished the block is copied to the reporter thread, and the `Details` serves the next
//! span. So a busy service allocates nothing per span, what the reporter thread reads is a few hundred bytes that lie one
//! after another, and nothing that a thread writes to was in another core's cache but the queue itself. (Boxes that went
//! there and back cost the caller 40 to 350 ns per span, by how far apart the cores were.)

mod block;
mod entry;
mod spares;
#[cfg(test)]
mod tests;
mod value;

use std::time::SystemTime;

pub(crate) use block::PIECE;
use block::{Block, FRONT};
use entry::Entry;
pub(crate) use entry::Kind;
pub(crate) use spares::Spares;
use value::text;
pub(crate) use value::{RawValue, Stored};

use crate::clock;
use crate::context::SpanContext;
use crate::fields::Field;
use crate::tag::TagValue;
use crate::tags;

/// Bytes of a key, and of an operation name that is not known at compile time.
const NAME_BYTES: usize = 1024;

/// The longest block that can be [sealed](Details::seal), in bytes.
const LONGEST_BLOCK: usize = 1 << 12;

/// The parts of a sealed block's front, from the lowest bit on: its length, how many tags it has, how many logs, where its
/// name lies, and whether it was truncated. Each is shorter than a block: entries have four bytes at least.
const TAGS_AT: u32 = LENGTH_BITS;
const LOGS_AT: u32 = TAGS_AT + LENGTH_BITS;
const NAME_AT: u32 = LOGS_AT + LENGTH_BITS;
const MARK_AT: u32 = NAME_AT + LENGTH_BITS;
const LENGTH_BITS: u32 = LONGEST_BLOCK.ilog2() + 1;

/// The event of the log that stands for those beyond the limit.
const DROPPED_LOGS: &str = "dropped logs";

/// What a span may hold; beyond it the span keeps what it has, and says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) tags: usize,
    pub(crate) logs: usize,
    /// Bytes of one tag's or field's value.
    pub(crate) value_bytes: usize,
    /// Bytes of all that is kept of a span: less than a datagram takes.
    pub(crate) text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tags: 128,
            logs: 128,
            value_bytes: 4096,
            text_bytes: 60_000,
        }
    }
}

/// How a span relates to another beside its parent.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// let request = tracer.start_span("request");
/// let email = tracer.build_span("email").follows_from(&request.context()).start();
/// # drop((email, request));
/// # let spans = test.spans();
/// assert_eq!(spans[1].references()[0].kind, tracer_core::ReferenceKind::FollowsFrom);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReferenceKind {
    /// The other span waits for this one.
    ChildOf,
    /// The other span caused this one and does not wait for it.
    FollowsFrom,
}

/// A causal relation to another span, as recorded.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// let (first, second) = (tracer.start_span("first"), tracer.start_span("second"));
/// tracer.build_span("both").child_of(&first.context()).child_of(&second.context()).start().finish();
/// let both = &test.spans()[0];
/// assert_eq!(both.parent_id(), first.context().span_id());
/// assert_eq!(both.references()[1].context, second.context());
/// # drop((first, second));
/// # test.forget();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Which relation.
    pub kind: ReferenceKind,
    /// The other span.
    pub context: SpanContext,
}

#[derive(Clone, Debug)]
pub(crate) struct Details {
    limits: Limits,
    block: Block,
    tags: u32,
    logs: u32,
    /// Where the name lies in the block; 0 if there is none.
    name_at: u32,
    pub(crate) truncated: bool,
    pub(crate) references: Vec<Reference>,
    /// Times given by the caller, in nanoseconds since the Unix epoch.
    pub(crate) started_at: Option<i64>,
    pub(crate) finished_at: Option<i64>,
}

/// When a log was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LogTime {
    /// The [value](clock::ticks) of the counter.
    Counter(u64),
    /// Nanoseconds since the Unix epoch.
    Wall(i64),
}

impl Details {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            block: Block::new(limits.text_bytes),
            tags: 0,
            logs: 0,
            name_at: 0,
            truncated: false,
            references: Vec::new(),
            started_at: None,
            finished_at: None,
        }
    }

    /// Forgets everything but the memory; `false` if that grew beyond what is worth keeping.
    #[inline]
    pub(crate) fn recycle(&mut self) -> bool {
        self.clear();
        if !self.is_plain() {
            self.references.clear();
            self.started_at = None;
            self.finished_at = None;
        }
        self.block.capacity() <= LONGEST_BLOCK
    }

    /// Forgets all that bytes can say.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.block.clear();
        self.tags = 0;
        self.logs = 0;
        self.name_at = 0;
        self.truncated = false;
    }

    /// Whether bytes can say all there is, and are so few that the memory is worth keeping. Then there is a
    /// [`sealed_len`](Self::sealed_len).
    #[inline]
    pub(crate) fn is_short_and_plain(&self) -> bool {
        self.block.capacity() <= LONGEST_BLOCK && self.is_plain()
    }

    /// Whether bytes can say all there is.
    #[inline]
    fn is_plain(&self) -> bool {
        self.references.is_empty() && self.started_at.is_none() && self.finished_at.is_none()
    }

    /// Memory held, in bytes.
    pub(crate) fn footprint(&self) -> usize {
        size_of::<Self>()
            + self.block.capacity()
            + self.references.capacity() * size_of::<Reference>()
    }

    /// Whether bytes can say all there is, and how many they are: at most [`LONGEST_BLOCK`].
    #[inline]
    pub(crate) fn sealed_len(&self) -> Option<usize> {
        let is_short = self.block.len() <= LONGEST_BLOCK;
        (is_short && self.is_plain()).then_some(self.block.len())
    }

    /// All that bytes can say, for [`load`](Self::load) on another thread. What is behind them in the last piece means nothing.
    #[inline]
    pub(crate) fn seal(&mut self) -> &[[u8; PIECE]] {
        let front = self.block.len() as u64
            | u64::from(self.tags) << TAGS_AT
            | u64::from(self.logs) << LOGS_AT
            | u64::from(self.name_at) << NAME_AT
            | u64::from(self.truncated) << MARK_AT;
        self.block.seal(front)
    }

    /// Becomes what was sealed, of which no more pieces are taken than there were.
    #[inline]
    pub(crate) fn load(&mut self, pieces: impl Iterator<Item = [u8; PIECE]>) {
        let front = self.block.load(pieces, TAGS_AT);
        let part = |from: u32, to: u32| (front >> from) as u32 & ((1 << (to - from)) - 1);
        self.tags = part(TAGS_AT, LOGS_AT);
        self.logs = part(LOGS_AT, NAME_AT);
        self.name_at = part(NAME_AT, MARK_AT);
        self.truncated = part(MARK_AT, MARK_AT + 1) != 0;
    }

    /// Sets a tag, over an earlier one of the same key. `false` if a limit forbids it.
    pub(crate) fn set_tag(&mut self, key: &str, value: &TagValue<'_>) -> bool {
        self.put_tag(key, Stored::of(value))
    }

    /// The same with a value as it is stored.
    pub(crate) fn put_tag(&mut self, key: &str, value: Stored<'_>) -> bool {
        self.put_ordinary_tag(key, value) || self.put_other_tag(key, value)
    }

    /// Sets a tag that is short, plainly new, and within all limits: as most are. `false` if it is not, and nothing happened.
    #[inline(always)]
    pub(crate) fn put_ordinary_tag(&mut self, key: &str, value: Stored<'_>) -> bool {
        if self.tags as usize >= self.limits.tags
            || !self.is_short(value)
            || !self.block.put_new(key.as_bytes(), value)
        {
            return false;
        }
        self.tags += 1;
        true
    }

    /// Sets a tag that was perhaps set before, is long, or goes beyond a limit.
    #[inline(never)]
    fn put_other_tag(&mut self, key: &str, value: Stored<'_>) -> bool {
        let (kept, value, is_whole) = self.allowed(key, value);
        let old = self.block.tag(kept);
        let freed = old.as_ref().map_or(0, ExactSizeIterator::len);
        let need = Block::need(kept, value);
        let is_one_more = old.is_none() && self.tags as usize >= self.limits.tags;
        if is_one_more || !self.block.has_room(need, freed) {
            self.truncated = true;
            return false;
        }
        self.truncated |= !is_whole;
        match old {
            None => {
                self.block.put(kept, value);
                self.tags += 1;
            }
            Some(old) => {
                if self.name_at as usize > old.start {
                    self.name_at = self.name_at - freed as u32 + need as u32;
                }
                self.block.replace(old, kept, value);
            }
        }
        true
    }

    /// Whether a value is not to be cut.
    #[inline(always)]
    fn is_short(&self, value: Stored<'_>) -> bool {
        match value {
            Stored::Number(..) => true,
            Stored::Bytes(_, bytes) => bytes.len() <= self.limits.value_bytes,
        }
    }

    /// As much of a key and a value as one may have, and whether that is all.
    fn allowed<'t>(&self, key: &'t str, value: Stored<'t>) -> (&'t [u8], Stored<'t>, bool) {
        let kept = cut(key, NAME_BYTES).as_bytes();
        let value_kept = value.cut(self.limits.value_bytes);
        let is_whole = kept.len() == key.len() && value_kept.len() == value.len();
        (kept, value_kept, is_whole)
    }

    /// Becomes the same as `other`, which has no logs and no value longer than `longest`. `false`, and nothing happened, if
    /// this is not empty or its limits forbid any of it.
    pub(crate) fn take_over(&mut self, other: &Self, longest: usize) -> bool {
        let is_allowed = self.block.len() == FRONT
            && other.tags as usize <= self.limits.tags
            && longest <= self.limits.value_bytes
            && self.block.has_room(other.block.len() - FRONT, 0);
        if is_allowed {
            self.block.copy_from(&other.block);
            self.tags = other.tags;
            self.name_at = other.name_at;
            self.truncated |= other.truncated;
        }
        is_allowed
    }

    /// Appends a log. `false` if a limit forbids it.
    pub(crate) fn log(&mut self, time: LogTime, fields: &[Field<'_>]) -> bool {
        let is_one_more = self.logs as usize >= self.limits.logs;
        if is_one_more || !self.block.has_room(Block::LOG, 0) {
            self.drop_log(time);
            return false;
        }
        self.put_log(time, fields)
    }

    /// The same if there is room for all of it and all is short, as mostly. `false` if not, and nothing happened.
    #[inline(always)]
    pub(crate) fn put_ordinary_log(&mut self, time: LogTime, fields: &[Field<'_>]) -> bool {
        if self.logs as usize >= self.limits.logs || fields.is_empty() {
            return false;
        }
        let (log, word) = time.parts();
        let Some(at) = self.block.begin_short_log(log, word) else {
            return false;
        };
        for (key, value) in fields {
            if !self.put_ordinary_field(key.as_bytes(), Stored::of(value)) {
                self.block.end_log(at, log, 0);
                return false;
            }
        }
        self.block.end_log(at, log, fields.len());
        self.logs += 1;
        true
    }

    /// Leaves a log out. Has one log, beyond the limit, say where the first was.
    #[cold]
    fn drop_log(&mut self, time: LogTime) {
        self.truncated = true;
        let marker = (tags::EVENT.into(), DROPPED_LOGS.into());
        if self.logs as usize == self.limits.logs && self.block.has_room(Block::LOG, 0) {
            self.put_log(time, &[marker]);
        }
    }

    fn put_log(&mut self, time: LogTime, fields: &[Field<'_>]) -> bool {
        let (log, word) = time.parts();
        let at = self.block.begin_log(log, word);
        let mut count = 0;
        for (key, value) in fields {
            let is_put = self.put_ordinary_field(key.as_bytes(), Stored::of(value));
            count += usize::from(is_put || self.put_other_field(key, value));
        }
        self.block.end_log(at, log, count);
        self.logs += u32::from(count > 0);
        count > 0
    }

    /// Puts a field that is short and within all limits. `false` if it is not, and nothing happened.
    #[inline(always)]
    fn put_ordinary_field(&mut self, key: &[u8], value: Stored<'_>) -> bool {
        self.is_short(value) && self.block.put_short(key, value)
    }

    /// Puts what the limits allow of a field. By reference, or all values would be written to memory.
    #[inline(never)]
    fn put_other_field(&mut self, key: &str, value: &TagValue<'_>) -> bool {
        let (kept, value, is_whole) = self.allowed(key, Stored::of(value));
        let fits = self.block.has_room(Block::need(kept, value), 0);
        self.truncated |= !fits || !is_whole;
        if fits {
            self.block.put(kept, value);
        }
        fits
    }

    /// Keeps an operation name that is not known at compile time.
    pub(crate) fn set_name(&mut self, name: &str) {
        let kept = cut(name, NAME_BYTES).as_bytes();
        self.truncated |= kept.len() < name.len();
        let kept = Stored::Bytes(Kind::Name, kept);
        let freed = self.name_entry().map_or(0, |old| old.len());
        if !self.block.has_room(Block::need(&[], kept), freed) {
            // The name it has is better than none.
            self.truncated = true;
            return;
        }
        self.clear_name();
        self.name_at = self.block.len() as u32;
        self.block.put(&[], kept);
    }

    #[inline]
    pub(crate) fn name(&self) -> Option<&str> {
        self.name_entry().map(|entry| text(entry.pair().1))
    }

    pub(crate) fn clear_name(&mut self) {
        if let Some(old) = self.name_entry() {
            let at = self.name_at as usize;
            let end = at + old.len();
            self.block.remove(at..end);
            self.name_at = 0;
        }
    }

    #[inline]
    fn name_entry(&self) -> Option<Entry<'_>> {
        if self.name_at == 0 {
            return None;
        }
        self.block.at(self.name_at as usize)
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, TagValue<'_>)> {
        self.raw_tags().map(checked)
    }

    pub(crate) fn tag_count(&self) -> usize {
        self.tags as usize
    }

    pub(crate) fn logs(
        &self,
    ) -> impl Iterator<Item = (LogTime, impl ExactSizeIterator<Item = (&str, TagValue<'_>)>)> {
        self.raw_logs()
            .map(|(time, fields)| (time, fields.map(checked)))
    }

    pub(crate) fn log_count(&self) -> usize {
        self.logs as usize
    }

    /// As [`tags`](Self::tags).
    #[inline]
    pub(crate) fn raw_tags(&self) -> impl Iterator<Item = (&[u8], RawValue<'_>)> {
        let entries = self.block.entries();
        entries
            .filter(|entry| entry.kind().is_tag())
            .take(self.tag_count())
            .map(|entry| raw(&entry))
    }

    /// As [`logs`](Self::logs).
    #[inline]
    pub(crate) fn raw_logs(
        &self,
    ) -> impl Iterator<
        Item = (
            LogTime,
            impl ExactSizeIterator<Item = (&[u8], RawValue<'_>)>,
        ),
    > {
        let logs = self.block.entries().filter_map(|entry| {
            let time = match entry.kind() {
                Kind::Counted => LogTime::Counter,
                Kind::Timed => |nanos| LogTime::Wall(nanos as i64),
                _ => return None,
            };
            let (word, fields) = entry.log()?;
            Some((time(word), fields.map(|field| raw(&field))))
        });
        logs.take(self.log_count())
    }
}

/// The key and the value of a tag, or of a field.
#[inline]
fn raw<'a>(entry: &Entry<'a>) -> (&'a [u8], RawValue<'a>) {
    let (key, value) = entry.pair();
    (key, RawValue::of(entry.kind(), value))
}

fn checked<'a>((key, value): (&'a [u8], RawValue<'a>)) -> (&'a str, TagValue<'a>) {
    (text(key), value.to_value())
}

/// The longest beginning of `text` that has at most that many bytes.
#[inline]
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The same of bytes that are text.
#[inline]
pub(crate) fn cut_bytes(text: &[u8], bytes: usize) -> &[u8] {
    let mut end = text.len().min(bytes);
    while end < text.len() && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &text[..end]
}

impl LogTime {
    /// Now, by the counter.
    #[inline]
    pub(crate) fn now() -> Self {
        Self::Counter(clock::ticks(clock::now()))
    }

    pub(crate) fn at(time: SystemTime) -> Self {
        Self::Wall(clock::unix_nanos(time))
    }

    /// What kind of log has it, and the word it is.
    #[inline]
    fn parts(self) -> (Kind, u64) {
        match self {
            Self::Counter(ticks) => (Kind::Counted, ticks),
            Self::Wall(nanos) => (Kind::Timed, nanos as u64),
        }
    }
}
