//! The same batch as Apache Thrift's own library wrote it, in both protocols, read back field by field.

use std::time::{Duration, SystemTime};

use tracer_agent::receive::{DecodeError, decode_batch_binary, decode_binary, decode_compact};
use tracer_agent::{Batch, RefType, SpanId, Tag, TagValue, TraceId};

pub(crate) const COMPACT: &str = "82810109656d697442617463681c1c1803737663191c1808686f73746e616d6515001801680000192c16deb7de9af1d9a2a30216001690deb3d68ad199a222160018026f702502168080a0faa0ccd70516a413196c180173150018017600180164150227000000000000f83f00180162150431001801661504320018016c150646010018016e15085802000100191c16e887a0faa0ccd705191c18056576656e74150018016500000016deb7de9af1d9a2a302160116041690deb3d68ad199a2221800191c150216deb7de9af1d9a2a30216011690deb3d68ad199a222001506168280a0faa0ccd705160000160e1c1602160416d804000000";

pub(crate) const BINARY: &str = "8001000400000009656d69744261746368000000010c00010c00010b0001000000037376630f00020c000000010b000100000008686f73746e616d65080002000000000b0003000000016800000f00020c000000020a00010123456789abcdef0a000200000000000000000a000311223344556677880a000400000000000000000b0005000000026f70080007000000010a00080005af3107a400000a000900000000000004d20f000a0c000000060b00010000000173080002000000000b00030000000176000b00010000000164080002000000010400043ff8000000000000000b000100000001620800020000000202000501000b000100000001660800020000000202000500000b0001000000016c080002000000030a0006ffffffffffffffff000b0001000000016e080002000000040b0007000000020001000f000b0c000000010a00010005af3107a401f40f00020c000000010b0001000000056576656e74080002000000000b000300000001650000000a00010123456789abcdef0a0002ffffffffffffffff0a000300000000000000020a000411223344556677880b0005000000000f00060c00000001080001000000010a00020123456789abcdef0a0003ffffffffffffffff0a0004112233445566778800080007000000030a00080005af3107a400010a00090000000000000000000a000300000000000000070c00040a000100000000000000010a000200000000000000020a0003000000000000012c000000";

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn compact_golden_vector_is_read_field_by_field() {
    check(&decode_compact(&bytes(COMPACT)));
}

#[test]
fn binary_golden_vector_is_read_field_by_field() {
    check(&decode_binary(&bytes(BINARY)));
}

#[test]
fn a_bare_batch_is_the_message_without_its_envelope() {
    let message = bytes(BINARY);
    // Envelope of 21 bytes, head of the argument of 3; the end of the arguments at the end.
    check(&decode_batch_binary(&message[24..message.len() - 1]));
}

fn check(decoded: &Result<Batch, DecodeError>) {
    let batch = decoded.as_ref().unwrap();
    assert_eq!(&*batch.process.service, "svc");
    assert_eq!(
        tags(&batch.process.tags),
        [("hostname", TagValue::String("h".into()))]
    );
    assert_eq!(batch.seq_no, Some(7));
    let stats = batch.stats.unwrap();
    let counts = (
        stats.full_queue_dropped_spans,
        stats.too_large_dropped_spans,
        stats.failed_to_emit_spans,
    );
    assert_eq!(counts, (1, 2, 300));
    let [a, b] = batch.spans.as_slice() else {
        panic!("two spans: {batch:?}")
    };

    assert_eq!(a.trace_id, TraceId::new(0x0123_4567_89ab_cdef));
    assert_eq!(a.span_id, SpanId::new(0x1122_3344_5566_7788));
    assert_eq!((a.parent_span_id, a.parent()), (None, None));
    assert_eq!((&*a.operation, a.flags, a.references.len()), ("op", 1, 0));
    assert_eq!(
        a.start(),
        SystemTime::UNIX_EPOCH + Duration::from_micros(1_600_000_000_000_000)
    );
    assert_eq!(a.duration(), Duration::from_micros(1_234));
    let expected = [
        ("s", TagValue::String("v".into())),
        ("d", TagValue::Float(1.5)),
        ("b", TagValue::Bool(true)),
        ("f", TagValue::Bool(false)),
        ("l", TagValue::Int(-1)),
        ("n", TagValue::Binary([0, 1].into())),
    ];
    assert_eq!(tags(&a.tags), expected);
    assert_eq!(a.logs.len(), 1);
    assert_eq!(
        a.logs[0].time(),
        SystemTime::UNIX_EPOCH + Duration::from_micros(1_600_000_000_000_500)
    );
    assert_eq!(
        tags(&a.logs[0].fields),
        [("event", TagValue::String("e".into()))]
    );

    assert_eq!(
        b.trace_id,
        TraceId::from_parts(u64::MAX, 0x0123_4567_89ab_cdef)
    );
    assert_eq!(b.span_id, SpanId::new(2));
    assert_eq!(b.parent(), Some(a.span_id));
    assert_eq!((&*b.operation, b.flags), ("", 3));
    let [reference] = &*b.references else {
        panic!("one reference: {b:?}")
    };
    assert_eq!(reference.ref_type, RefType::FollowsFrom);
    assert_eq!(
        (reference.trace_id, reference.span_id),
        (b.trace_id, a.span_id)
    );
    assert_eq!(
        b.start(),
        SystemTime::UNIX_EPOCH + Duration::from_micros(1_600_000_000_000_001)
    );
    assert_eq!(b.duration(), Duration::ZERO);
    assert!(b.tags.is_empty() && b.logs.is_empty());
}

fn tags(tags: &[Tag]) -> Vec<(&str, TagValue)> {
    tags.iter()
        .map(|tag| (&*tag.key, tag.value.clone()))
        .collect()
}
