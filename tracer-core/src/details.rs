//! What a span has beside its identity and times: tags, logs, references. Most spans have none and no `Details`.
//!
//! All text lies in one buffer and tags and logs are rows that point into it. A `Details` is taken from its thread's
//! spares and given back by the reporter thread with its buffers emptied but kept, so that a busy service allocates
//! nothing per span, and nothing allocated on one thread is freed on another.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::clock::{self, Instant};
use crate::context::SpanContext;
use crate::fields::Field;
use crate::tag::TagValue;

/// Bytes of a key, and of an operation name that is not known at compile time.
const NAME_BYTES: usize = 1024;

/// What a span may hold; beyond it the span keeps what it has, and says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) tags: usize,
    pub(crate) logs: usize,
    /// Bytes of one tag's or field's value.
    pub(crate) value_bytes: usize,
    /// Bytes of all text of a span.
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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReferenceKind {
    /// The other span waits for this one.
    ChildOf,
    /// The other span caused this one and does not wait for it.
    FollowsFrom,
}

/// A causal relation to another span, as recorded.
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
    text: Vec<u8>,
    tags: Vec<Row>,
    logs: Vec<LogRow>,
    fields: Vec<Row>,
    pub(crate) references: Vec<Reference>,
    name: Option<Text>,
    /// Times given by the caller, in nanoseconds since the Unix epoch.
    pub(crate) started_at: Option<i64>,
    pub(crate) finished_at: Option<i64>,
    pub(crate) truncated: bool,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    key: Text,
    value: Value,
}

/// Text known at compile time, or a range of the buffer.
#[derive(Clone, Copy, Debug)]
enum Text {
    Static(&'static str),
    Range { start: u32, len: u32 },
}

#[derive(Clone, Copy, Debug)]
enum Value {
    Bool(bool),
    I64(i64),
    F64(f64),
    Text(Text),
    Bytes { start: u32, len: u32 },
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

#[derive(Clone, Copy, Debug)]
struct LogRow {
    time: LogTime,
    /// Where its fields end; they begin where those of the log before end.
    end: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum LogTime {
    Counter(Instant),
    Wall(i64),
}

impl Details {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            text: Vec::with_capacity(256),
            tags: Vec::with_capacity(8),
            logs: Vec::with_capacity(2),
            fields: Vec::with_capacity(4),
            references: Vec::new(),
            name: None,
            started_at: None,
            finished_at: None,
            truncated: false,
        }
    }

    /// Forgets everything but the memory; `false` if that grew beyond what is worth keeping.
    pub(crate) fn recycle(&mut self) -> bool {
        self.text.clear();
        self.tags.clear();
        self.logs.clear();
        self.fields.clear();
        self.references.clear();
        self.name = None;
        self.started_at = None;
        self.finished_at = None;
        self.truncated = false;
        self.text.capacity() <= 4096
            && self.tags.capacity() <= 64
            && self.fields.capacity() <= 64
            && self.logs.capacity() <= 32
    }

    /// Memory held, in bytes.
    pub(crate) fn footprint(&self) -> usize {
        size_of::<Self>()
            + self.text.capacity()
            + (self.tags.capacity() + self.fields.capacity()) * size_of::<Row>()
            + self.logs.capacity() * size_of::<LogRow>()
            + self.references.capacity() * size_of::<Reference>()
    }

