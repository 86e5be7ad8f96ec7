//! Jaeger's structs against bytes that Apache Thrift's Python library made from the same values, and against the decoder of
//! its Rust library.

use super::jaeger::{self, Extent, Framing};
use super::sample::{details, log, process, span, tag, timed};
use super::{Binary, Buffer, Compact, Protocol};
use crate::context::{Decision, SpanContext};
use crate::details::{Reference, ReferenceKind};
use crate::id::TraceId;
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
    first.name = "op";
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

fn golden<P: Protocol>() -> String {
    let mut out = Buffer::with_capacity(1000);
    jaeger::batch_head::<P>(&mut out, Framing::EmitBatch, &process("svc"), Extent::WHOLE);
    jaeger::spans_head::<P>(&mut out, 2);
    for record in golden_spans() {
        jaeger::span::<P>(&mut out, &record, Extent::WHOLE);
    }
    let losses = Losses {
        queue_full: 1,
        too_large: 2,
        failed: 300,
    };
    jaeger::batch_tail::<P>(&mut out, Framing::EmitBatch, 7, losses);
    assert!(!out.is_full());
    out.as_slice()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
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
