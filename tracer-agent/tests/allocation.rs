//! What a message makes the decoder allocate, measured by a counting allocator: hence a binary of its own.
#![expect(
    clippy::expect_used,
    reason = "a helper of a test fails as the test does"
)]

use tracer_agent::Batch;
use tracer_agent::receive::{Cause, DecodeError, decode_compact, decode_otlp};

/// Decodes under the counting allocator: the result, and the most bytes held at one time.
fn measure(message: &[u8]) -> (Result<Batch, DecodeError>, u64) {
    let mut result = None;
    let info = allocation_counter::measure(|| result = Some(decode_compact(message)));
    (result.expect("it ran"), info.bytes_max)
}

/// The head of a compact `emitBatch`, its process, and the head of the list of spans.
const SPANS: &[u8] = b"\x82\x81\x01\x09emitBatch\x1c\x1c\x18\x01s\x00\x19";
/// The least span there is: eight required fields.
const SPAN: &[u8] = b"\x16\x02\x16\x00\x16\x02\x16\x00\x18\x00\x25\x02\x16\x02\x16\x00\x00";
/// The least tag.
const TAG: &[u8] = b"\x18\x00\x15\x00\x00";
const DATAGRAM: usize = 65_507;

fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn list(head: &[u8], declared: usize, content: &[u8]) -> Vec<u8> {
    [head, &[0xfc], &varint(declared), content].concat()
}

#[test]
fn declared_sizes_allocate_nothing() {
    let fill = vec![0xff; 1_000];
    for declared in [1 << 10, 1 << 16, 1 << 24, (1 << 31) - 1] {
        let lists = [
            list(SPANS, declared, b""),
            list(SPANS, declared, &fill),
            // A tag list within a process, a text, an unknown list.
            list(
                b"\x82\x81\x01\x09emitBatch\x1c\x1c\x18\x01s\x19",
                declared,
                &fill,
            ),
            [
                b"\x82\x81\x01\x09emitBatch\x1c\x1c\x18".as_slice(),
                &varint(declared),
                &fill,
            ]
            .concat(),
            list(b"\x82\x81\x01\x09emitBatch\x1c\x59", declared, &fill),
        ];
        for message in lists {
            let (result, bytes) = measure(&message);
            assert_eq!(result.expect_err("a bomb").cause(), Cause::Size);
            assert!(
                bytes < 64 << 10,
                "{declared} declared elements allocate {bytes} bytes"
            );
        }
    }
}

#[test]
fn lists_within_lists_cannot_claim_the_same_bytes_twice() {
    // A list of spans that takes all bytes there are, whose first span has a list of tags that does so again.
    let rest = DATAGRAM - 100;
    let first = [
        b"\x16\x02\x16\x00\x16\x02\x16\x00\x18\x00\x59".as_slice(),
        &[0xfc],
        &varint(rest / 5),
        &vec![0; rest],
    ]
    .concat();
    let (result, bytes) = measure(&list(SPANS, rest / 17, &first));
    assert_eq!(result.expect_err("a bomb").cause(), Cause::Size);
    assert!(bytes <= 16 * DATAGRAM as u64 + (64 << 10), "{bytes} bytes");
}

#[test]
fn the_densest_message_allocates_a_bounded_multiple_of_its_length() {
    let spans = DATAGRAM / SPAN.len() - 10;
    let tags = DATAGRAM / TAG.len() - 20;
    let process = b"\x82\x81\x01\x09emitBatch\x1c\x1c\x18\x01s\x19";
    for (message, kept) in [
        (
            [list(SPANS, spans, &SPAN.repeat(spans)), vec![0, 0]].concat(),
            spans,
        ),
        (
            [
                list(process, tags, &TAG.repeat(tags)),
                b"\x00\x19\x0c\x00\x00".to_vec(),
            ]
            .concat(),
            tags,
        ),
    ] {
        assert!(message.len() <= DATAGRAM);
        let (result, bytes) = measure(&message);
        let batch = result.expect("a message");
        assert_eq!(batch.spans.len() + batch.process.tags.len(), kept);
        assert!(
            bytes <= 16 * message.len() as u64 + (64 << 10),
            "{} bytes for {}",
            bytes,
            message.len()
        );
    }
}

/// A message of Protobuf in the field of a number.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &varint(content.len())[..], content].concat()
}

/// The least span of OTLP, and what `more` adds.
fn otlp_span(more: &[u8]) -> Vec<u8> {
    let ids = [field(1, &[1; 16]), field(2, &[2; 8]), more.to_vec()];
    field(2, &ids.concat())
}

#[test]
fn the_densest_requests_of_otlp_allocate_a_bounded_multiple_of_their_length() {
    let fill = |part: &[u8]| part.repeat((DATAGRAM - 100) / part.len());
    let attribute = field(9, &field(1, b"k"));
    let value = |kind: u8, content: &[u8]| {
        let value = field(2, &field(kind, content));
        field(9, &[field(1, b"k"), value].concat())
    };
    let mut nested = Vec::new();
    while nested.len() < DATAGRAM - 100 {
        nested = field(1, &field(5, &nested));
    }
    for content in [
        fill(&otlp_span(b"")),
        otlp_span(&fill(&attribute)),
        // Attributes without a key, events without anything, with a field that is the least there is.
        otlp_span(&fill(&field(9, b""))),
        otlp_span(&fill(&field(11, b""))),
        otlp_span(&fill(&field(11, &field(3, &field(1, b"k"))))),
        otlp_span(&field(11, &fill(&field(3, &field(1, b"k"))))),
        otlp_span(&fill(&field(
            13,
            &[field(1, &[1; 16]), field(2, &[2; 8])].concat(),
        ))),
        otlp_span(&field(13, &fill(&field(4, &field(1, b"k"))))),
        // Lists and maps of nothing, of text that is written in six characters, of text that is repaired, of lists.
        otlp_span(&value(5, &fill(&field(1, b"")))),
        otlp_span(&value(6, &fill(&field(1, b"")))),
        otlp_span(&value(5, &field(1, &field(1, &[1; DATAGRAM - 100])))),
        otlp_span(&value(1, &[0xff; DATAGRAM - 100])),
        otlp_span(&value(5, &nested)),
    ] {
        let request = field(1, &field(2, &content));
        let mut spans = 0;
        let memory = allocation_counter::measure(|| {
            assert_eq!(decode_otlp(&request, |_| spans += 1), Ok(0));
        });
        assert!(spans > 0);
        let bound = 16 * request.len() as u64 + (64 << 10);
        assert!(
            memory.bytes_max <= bound,
            "{} bytes for {}, beginning with {:x?}",
            memory.bytes_max,
            request.len(),
            &request[..60]
        );
    }
}
