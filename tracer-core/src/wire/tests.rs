//! Jaeger's structs against bytes that Apache Thrift's Python library made from the same values, and against the decoder of
//! its Rust library.

use proptest::prelude::*;

use super::jaeger::{self, Extent, Framing};
use super::reading::{self, Read};
use super::sample::{any_process, any_span, details, log, process, span, tag, timed};
use super::{Binary, Buffer, Compact, Known, Protocol};
use crate::context::{Decision, SpanContext};
use crate::details::{Reference, ReferenceKind};
use crate::id::TraceId;
use crate::name::Name;
use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::Losses;

const COMPACT: &str = "\
    82810109656d697442617463681c1c1803737663191c1808686f73746e616d6515001801680000192c16deb7de9af1d9a2a3\
    0216001690deb3d68ad199a222160018026f702502168080a0faa0ccd70516a413196c180173150018017600180164150227\
    000000000000f83f00180162150431001801661504320018016c150646010018016e15085802000100191c16e887a0faa0cc\
    d705191c18056576656e74150018016500000016deb7de9af1d9a2a302160116041690deb3d68ad199a2221800191c150216\
    deb7de9af1d9a2a30216011690deb3d68ad199a222001506168280a0faa0ccd705160000160e1c1602160416d804000000";

const BINARY: &str = "\
    8001000400000009656d69744261746368000000010c00010c00010b0001000000037376630f00020c000000010b00010000\
    0008686f73746e616d65080002000000000b0003000000016800000f00020c000000020a00010123456789abcdef0a000200\
    000000000000000a000311223344556677880a000400000000000000000b0005000000026f70080007000000010a00080005\
    af3107a400000a000900000000000004d20f000a0c000000060b00010000000173080002000000000b00030000000176000b\
    00010000000164080002000000010400043ff8000000000000000b000100000001620800020000000202000501000b000100\
    000001660800020000000202000500000b0001000000016c080002000000030a0006ffffffffffffffff000b000100000001\
    6e080002000000040b0007000000020001000f000b0c000000010a00010005af3107a401f40f00020c000000010b00010000\
    00056576656e74080002000000000b000300000001650000000a00010123456789abcdef0a0002ffffffffffffffff0a0003\
    00000000000000020a000411223344556677880b0005000000000f00060c00000001080001000000010a00020123456789ab\
    cdef0a0003ffffffffffffffff0a0004112233445566778800080007000000030a00080005af3107a400010a000900000000\
    00000000000a000300000000000000070c00040a000100000000000000010a000200000000000000020a0003000000000000\
    012c000000";

/// The two spans of the golden batch: one with a tag of each type and a log, one with a reference that is also its parent.
fn golden_spans() -> [SpanRecord; 2] {
    let mut first = span(0x1122_3344_5566_7788, 0);
    first.name = Name::Text("op");
    let start = super::sample::START;
    details(&mut first).finished_at = Some((start + 1234) * 1000);
    tag(&mut first, "s", "v");
    tag(&mut first, "d", 1.5);
    tag(&mut first, "b", true);
    tag(&mut first, "f", false);
    tag(&mut first, "l", -1);
    tag(&mut first, "n", vec![0u8, 1]);
    log(&mut first, start + 500, "event", "e");

    let trace = TraceId {
        high: u64::MAX,
        low: 0x0123_4567_89ab_cdef,
    };
    let caller = SpanContext::remote(trace, 0x1122_3344_5566_7788.into(), Decision::Sampled);
    let own =
        SpanContext::remote(trace, 2.into(), Decision::Debug).with_parent_id(caller.span_id());
    let mut second = timed(own, start + 1, start + 1);
    details(&mut second).references.push(Reference {
        kind: ReferenceKind::FollowsFrom,
        context: caller,
    });
    [first, second]
}

fn encode<P: Protocol>(framing: Framing, process: &Process, spans: &[SpanRecord]) -> Vec<u8> {
    let mut out = Buffer::with_capacity(1 << 20);
    jaeger::batch_head::<P>(&mut out, framing, process, Extent::WHOLE);
    jaeger::spans_head::<P>(&mut out, spans.len());
    let mut known = Known::default();
    for record in spans {
        jaeger::span::<P>(&mut out, record, Extent::WHOLE, &mut known);
    }
    let losses = Losses {
        queue_full: 1,
        too_large: 2,
        failed: 300,
    };
    jaeger::batch_tail::<P>(&mut out, framing, 7, losses);
    assert!(!out.is_full());
    out.as_slice().to_vec()
}

