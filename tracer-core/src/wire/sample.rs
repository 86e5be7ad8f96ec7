//! Records for tests: by hand, and arbitrary ones.

use std::borrow::Cow;

use proptest::prelude::*;

use crate::callsite::Callsite;
use crate::clock::Instant;
use crate::context::{Decision, SpanContext};
use crate::details::{Details, Limits, LogTime, Reference, ReferenceKind};
use crate::id::{SpanId, TraceId};
use crate::name::Name;
use crate::process::Process;
use crate::record::{SamplerKind, SamplerTags, SpanRecord};
use crate::tag::TagValue;

pub(crate) const START: i64 = 1_600_000_000_000_000;

/// A span of the trace 0x0123456789abcdef.
pub(crate) fn span(id: u64, parent: u64) -> SpanRecord {
    let trace = TraceId::from(0x0123_4567_89ab_cdef_u128);
    let context =
        SpanContext::remote(trace, id.into(), Decision::Sampled).with_parent_id(parent.into());
    timed(context, START, START)
}

/// A span that lasts from one time to another, in microseconds.
pub(crate) fn timed(context: SpanContext, start: i64, end: i64) -> SpanRecord {
    let mut record = SpanRecord {
        context,
        name: Name::NONE,
        start: Instant::ZERO,
        end: Instant::ZERO,
        details: Some(Box::new(Details::new(Limits::default()))),
        sampler: None,
    };
    let details = details(&mut record);
    details.started_at = Some(start * 1000);
    details.finished_at = Some(end * 1000);
    record
}

pub(crate) fn details(record: &mut SpanRecord) -> &mut Details {
    record
        .details
        .get_or_insert_with(|| Box::new(Details::new(Limits::default())))
}

pub(crate) fn tag<'v>(record: &mut SpanRecord, key: &'static str, value: impl Into<TagValue<'v>>) {
    assert!(details(record).set_tag(key, &value.into()));
}

/// A log at a time in microseconds.
pub(crate) fn log(record: &mut SpanRecord, time: i64, key: &'static str, value: &str) {
    assert!(details(record).log(
        LogTime::Wall(time * 1000),
        &[(Cow::Borrowed(key), value.into())]
    ));
}

pub(crate) fn process(service: &str) -> Process {
    Process {
        service_name: service.into(),
        tags: vec![("hostname".into(), TagValue::from("h"))],
    }
}

/// As above with 3 tags and 1 log, as the benchmarks have them.
pub(crate) fn usual(id: u64) -> SpanRecord {
    let mut record = span(id, 1);
    record.name = Name::Text("operation");
    tag(&mut record, "component", "benchmark");
    tag(&mut record, "index", 12_345);
    tag(&mut record, "text", "value 12345");
    log(&mut record, START, "event", "happened");
    record
}

pub(crate) fn any_value() -> impl Strategy<Value = TagValue<'static>> {
    prop_oneof![
        any::<bool>().prop_map(TagValue::Bool),
        any::<i64>().prop_map(TagValue::I64),
        prop::num::f64::ANY.prop_map(TagValue::F64),
        "\\PC{0,40}".prop_map(TagValue::from),
        (0..6000_usize).prop_map(|len| TagValue::from("ä".repeat(len))),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(TagValue::from),
    ]
}

fn any_fields() -> impl Strategy<Value = Vec<(String, TagValue<'static>)>> {
    prop::collection::vec(("\\PC{0,12}", any_value()), 0..8)
}

pub(crate) fn any_process() -> impl Strategy<Value = Process> {
    ("\\PC{0,40}", any_fields()).prop_map(|(service, tags)| Process {
        service_name: service.into(),
        tags: tags
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    })
}

fn any_context() -> impl Strategy<Value = SpanContext> {
    (any::<(u128, u64, u64, u8)>()).prop_map(|(trace, span, parent, flags)| {
        SpanContext::remote(TraceId::from(trace), SpanId::from(span), Decision::Sampled)
            .with_parent_id(parent.into())
            .with_flags(flags)
    })
}

/// A span with contents of every kind; mostly small, sometimes of several ten thousand bytes.
pub(crate) fn any_span() -> impl Strategy<Value = SpanRecord> {
    let references = prop::collection::vec((any::<bool>(), any_context()), 0..3);
    let logs = prop::collection::vec((any::<i32>(), any_fields()), 0..6);
    let rest = (any::<bool>(), any::<bool>(), prop::option::of("\\PC{0,60}"));
    (
        any_context(),
        any::<(i32, i32)>(),
        any_fields(),
        logs,
        references,
        rest,
    )
        .prop_map(
            |(context, (start, duration), tags, logs, references, (root, traced, name))| {
                let start = START + i64::from(start);
                let mut record = timed(context, start, start + i64::from(duration));
                static SITE: Callsite = Callsite::new("work", "shop::orders", "src/orders.rs", 42);
                record.name = if traced {
                    Name::Site(&SITE)
                } else {
                    Name::Text("static")
                };
                let details = details(&mut record);
                if let Some(name) = name {
                    details.set_name(&name);
                }
                for (key, value) in tags {
                    details.set_tag(&key, &value);
                }
                for (time, fields) in logs {
                    let fields: Vec<_> = fields
                        .into_iter()
                        .map(|(key, value)| (Cow::Owned(key), value))
                        .collect();
                    details.log(LogTime::Wall(i64::from(time) * 1_000_000), &fields);
                }
                details.references = references
                    .into_iter()
                    .map(|(child, context)| Reference {
                        kind: if child {
                            ReferenceKind::ChildOf
                        } else {
                            ReferenceKind::FollowsFrom
                        },
                        context,
                    })
                    .collect();
                record.sampler = root.then_some(SamplerTags {
                    kind: SamplerKind::Probabilistic,
                    param: 0.5,
                });
                record
            },
        )
}
