//! What a span has beside its identity and times: tags, logs, references. Most spans have none and no `Details`.
//!
//! All of it but the references lies in one [`Block`] of bytes. While the span is open that belongs to the span's thread and
//! is in its cache; when the span has finished the block is copied to the reporter thread, and the `Details` serves the next
//! span. So a busy service allocates nothing per span, what the reporter thread reads is a few hundred bytes that lie one
//! after another, and nothing that a thread writes to was in another core's cache but the queue itself. (Boxes that went
//! there and back cost the caller 40 to 350 ns per span, by how far apart the cores were.)

mod block;
mod spares;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::SystemTime;

pub(crate) use block::Kind;
use block::{Block, Entries, Entry, FRONT};
pub(crate) use spares::Spares;

use crate::clock::{self, Instant};
use crate::context::SpanContext;
use crate::fields::Field;
use crate::tag::TagValue;
use crate::tags;

/// Bytes of a key, and of an operation name that is not known at compile time.
const NAME_BYTES: usize = 1024;

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

/// A value as it is stored, for encoders: text is bytes that are not checked to be UTF-8 again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValue<'a> {
    Bool(bool),
    I64(i64),
    F64(f64),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
}

/// When a log was made, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LogTime {
    /// Since the counter's zero.
    Counter(i64),
    /// Since the Unix epoch.
    Wall(i64),
}

impl Details {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            block: Block::new(),
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
        self.block.clear();
        self.tags = 0;
        self.logs = 0;
        self.name_at = 0;
        self.truncated = false;
        if !self.is_plain() {
            self.references.clear();
            self.started_at = None;
            self.finished_at = None;
        }
        self.block.capacity() <= 4096
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

    /// Whether bytes can say all there is, and how many they are.
    #[inline]
    pub(crate) fn sealed_len(&self) -> Option<usize> {
        self.is_plain().then_some(self.block.len())
    }

    /// All that bytes can say, for [`load`](Self::load) on another thread.
    #[inline]
    pub(crate) fn seal(&mut self) -> &[u8] {
        let pair = |low: usize, high: u32| low as u64 | u64::from(high) << 32;
        let name_and_mark = self.name_at << 1 | u32::from(self.truncated);
        let front = [
            pair(self.block.len(), self.tags),
            pair(self.logs as usize, name_and_mark),
        ];
        self.block.seal(front)
    }

    /// Becomes what was sealed, at the beginning of bytes in two parts. How many bytes that were.
    #[inline]
    pub(crate) fn load(&mut self, first: &[u8], second: &[u8]) -> usize {
        let [len_and_tags, logs_and_name] = self.block.load(first, second);
        let name_and_mark = (logs_and_name >> 32) as u32;
        self.tags = (len_and_tags >> 32) as u32;
        self.logs = logs_and_name as u32;
        self.name_at = name_and_mark >> 1;
        self.truncated = name_and_mark & 1 != 0;
        len_and_tags as u32 as usize
    }

    /// Sets a tag, over an earlier one of the same key. `false` if a limit forbids it.
    pub(crate) fn set_tag(&mut self, key: &str, value: &TagValue<'_>) -> bool {
        let mut number = [0; 8];
        let (kind, value) = stored(value, &mut number);
        self.put_tag(key, kind, value)
    }

    /// The same with a value as it is [stored].
    #[inline(always)]
    pub(crate) fn put_tag(&mut self, key: &str, kind: Kind, value: &[u8]) -> bool {
        let bytes = key.as_bytes();
        let is_ordinary = self.is_allowed(bytes, value)
            && (self.tags as usize) < self.limits.tags
            && self.block.is_new(bytes);
        if is_ordinary {
            self.block.put(kind, bytes, value);
            self.tags += 1;
        }
        is_ordinary || self.put_other_tag(key, kind, value)
    }

    /// Sets a tag that was perhaps set before, or goes beyond a limit.
    #[inline(never)]
    fn put_other_tag(&mut self, key: &str, kind: Kind, value: &[u8]) -> bool {
        let (kept, value, is_whole) = self.allowed(key, kind, value);
        let old = self.block.tag(kept);
        let freed = old.as_ref().map_or(0, ExactSizeIterator::len);
        let need = Block::need(kept, value);
        let is_one_more = old.is_none() && self.tags as usize >= self.limits.tags;
        if is_one_more || !self.has_room(need, freed) {
            self.truncated = true;
            return false;
        }
        self.truncated |= !is_whole;
        match old {
            None => {
                self.block.put(kind, kept, value);
                self.tags += 1;
            }
            Some(old) => {
                if self.name_at as usize > old.start {
                    self.name_at = self.name_at - freed as u32 + need as u32;
                }
                self.block.replace(old, kind, kept, value);
            }
        }
        true
    }

