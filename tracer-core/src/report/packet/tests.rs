//! Packets, read back by the library of Thrift.

use proptest::prelude::*;

use super::*;
use crate::tags;
use crate::wire::reading::{self, Read, Value};
use crate::wire::sample::{any_process, any_span, details, log, process, span, tag, usual};
use crate::wire::{Binary, Compact};

const LOSSES: Losses = Losses {
    queue_full: 3,
    too_large: 2,
    failed: 1,
};

/// Sends spans in packets as reporters do; what was sent, and the spans that did not fit.
fn packed<P: Protocol>(
    framing: Framing,
    limit: usize,
    process: &Process,
    spans: &[SpanRecord],
) -> (Vec<Vec<u8>>, usize) {
    let mut packet = Packet::<P>::new(framing, limit);
    packet.begin(process);
    let mut messages = Vec::new();
    let mut close = |packet: &mut Packet<P>| {
        if packet.spans() > 0 {
            messages.push(packet.close(messages.len() as u64 + 1, LOSSES).to_vec());
            packet.clear();
        }
    };
    let mut too_large = 0;
    for record in spans {
        if !packet.push(record) {
            close(&mut packet);
            too_large += usize::from(!packet.push_cut(record));
        }
    }
    close(&mut packet);
    (messages, too_large)
}

fn tag_of<'v>(span: &'v Value, key: &str) -> Option<&'v Value> {
    let tags = span.field(10).map_or(&[][..], Value::list);
    tags.iter()
        .find(|tag| tag.field(1) == Some(&Value::Bytes(key.into())))
}

/// Every message is within the limit and complete, and every span is in one of them, once and in order: as it is, or
/// marked as truncated.
fn check<P: Protocol + Read>(
    framing: Framing,
    limit: usize,
    process: &Process,
    spans: &[SpanRecord],
) {
    let (messages, too_large) = packed::<P>(framing, limit, process, spans);
    assert_eq!(too_large, 0, "the smallest limit has room for an identity");
    let mut expected = spans.iter();
    for (at, message) in messages.iter().enumerate() {
        assert!(message.len() <= limit, "{} > {limit}", message.len());
        let batch = reading::batch::<P>(message, framing);
        assert_eq!(batch.field(3).map(Value::i64), Some(at as i64 + 1));
        assert_eq!(
            batch
                .field(4)
                .and_then(|stats| stats.field(3))
                .map(Value::i64),
            Some(1)
        );
        if process.service_name().len() <= 64 {
            let service = Value::Bytes(process.service_name().into());
            assert_eq!(
                batch.field(1).and_then(|process| process.field(1)),
                Some(&service)
            );
        }
        for read in batch.field(2).unwrap().list() {
            let whole = reading::expected_span(expected.next().unwrap());
            if *read != whole {
                assert!(tag_of(read, tags::TRUNCATED).is_some());
                for id in [1, 2, 3, 4, 7, 8, 9] {
                    assert_eq!(read.field(id), whole.field(id));
                }
            }
        }
    }
    assert!(expected.next().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_span_arrives_once_and_no_packet_is_too_long(
        limit in prop_oneof![512..2_000_usize, 2_000..65_508_usize],
        process in any_process(),
        spans in prop::collection::vec(any_span(), 0..40),
    ) {
        check::<Compact>(Framing::EmitBatch, limit, &process, &spans);
        check::<Binary>(Framing::Bare, limit, &process, &spans);
    }
}

fn only_span<P: Protocol + Read>(limit: usize, record: SpanRecord) -> Value {
    let (messages, too_large) = packed::<P>(Framing::Bare, limit, &process("svc"), &[record]);
    assert_eq!((messages.len(), too_large), (1, 0));
    reading::batch::<P>(&messages[0], Framing::Bare)
        .field(2)
        .unwrap()
        .list()[0]
        .clone()
}

#[test]
fn a_span_that_is_too_large_first_loses_its_logs() {
    let mut record = usual(2);
    for _ in 0..10 {
        log(&mut record, 0, "message", &"long ".repeat(50));
    }
    let read = only_span::<Compact>(1_400, record);
    assert!(read.field(11).is_none());
    let text = Value::Bytes("value 12345".into());
    assert_eq!(
        tag_of(&read, "text").and_then(|tag| tag.field(3)),
        Some(&text)
    );
    assert_eq!(
        tag_of(&read, tags::TRUNCATED).and_then(|tag| tag.field(5)),
        Some(&Value::Bool(true))
    );
}

#[test]
fn then_its_values_are_cut_on_character_boundaries() {
    let mut record = usual(2);
    tag(
        &mut record,
        "statement",
        format!("SELECT {}", "ä".repeat(2_000)),
    );
    let read = only_span::<Compact>(1_400, record);
    let Some(Value::Bytes(statement)) = tag_of(&read, "statement").and_then(|tag| tag.field(3))
    else {
        panic!()
    };
    let statement = std::str::from_utf8(statement).unwrap();
    assert!(statement.starts_with("SELECT ää") && (1_023..=1_024).contains(&statement.len()));
    assert!(tag_of(&read, tags::TRUNCATED).is_some());
}

#[test]
fn then_only_its_identity_is_left_and_marked_once() {
    static KEYS: [&str; 100] = ["a key of some length that is not cut, for keys are not"; 100];
    let mut record = usual(2);
    for (at, key) in KEYS.iter().enumerate() {
        assert!(details(&mut record).set_tag(&format!("{key} {at}"), &at.into()));
    }
    details(&mut record).truncated = true;
    details(&mut record).set_name(&"n".repeat(3_000));
    let read = only_span::<Binary>(1_400, record);
    assert_eq!(read.field(5), Some(&Value::Bytes("n".repeat(64).into())));
    assert_eq!(read.field(10).unwrap().list().len(), 1);
    assert!(tag_of(&read, tags::TRUNCATED).is_some());
}

#[test]
fn a_process_takes_at_most_half_a_packet() {
    let mut wide = process("svc");
    wide.tags
        .extend((0..20).map(|at| (format!("tag {at}").into(), "value ".repeat(20).into())));
    let spans: Vec<_> = (1..=50).map(usual).collect();
    check::<Compact>(Framing::EmitBatch, 1_400, &wide, &spans);
    let (messages, _) = packed::<Compact>(Framing::EmitBatch, 1_400, &wide, &spans);
    assert!(
        messages.len() < 20,
        "{} packets for 50 spans",
        messages.len()
    );
}

#[test]
fn a_full_packet_on_loopback_holds_more_than_three_hundred_usual_spans() {
    let spans: Vec<_> = (0..1_000)
        .map(|at| usual((u64::MAX / 3) ^ (at << 40)))
        .collect();
    let (messages, _) = packed::<Compact>(Framing::EmitBatch, 65_000, &process("svc"), &spans);
    let first = reading::batch::<Compact>(&messages[0], Framing::EmitBatch);
    let count = first.field(2).unwrap().list().len();
    assert!(count >= 300, "{count}");
    assert!(
        messages[0].len() > 64_800,
        "{} bytes of 65 000",
        messages[0].len()
    );
}

#[test]
fn a_span_with_nothing_but_a_parent_has_no_references() {
    let read = only_span::<Compact>(1_400, span(2, 1));
    assert_eq!(read.field(4).map(Value::i64), Some(1));
    assert!(read.field(6).is_none());
}