fn golden<P: Protocol>() -> String {
    let message = encode::<P>(Framing::EmitBatch, &process("svc"), &golden_spans());
    message.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_batch_in_the_compact_protocol_has_the_golden_bytes() {
    // The vector numbers its message 1 where we write 0.
    assert_eq!(golden::<Compact>(), COMPACT.replacen("828101", "828100", 1));
}

#[test]
fn a_batch_in_the_binary_protocol_has_the_golden_bytes() {
    let (envelope, rest) = BINARY.split_at("80010004".len() + 8 + 2 * "emitBatch".len());
    assert_eq!(
        golden::<Binary>(),
        format!("{envelope}{}", rest.replacen("00000001", "00000000", 1))
    );
}

fn read_back<P: Protocol + Read>(framing: Framing, process: &Process, spans: &[SpanRecord]) {
    let batch = reading::batch::<P>(&encode::<P>(framing, process, spans), framing);
    assert_eq!(batch.field(1), Some(&reading::expected_process(process)));
    let read = batch.field(2).map(|spans| spans.list());
    assert_eq!(
        read,
        Some(&*spans.iter().map(reading::expected_span).collect::<Vec<_>>())
    );
    assert_eq!(batch.field(3).map(reading::Value::i64), Some(7));
    let stats: Vec<_> = (1..=3)
        .map(|id| batch.field(4).unwrap().field(id).unwrap().i64())
        .collect();
    assert_eq!(stats, [1, 2, 300]);
}

#[test]
fn the_library_of_thrift_reads_the_golden_batch() {
    read_back::<Compact>(Framing::EmitBatch, &process("svc"), &golden_spans());
    read_back::<Binary>(Framing::Bare, &process("svc"), &golden_spans());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_library_of_thrift_reads_what_is_written(
        process in any_process(),
        spans in prop::collection::vec(any_span(), 0..20),
    ) {
        read_back::<Compact>(Framing::EmitBatch, &process, &spans);
        read_back::<Binary>(Framing::Bare, &process, &spans);
    }
}

#[test]
fn numbers_that_json_lacks_go_as_text() {
    let mut record = span(1, 0);
    for (key, value) in [
        ("a", f64::NAN),
        ("b", f64::INFINITY),
        ("c", f64::NEG_INFINITY),
        ("d", f64::MAX),
    ] {
        tag(&mut record, key, value);
    }
    let batch = reading::batch::<Compact>(
        &encode::<Compact>(Framing::Bare, &process("svc"), &[record]),
        Framing::Bare,
    );
    let tags = batch.field(2).unwrap().list()[0].field(10).unwrap().list();
    let text = |at: usize| (tags[at].field(2).cloned(), tags[at].field(3).cloned());
    for (at, expected) in ["NaN", "inf", "-inf"].into_iter().enumerate() {
        let expected = reading::Value::Bytes(expected.into());
        assert_eq!(text(at), (Some(reading::Value::I32(0)), Some(expected)));
    }
    let largest = reading::Value::F64(f64::MAX.to_bits());
    assert_eq!(tags[3].field(4), Some(&largest));
}

#[test]
fn a_child_does_not_stick_out_of_its_parent_by_rounding() {
    for (parent, child) in [
        ((1_999, 5_001), (2_001, 4_999)),
        ((1_001, 2_999), (1_001, 2_000)),
        ((-2_999, 1), (-2_998, 0)),
    ] {
        let micros = |(start, end)| {
            let mut record = span(1, 0);
            details(&mut record).started_at = Some(start);
            details(&mut record).finished_at = Some(end);
            let batch = reading::batch::<Binary>(
                &encode::<Binary>(Framing::Bare, &process("svc"), &[record]),
                Framing::Bare,
            );
            let span = &batch.field(2).unwrap().list()[0];
            let start = span.field(8).unwrap().i64();
            (start, start + span.field(9).unwrap().i64())
        };
        let (parent, child) = (micros(parent), micros(child));
        assert!(
            parent.0 <= child.0 && child.1 <= parent.1,
            "{parent:?} {child:?}"
        );
    }
}

#[test]
fn several_references_go_with_the_parent_among_them() {
    let other = |trace: u128, id: u64| {
        SpanContext::remote(TraceId::from(trace), id.into(), Decision::Sampled)
    };
    let mut record = span(3, 2);
    details(&mut record).references = vec![
        Reference {
            kind: ReferenceKind::FollowsFrom,
            context: other(77, 9),
        },
        Reference {
            kind: ReferenceKind::ChildOf,
            context: SpanContext::EMPTY,
        },
    ];
    let batch = reading::batch::<Compact>(
        &encode::<Compact>(Framing::Bare, &process("svc"), &[record]),
        Framing::Bare,
    );
    let span = &batch.field(2).unwrap().list()[0];
    let references: Vec<_> = span
        .field(6)
        .unwrap()
        .list()
        .iter()
        .map(|it| (it.field(1).unwrap().clone(), it.field(4).unwrap().i64()))
        .collect();
    assert_eq!(
        references,
        [(reading::Value::I32(0), 2), (reading::Value::I32(1), 9)]
    );
    assert_eq!(span.field(4).unwrap().i64(), 2);
}