    /// Sets a tag, over an earlier one of the same key. `false` if a limit forbids a new one.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers have it, and a reference to a `Cow` is no better"
    )]
    pub(crate) fn set_tag(&mut self, key: Cow<'static, str>, value: &TagValue<'_>) -> bool {
        let kept = cut(&key, NAME_BYTES);
        let found = self
            .tags
            .iter()
            .position(|row| self.text_of(row.key) == kept);
        if found.is_none() && self.tags.len() >= self.limits.tags {
            self.truncated = true;
            return false;
        }
        match found {
            Some(at) => {
                let Some(value) = self.with_room(|details| details.store_value(value)) else {
                    return false;
                };
                self.tags[at].value = value;
            }
            None => {
                let Some(row) = self.with_room(|details| details.store_row(&key, value)) else {
                    return false;
                };
                self.tags.push(row);
            }
        }
        true
    }

    /// Appends a log. `false` if a limit forbids it.
    pub(crate) fn log(&mut self, time: LogTime, fields: &mut [Field<'_>]) -> bool {
        if self.logs.len() >= self.limits.logs {
            self.truncated = true;
            return false;
        }
        let before = self.fields.len();
        for (key, value) in fields {
            if let Some(row) = self.with_room(|details| details.store_row(key, value)) {
                self.fields.push(row);
            }
        }
        if self.fields.len() == before {
            return false;
        }
        self.logs.push(LogRow {
            time,
            end: u32::try_from(self.fields.len()).unwrap_or(u32::MAX),
        });
        true
    }

    /// Keeps an operation name that is not known at compile time.
    pub(crate) fn set_name(&mut self, name: &str) {
        let kept = cut(name, NAME_BYTES);
        self.truncated |= kept.len() < name.len();
        // Without room the name it has is the better one.
        if let Some((start, len)) = self.with_room(|details| details.store(kept.as_bytes())) {
            self.name = Some(Text::Range { start, len });
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.map(|name| self.text_of(name))
    }

    pub(crate) fn clear_name(&mut self) {
        self.name = None;
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, TagValue<'_>)> {
        self.tags.iter().map(|row| self.row(*row))
    }

    pub(crate) fn tag_count(&self) -> usize {
        self.tags.len()
    }

    pub(crate) fn logs(
        &self,
    ) -> impl Iterator<Item = (LogTime, impl ExactSizeIterator<Item = (&str, TagValue<'_>)>)> {
        let mut start = 0;
        self.logs.iter().map(move |log| {
            let fields = &self.fields[start..log.end as usize];
            start = log.end as usize;
            (log.time, fields.iter().map(|row| self.row(*row)))
        })
    }

    /// As [`tags`](Self::tags).
    #[inline]
    pub(crate) fn raw_tags(&self) -> impl Iterator<Item = (&[u8], RawValue<'_>)> {
        self.tags.iter().map(|row| self.raw_row(row))
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
        let mut start = 0;
        self.logs.iter().map(move |log| {
            let fields = &self.fields[start..log.end as usize];
            start = log.end as usize;
            (log.time, fields.iter().map(|row| self.raw_row(row)))
        })
    }

    pub(crate) fn log_count(&self) -> usize {
        self.logs.len()
    }

    fn row(&self, row: Row) -> (&str, TagValue<'_>) {
        let value = match row.value {
            Value::Bool(truth) => TagValue::Bool(truth),
            Value::I64(number) => TagValue::I64(number),
            Value::F64(number) => TagValue::F64(number),
            Value::Text(text) => TagValue::Str(Cow::Borrowed(self.text_of(text))),
            Value::Bytes { start, len } => TagValue::Bytes(Cow::Borrowed(self.range(start, len))),
        };
        (self.text_of(row.key), value)
    }

    #[inline]
    fn raw_row(&self, row: &Row) -> (&[u8], RawValue<'_>) {
        let value = match row.value {
            Value::Bool(truth) => RawValue::Bool(truth),
            Value::I64(number) => RawValue::I64(number),
            Value::F64(number) => RawValue::F64(number),
            Value::Text(text) => RawValue::Text(self.raw_text(text)),
            Value::Bytes { start, len } => RawValue::Bytes(self.range(start, len)),
        };
        (self.raw_text(row.key), value)
    }

    #[inline]
    fn raw_text(&self, text: Text) -> &[u8] {
        match text {
            Text::Static(text) => text.as_bytes(),
            Text::Range { start, len } => self.range(start, len),
        }
    }

    fn text_of(&self, text: Text) -> &str {
        match text {
            Text::Static(text) => text,
            Text::Range { start, len } => {
                std::str::from_utf8(self.range(start, len)).unwrap_or_default()
            }
        }
    }

    #[inline]
    fn range(&self, start: u32, len: u32) -> &[u8] {
        &self.text[start as usize..][..len as usize]
    }

    /// Stores something; if there is no room, once more without the text that nothing points to any longer.
    #[inline]
    fn with_room<R>(&mut self, store: impl Fn(&mut Self) -> Option<R>) -> Option<R> {
        if let Some(stored) = store(self) {
            return Some(stored);
        }
        self.compact();
        let stored = store(self);
        self.truncated |= stored.is_none();
        stored
    }

    /// Rewrites the text with what rows point to: a tag that is set again and again leaves its old values behind.
    #[cold]
    fn compact(&mut self) {
        let mut kept = Vec::with_capacity(self.text.len());
        let text = &self.text;
        let mut keep = |start: &mut u32, len: u32| {
            let from = *start as usize;
            // Never longer than the text was, which fits.
            *start = kept.len() as u32;
            kept.extend_from_slice(&text[from..][..len as usize]);
        };
        for row in self.tags.iter_mut().chain(&mut self.fields) {
            if let Text::Range { start, len } = &mut row.key {
                keep(start, *len);
            }
            if let Value::Text(Text::Range { start, len }) | Value::Bytes { start, len } =
                &mut row.value
            {
                keep(start, *len);
            }
        }
        if let Some(Text::Range { start, len }) = &mut self.name {
            keep(start, *len);
        }
        self.text = kept;
    }

    #[expect(
        clippy::ptr_arg,
        reason = "a `&str` would not tell which keys are known at compile time and need no copy"
    )]
    fn store_row(&mut self, key: &Cow<'static, str>, value: &TagValue<'_>) -> Option<Row> {
        Some(Row {
            value: self.store_value(value)?,
            key: self.store_key(key)?,
        })
    }

    #[expect(
        clippy::ptr_arg,
        reason = "a `&str` would not tell which keys are known at compile time and need no copy"
    )]
    fn store_key(&mut self, key: &Cow<'static, str>) -> Option<Text> {
        self.truncated |= key.len() > NAME_BYTES;
        match key {
            Cow::Borrowed(key) => Some(Text::Static(cut(key, NAME_BYTES))),
            Cow::Owned(key) => self
                .store(cut(key, NAME_BYTES).as_bytes())
                .map(|(start, len)| Text::Range { start, len }),
        }
    }

    fn store_value(&mut self, value: &TagValue<'_>) -> Option<Value> {
        match value {
            TagValue::Bool(truth) => Some(Value::Bool(*truth)),
            TagValue::I64(number) => Some(Value::I64(*number)),
            TagValue::F64(number) => Some(Value::F64(*number)),
            TagValue::Str(text) => {
                let kept = cut(text, self.limits.value_bytes);
                self.truncated |= kept.len() < text.len();
                self.store(kept.as_bytes())
                    .map(|(start, len)| Value::Text(Text::Range { start, len }))
            }
            TagValue::Bytes(bytes) => {
                let kept = &bytes[..bytes.len().min(self.limits.value_bytes)];
                self.truncated |= kept.len() < bytes.len();
                self.store(kept)
                    .map(|(start, len)| Value::Bytes { start, len })
            }
        }
    }

    fn store(&mut self, bytes: &[u8]) -> Option<(u32, u32)> {
        if self.text.len() + bytes.len() > self.limits.text_bytes {
            return None;
        }
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        Some((u32::try_from(start).ok()?, u32::try_from(bytes.len()).ok()?))
    }
}

/// The longest beginning of `text` that has at most that many bytes.
#[inline]
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
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
    pub(crate) fn at(time: SystemTime) -> Self {
        Self::Wall(clock::unix_nanos(time))
    }
}
