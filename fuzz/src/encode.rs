//! The encoders against the agent's decoders: what an application records is what arrives.

use std::cell::RefCell;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use tracer_agent::{Batch, RefType, Span, Tag, TagValue as Decoded};
use tracer_core::{MemoryReporter, Sampler, SpanContext, TagValue, Tracer};

use crate::link::Link;
use crate::plan::{EditPlan, Name, Plan, SpanPlan, time};

/// The defaults of what a span keeps: bytes of a value, and of a key or name.
const VALUE: usize = 4096;
const NAME: usize = 1024;
/// What a plan may add up to: less than a span keeps and a datagram takes, so that nothing is left out for want of room.
const BUDGET: usize = 50_000;
/// The tags a link too narrow for a span leaves, and the shortest to which it cuts a name.
const MARK: &str = "truncated";
const SHORTEST_NAME: usize = 64;

/// Spans through [`UdpReporter`](tracer_core::UdpReporter): Thrift compact.
pub fn encode_udp(data: &[u8]) {
    thread_local! {
        static RIG: RefCell<Rig> = RefCell::new(Rig::new(Link::udp(65_000), Link::udp(700)));
    }
    RIG.with_borrow_mut(|rig| rig.run(data));
}

/// Spans through [`HttpReporter`](tracer_core::HttpReporter): Thrift binary.
pub fn encode_http(data: &[u8]) {
    thread_local! {
        static RIG: RefCell<Rig> = RefCell::new(Rig::new(Link::http(1 << 20), Link::http(1_000)));
    }
    RIG.with_borrow_mut(|rig| rig.run(data));
}

struct Rig {
    tracer: Tracer,
    memory: MemoryReporter,
    wide: Link,
    narrow: Link,
}