    /// Whether there is room for all of a key and a value.
    #[inline]
    fn is_allowed(&self, key: &[u8], value: &[u8]) -> bool {
        key.len() <= NAME_BYTES
            && value.len() <= self.limits.value_bytes
            && self.has_room(Block::need(key, value), 0)
    }

    /// As much of a key and a value as one may have, and whether that is all.
    fn allowed<'t>(&self, key: &'t str, kind: Kind, value: &'t [u8]) -> (&'t [u8], &'t [u8], bool) {
        let kept = cut(key, NAME_BYTES).as_bytes();
        let most = self.limits.value_bytes;
        let value_kept = match kind {
            Kind::Text => cut_bytes(value, most),
            Kind::Bytes => &value[..value.len().min(most)],
            _ => value,
        };
        let is_whole = kept.len() == key.len() && value_kept.len() == value.len();
        (kept, value_kept, is_whole)
    }

    /// Becomes the same as `other`, which has no logs and no value longer than `longest`. `false`, and nothing happened, if
    /// this is not empty or its limits forbid any of it.
    pub(crate) fn take_over(&mut self, other: &Self, longest: usize) -> bool {
        let is_allowed = self.block.len() == FRONT
            && other.tags as usize <= self.limits.tags
            && longest <= self.limits.value_bytes
            && self.has_room(other.block.len() - FRONT, 0);
        if is_allowed {
            self.block.copy_from(&other.block);
            self.tags = other.tags;
            self.name_at = other.name_at;
            self.truncated |= other.truncated;
        }
        is_allowed
    }

    /// Appends a log. `false` if a limit forbids it.
    #[inline(never)]
    pub(crate) fn log(&mut self, time: LogTime, fields: &[Field<'_>]) -> bool {
        let is_one_more = self.logs as usize >= self.limits.logs;
        if is_one_more || !self.has_room(Block::LOG, 0) {
            self.truncated = true;
            if is_one_more {
                self.mark_dropped_logs(time);
            }
            return false;
        }
        self.put_log(time, fields)
    }

    /// Has one log, beyond the limit, say where the first was left out.
    #[cold]
    fn mark_dropped_logs(&mut self, time: LogTime) {
        let marker = (tags::EVENT.into(), DROPPED_LOGS.into());
        if self.logs as usize == self.limits.logs && self.has_room(Block::LOG, 0) {
            self.put_log(time, &[marker]);
        }
    }

    #[inline(always)]
    fn put_log(&mut self, time: LogTime, fields: &[Field<'_>]) -> bool {
        let (log, nanos) = match time {
            LogTime::Counter(nanos) => (Kind::Counted, nanos),
            LogTime::Wall(nanos) => (Kind::Timed, nanos),
        };
        let at = self.block.begin_log(log, nanos);
        let mut count = 0;
        for (key, value) in fields {
            let mut number = [0; 8];
            let (kind, value) = stored(value, &mut number);
            let bytes = key.as_bytes();
            let fits = count < MOST_FIELDS && self.is_allowed(bytes, value);
            if fits {
                self.block.put(kind, bytes, value);
            }
            count += usize::from(fits || self.put_part_of_field(key, kind, value, count));
        }
        self.block.end_log(at, log, count);
        self.logs += u32::from(count > 0);
        count > 0
    }

    /// Puts what the limits allow of a field that comes after so many.
    #[cold]
    fn put_part_of_field(&mut self, key: &str, kind: Kind, value: &[u8], count: usize) -> bool {
        let (kept, value, is_whole) = self.allowed(key, kind, value);
        let fits = count < MOST_FIELDS && self.has_room(Block::need(kept, value), 0);
        self.truncated |= !fits || !is_whole;
        if fits {
            self.block.put(kind, kept, value);
        }
        fits
    }

    /// Keeps an operation name that is not known at compile time.
    pub(crate) fn set_name(&mut self, name: &str) {
        let kept = cut(name, NAME_BYTES).as_bytes();
        self.truncated |= kept.len() < name.len();
        let freed = self
            .name_entry()
            .map_or(0, |old| Block::need(old.key, old.value));
        if !self.has_room(Block::need(&[], kept), freed) {
            // The name it has is better than none.
            self.truncated = true;
            return;
        }
        self.clear_name();
        self.name_at = self.block.len() as u32;
        self.block.put(Kind::Name, &[], kept);
    }

    #[inline]
    pub(crate) fn name(&self) -> Option<&str> {
        self.name_entry().map(|entry| text(entry.value))
    }

    pub(crate) fn clear_name(&mut self) {
        if let Some(old) = self.name_entry() {
            let at = self.name_at as usize;
            let end = at + Block::need(old.key, old.value);
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
        self.block
            .entries()
            .filter(|entry| entry.kind.is_tag())
            .map(raw)
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
        self.block.entries().filter_map(|entry| {
            let nanos = stored_i64(entry.key);
            let time = match entry.kind {
                Kind::Counted => LogTime::Counter(nanos),
                Kind::Timed => LogTime::Wall(nanos),
                _ => return None,
            };
            let fields = Fields {
                entries: entry.fields(),
                left: entry.count,
            };
            Some((time, fields.map(raw)))
        })
    }

    /// Whether so many more bytes fit, once so many are freed.
    #[inline]
    fn has_room(&self, need: usize, freed: usize) -> bool {
        self.block.len() - FRONT + need <= self.limits.text_bytes + freed
    }
}

/// Fields of a log: the count of them is kept beside them.
const MOST_FIELDS: usize = u16::MAX as usize;

/// The fields of a log.
struct Fields<'a> {
    entries: Entries<'a>,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.saturating_sub(1);
        self.entries.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// A value as it is stored, numbers by way of `number`.
#[inline]
pub(crate) fn stored<'v>(value: &'v TagValue<'_>, number: &'v mut [u8; 8]) -> (Kind, &'v [u8]) {
    match value {
        TagValue::Bool(truth) => {
            *number = u64::from(*truth).to_le_bytes();
            (Kind::Bool, &number[..1])
        }
        TagValue::I64(value) => {
            *number = value.to_le_bytes();
            (Kind::I64, number)
        }
        TagValue::F64(value) => {
            *number = value.to_le_bytes();
            (Kind::F64, number)
        }
        TagValue::Str(text) => (Kind::Text, text.as_bytes()),
        TagValue::Bytes(bytes) => (Kind::Bytes, bytes),
    }
}

/// The integer that was stored.
#[inline]
pub(crate) fn stored_i64(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(Entry::number(bytes))
}

/// The inverse of [`stored`].
#[inline]
fn raw(entry: Entry<'_>) -> (&[u8], RawValue<'_>) {
    let value = match entry.kind {
        Kind::Bool => RawValue::Bool(entry.value == [1]),
        Kind::I64 => RawValue::I64(stored_i64(entry.value)),
        Kind::F64 => RawValue::F64(f64::from_le_bytes(Entry::number(entry.value))),
        Kind::Bytes => RawValue::Bytes(entry.value),
        _ => RawValue::Text(entry.value),
    };
    (entry.key, value)
}

fn checked<'a>((key, value): (&'a [u8], RawValue<'a>)) -> (&'a str, TagValue<'a>) {
    let value = match value {
        RawValue::Bool(truth) => TagValue::Bool(truth),
        RawValue::I64(number) => TagValue::I64(number),
        RawValue::F64(number) => TagValue::F64(number),
        RawValue::Text(bytes) => TagValue::Str(Cow::Borrowed(text(bytes))),
        RawValue::Bytes(bytes) => TagValue::Bytes(Cow::Borrowed(bytes)),
    };
    (text(key), value)
}

/// Text that was text when it was stored.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
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

impl<'a> From<&'a TagValue<'_>> for RawValue<'a> {
    fn from(value: &'a TagValue<'_>) -> Self {
        match value {
            TagValue::Bool(truth) => Self::Bool(*truth),
            TagValue::I64(number) => Self::I64(*number),
            TagValue::F64(number) => Self::F64(*number),
            TagValue::Str(text) => Self::Text(text.as_bytes()),
            TagValue::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

impl LogTime {
    /// Now, by the counter.
    #[inline]
    pub(crate) fn now() -> Self {
        Self::Counter(clock::counter_nanos(Instant::now()))
    }

    pub(crate) fn at(time: SystemTime) -> Self {
        Self::Wall(clock::unix_nanos(time))
    }
}
