//! Spans to be made, and what is to arrive of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arbitrary::{Arbitrary, Result, Unstructured};
use tracer_core::{Decision, SpanContext, SpanId, TagValue, TraceId, tags};

/// Some spans of one process.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Plan {
    #[arbitrary(with = up_to::<4, _>)]
    pub(crate) spans: Vec<SpanPlan>,
    /// Whether messages are to be so short that spans are cut.
    pub(crate) narrow: bool,
}

/// One span.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct SpanPlan {
    pub(crate) name: Name,
    #[arbitrary(with = up_to::<6, _>)]
    pub(crate) references: Vec<ReferencePlan>,
    /// Nanoseconds from the Unix epoch.
    pub(crate) start: Option<i64>,
    pub(crate) finish: Option<i64>,
    #[arbitrary(with = up_to::<24, _>)]
    pub(crate) edits: Vec<EditPlan>,
}

/// An operation name.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Name {
    /// Known at compile time.
    Static(bool),
    Owned(Text),
}

/// A reference to a span of elsewhere.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct ReferencePlan {
    pub(crate) is_parent: bool,
    trace: u128,
    span: u64,
    flags: u8,
}

/// A change to the open span.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum EditPlan {
    Tag(Key, Value),
    Log(
        Option<i64>,
        #[arbitrary(with = up_to::<8, _>)] Vec<(Key, Value)>,
    ),
    Name(Name),
    Baggage(Key, Text),
}

/// Mostly one of a few, so that they meet.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Key {
    Usual(u8),
    Other(Text),
}

/// A value of each type.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Value {
    Bool(bool),
    I64(i64),
    F64(f64),
    Text(Text),
    Bytes(#[arbitrary(with = up_to::<32, _>)] Vec<u8>),
}

/// A text that need not be as long in the input as it is.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Text {
    #[arbitrary(with = unit)]
    unit: String,
    times: u16,
}

impl Name {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Static(true) => "static".into(),
            Self::Static(false) => String::new(),
            Self::Owned(text) => text.text(),
        }
    }
}

impl ReferencePlan {
    /// The context of a sampled span, with whatever further flags.
    pub(crate) fn context(&self) -> SpanContext {
        let trace = TraceId::from(self.trace.max(1));
        SpanContext::remote(trace, SpanId::from(self.span.max(1)), Decision::Sampled)
            .with_flags(self.flags | 1)
    }
}

impl Key {
    pub(crate) fn text(&self) -> String {
        let key = match self {
            Self::Usual(which) => ["key", "", "error", "k\u{e9}y", "event", "span.kind"]
                [usize::from(*which) % 6]
                .to_owned(),
            Self::Other(text) => text.text(),
        };
        // Steers sampling, and is no tag.
        if key == tags::SAMPLING_PRIORITY {
            "priority".into()
        } else {
            key
        }
    }
}

impl Value {
    pub(crate) fn value(&self) -> TagValue<'static> {
        match self {
            Self::Bool(truth) => (*truth).into(),
            Self::I64(number) => (*number).into(),
            Self::F64(number) => (*number).into(),
            Self::Text(text) => text.text().into(),
            Self::Bytes(bytes) => bytes.clone().into(),
        }
    }
}

impl Text {
    /// Of at most about 6 000 bytes: more than what is kept of one.
    pub(crate) fn text(&self) -> String {
        let most = 6_000 / self.unit.len().max(1);
        let times = (usize::from(self.times) % (most + 1)).max(1);
        if self.times < 0x4000 {
            self.unit.clone()
        } else {
            self.unit.repeat(times)
        }
    }
}

/// Some of them: the lists that `arbitrary` makes by itself are mostly empty.
fn up_to<'a, const MOST: usize, T: Arbitrary<'a>>(input: &mut Unstructured<'a>) -> Result<Vec<T>> {
    let count = input.int_in_range(0..=MOST)?;
    let mut list = Vec::new();
    while list.len() < count && !input.is_empty() {
        list.push(input.arbitrary()?);
    }
    Ok(list)
}

fn unit(input: &mut Unstructured<'_>) -> Result<String> {
    let count = input.int_in_range(0..=24)?;
    let bytes = input.bytes(count.min(input.len()))?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// A time so many nanoseconds from the Unix epoch.
pub(crate) fn time(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    let time = if nanos < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}