type Tags = Vec<(String, TagValue<'static>)>;

/// What is to arrive of a span.
#[derive(Debug)]
struct Expected {
    context: SpanContext,
    parent: u64,
    name: String,
    references: Vec<(RefType, u128, u64)>,
    start: Option<i64>,
    finish: Option<i64>,
    tags: Tags,
    logs: Vec<(Option<i64>, Tags)>,
    truncated: bool,
    budget: usize,
}

impl Rig {
    fn new(wide: Link, narrow: Link) -> Self {
        let memory = MemoryReporter::new();
        let tracer = Tracer::builder("fuzz")
            .sampler(Sampler::constant(true))
            .reporter(memory.clone())
            .tag("text", "\u{e4}\0")
            .tag("whole", i64::MIN)
            .tag("half", 0.5)
            .tag("truth", true)
            .tag("bytes", vec![0u8, 255])
            .build()
            .expect("nothing is wrong with it");
        Self {
            tracer,
            memory,
            wide,
            narrow,
        }
    }

    fn run(&mut self, data: &[u8]) {
        let Ok(plan) = Plan::arbitrary_take_rest(Unstructured::new(data)) else {
            return;
        };
        let mut budget = BUDGET;
        let mut expected = Vec::new();
        for span in &plan.spans {
            let one = make(&self.tracer, span, budget);
            budget = one.budget;
            expected.push(one);
        }
        if expected.is_empty() {
            return;
        }
        self.tracer
            .flush(Duration::from_secs(20))
            .expect("memory takes them");
        let taken = self.memory.take_with_process();
        assert_eq!(taken.len(), expected.len());
        let process = taken[0].0.clone();
        let records: Vec<_> = taken.into_iter().map(|(_, record)| record).collect();
        let link = if plan.narrow {
            &mut self.narrow
        } else {
            &mut self.wide
        };
        let batches = link.pass(&process, &records);
        check_process(&batches, plan.narrow);
        let arrived = batches.iter().flat_map(|batch| &batch.spans);
        for (span, expected) in arrived.zip(&expected) {
            check(span, expected, plan.narrow);
        }
    }
}

/// Makes a span by the public API, and says what is to come of it.
fn make(tracer: &Tracer, plan: &SpanPlan, budget: usize) -> Expected {
    let name = plan.name.text();
    let mut builder = match plan.name {
        Name::Static(true) => tracer.build_span("static"),
        Name::Static(false) => tracer.build_span(""),
        Name::Owned(_) => tracer.build_span(name.clone()),
    };
    let mut references = Vec::new();
    for reference in &plan.references {
        let context = reference.context();
        let (ids, kind) = (
            (context.trace_id().into(), context.span_id().into()),
            reference.is_parent,
        );
        builder = if kind {
            builder.child_of(&context)
        } else {
            builder.follows_from(&context)
        };
        references.push((
            if kind {
                RefType::ChildOf
            } else {
                RefType::FollowsFrom
            },
            ids.0,
            ids.1,
        ));
    }
    if let Some(start) = plan.start {
        builder = builder.start_time(time(start));
    }
    let mut span = builder.start();
    let context = span.context();
    let parent = u64::from(context.parent_id());
    if let [(RefType::ChildOf, _, id)] = references[..] {
        assert_eq!(id, parent);
        references.clear();
    } else if parent != 0 {
        let named = (RefType::ChildOf, context.trace_id().into(), parent);
        if !references
            .iter()
            .any(|&(_, trace, id)| (trace, id) == (named.1, named.2))
        {
            references.insert(0, named);
        }
    }
    let is_root = references.is_empty() && parent == 0;
    let mut expected = Expected {
        context,
        parent,
        name: String::new(),
        references,
        start: plan.start,
        finish: plan.finish,
        tags: Vec::new(),
        logs: Vec::new(),
        truncated: false,
        budget: budget.saturating_sub(2 * NAME),
    };
    expected.name = expected.kept(&name, NAME);
    for edit in &plan.edits {
        expected.edit(edit, &mut span);
    }
    if is_root {
        expected.tags.push(("sampler.type".into(), "const".into()));
        expected.tags.push(("sampler.param".into(), true.into()));
    }
    if expected.truncated {
        expected.tags.push((MARK.into(), true.into()));
    }
    match plan.finish {
        Some(finish) => span.finish_at(time(finish)),
        None => span.finish(),
    }
    expected
}

impl Expected {
    /// The longest beginning of a text that is kept.
    fn kept(&mut self, text: &str, most: usize) -> String {
        let kept = &text[..text.floor_char_boundary(most)];
        self.truncated |= kept.len() < text.len();
        kept.to_owned()
    }

    fn kept_value(&mut self, value: TagValue<'static>) -> TagValue<'static> {
        match value {
            TagValue::Str(text) => self.kept(&text, VALUE).into(),
            TagValue::Bytes(bytes) => {
                self.truncated |= bytes.len() > VALUE;
                bytes[..bytes.len().min(VALUE)].to_vec().into()
            }
            value => value,
        }
    }

    /// Takes from the budget what a key and a value may take, if there is enough.
    fn afford(&mut self, bytes: usize) -> bool {
        match self.budget.checked_sub(bytes) {
            Some(left) => self.budget = left,
            None => return false,
        }
        true
    }

    fn edit(&mut self, edit: &EditPlan, span: &mut tracer_core::Span) {
        match edit {
            EditPlan::Tag(key, value) => {
                let (key, value) = (key.text(), value.value());
                if !self.afford(cost(&key, &value)) {
                    return;
                }
                span.set_tag(key.clone(), value.clone());
                let (key, value) = (self.kept(&key, NAME), self.kept_value(value));
                match self.tags.iter_mut().find(|(known, _)| *known == key) {
                    Some(tag) => tag.1 = value,
                    None => self.tags.push((key, value)),
                }
            }
            EditPlan::Log(at, fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(key, value)| (key.text(), value.value()))
                    .collect();
                let most = 40
                    + fields
                        .iter()
                        .map(|(key, value)| cost(key, value))
                        .sum::<usize>();
                if !self.afford(most) {
                    return;
                }
                match at {
                    Some(at) => span.log_at(time(*at), fields.clone()),
                    None => span.log(fields.clone()),
                };
                self.log(*at, fields);
            }
            EditPlan::Name(name) => {
                let text = name.text();
                if !self.afford(NAME) {
                    return;
                }
                match name {
                    Name::Static(true) => span.set_operation_name("static"),
                    Name::Static(false) => span.set_operation_name(""),
                    Name::Owned(_) => span.set_operation_name(text.clone()),
                };
                self.name = self.kept(&text, NAME);
            }
            EditPlan::Baggage(key, value) => {
                let (key, value) = (key.text(), value.text());
                if !self.afford(300 + key.len() + value.len()) {
                    return;
                }
                let is_old = span.baggage_item(&key).is_some();
                span.set_baggage_item(&key, &value);
                let is_set = value.is_empty() || span.baggage_item(&key) == Some(&value);
                let mut fields = vec![("event", "baggage"), ("key", &key), ("value", &value)];
                fields.extend(is_old.then_some(("override", "true")));
                fields.extend((!is_set).then_some(("invalid", "true")));
                let owned = |(key, value): (&str, &str)| {
                    (key.to_owned(), TagValue::from(value).into_owned())
                };
                self.log(None, fields.into_iter().map(owned).collect());
            }
        }
    }

    fn log(&mut self, at: Option<i64>, fields: Tags) {
        if !fields.is_empty() {
            let kept = fields
                .into_iter()
                .map(|(key, value)| (self.kept(&key, NAME), self.kept_value(value)))
                .collect();
            self.logs.push((at, kept));
        }
    }
}

/// What a tag takes at most, by a generous count.
fn cost(key: &str, value: &TagValue<'_>) -> usize {
    let value = match value {
        TagValue::Str(text) => text.len(),
        TagValue::Bytes(bytes) => bytes.len(),
        _ => 8,
    };
    key.len() + value + 40
}

fn check_process(batches: &[Batch], is_cut: bool) {
    for batch in batches {
        assert_eq!(&*batch.process.service, "fuzz");
        assert!(batch.seq_no.is_some_and(|number| number > 0));
        let tag = |key| batch.process.tag(key);
        assert!(is_cut || tag("whole") == Some(&Decoded::Int(i64::MIN)));
        assert!(is_cut || tag("text") == Some(&Decoded::String("\u{e4}\0".into())));
        assert!(is_cut || tag("half") == Some(&Decoded::Float(0.5)));
        assert!(is_cut || tag("truth") == Some(&Decoded::Bool(true)));
        assert!(is_cut || tag("bytes") == Some(&Decoded::Binary([0, 255].into())));
    }
}

/// Compares all there is; of a span that a narrow link had to cut, what it must still have.
fn check(span: &Span, expected: &Expected, may_be_cut: bool) {
    let context = &expected.context;
    assert_eq!(span.trace_id.get(), u128::from(context.trace_id()));
    assert_eq!(span.span_id.get(), u64::from(context.span_id()));
    assert_eq!(
        span.parent_span_id.map_or(0, |id| id.get()),
        expected.parent
    );
    assert_eq!(span.flags, u32::from(context.flags()));
    check_times(span, expected);
    let is_marked = span.tags.last()
        == Some(&Tag {
            key: MARK.into(),
            value: Decoded::Bool(true),
        });
    if may_be_cut && is_marked && !is_whole(span, expected) {
        let kept = span.operation.len();
        assert!(
            expected.name.starts_with(&*span.operation),
            "{:?}",
            span.operation
        );
        assert!(
            kept == expected.name.len() || kept + 3 >= SHORTEST_NAME,
            "{:?}",
            span.operation
        );
        let mut known = expected.tags.iter();
        for tag in span.tags.iter().filter(|tag| *tag.key != *MARK) {
            let found = known
                .find(|(key, _)| **key == *tag.key)
                .expect("tags are left out, not made up or moved");
            assert!(is_beginning(&tag.value, &found.1), "{tag:?} of {found:?}");
        }
        return;
    }
    assert_eq!(*span.operation, *expected.name);
    let references = span
        .references
        .iter()
        .map(|other| (other.ref_type, other.trace_id.get(), other.span_id.get()));
    assert!(
        references.eq(expected.references.iter().copied()),
        "{:?}, not {:?}",
        span.references,
        expected.references
    );
    assert!(
        same_tags(&span.tags, &expected.tags),
        "{:?}, not {:?}",
        span.tags,
        expected.tags
    );
    assert_eq!(span.logs.len(), expected.logs.len());
    for (log, (at, fields)) in span.logs.iter().zip(&expected.logs) {
        assert!(
            same_tags(&log.fields, fields),
            "{:?}, not {fields:?}",
            log.fields
        );
        if let Some(at) = at {
            assert_eq!(log.time(), time(micros(*at).max(0) * 1000));
        }
    }
}

fn is_whole(span: &Span, expected: &Expected) -> bool {
    span.logs.len() == expected.logs.len()
        && same_tags(&span.tags, &expected.tags)
        && *span.operation == *expected.name
}

fn check_times(span: &Span, expected: &Expected) {
    let Some(start) = expected.start.map(micros) else {
        return;
    };
    // The agent has no times before the epoch.
    assert_eq!(span.start(), time(start.max(0) * 1000));
    if let Some(finish) = expected.finish.map(micros) {
        let micros = u64::try_from(finish.saturating_sub(start)).unwrap_or(0);
        assert_eq!(span.duration(), Duration::from_micros(micros));
    }
}

/// Whole microseconds, rounded down.
fn micros(nanos: i64) -> i64 {
    nanos.div_euclid(1000)
}

fn same_tags(arrived: &[Tag], expected: &[(String, TagValue<'_>)]) -> bool {
    let same = |(tag, (key, value)): (&Tag, &(String, TagValue<'_>))| {
        *tag.key == **key && is_same(&tag.value, value)
    };
    arrived.len() == expected.len() && arrived.iter().zip(expected).all(same)
}

/// Equality, by the bits of numbers; those that JSON lacks arrive as text.
fn is_same(arrived: &Decoded, expected: &TagValue<'_>) -> bool {
    match (arrived, expected) {
        (Decoded::String(one), TagValue::Str(other)) => **one == **other,
        (Decoded::Bool(one), TagValue::Bool(other)) => one == other,
        (Decoded::Int(one), TagValue::I64(other)) => one == other,
        (Decoded::String(one), TagValue::F64(other)) if !other.is_finite() => {
            **one == *other.to_string()
        }
        (Decoded::Float(one), TagValue::F64(other)) if other.is_finite() => {
            one.to_bits() == other.to_bits()
        }
        (Decoded::Binary(one), TagValue::Bytes(other)) => **one == **other,
        _ => false,
    }
}

fn is_beginning(arrived: &Decoded, expected: &TagValue<'_>) -> bool {
    match (arrived, expected) {
        (Decoded::String(one), TagValue::Str(other)) => other.starts_with(&**one),
        (Decoded::Binary(one), TagValue::Bytes(other)) => other.starts_with(one),
        _ => is_same(arrived, expected),
    }
}
