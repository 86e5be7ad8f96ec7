//! Whatever the network sends: every input is a batch or a worded error, and nothing panics.

use proptest::prelude::*;
use tracer_agent::receive::{
    Cause, DecodeError, decode_batch_binary, decode_binary, decode_compact,
};

use crate::golden::{BINARY, COMPACT, bytes};

/// The head of an `emitBatch` message in compact, up to the inside of the arguments.
const CALL: &str = "82810109656d69744261746368";

fn compact(tail: &str) -> DecodeError {
    decode_compact(&bytes(&format!("{CALL}{tail}"))).unwrap_err()
}

#[test]
fn hostile_compact_messages_are_refused_by_cause() {
    for (tail, cause, text) in [
        (
            "",
            Cause::Truncated,
            "message ends: 1 bytes expected, 0 left at byte 13",
        ),
        (
            "00",
            Cause::Missing,
            "required field emitBatch.batch is missing at byte 14",
        ),
        (
            "1c00",
            Cause::Missing,
            "required field Batch.process is missing at byte 15",
        ),
        (
            "1c1c18ffffffff07",
            Cause::Size,
            "text declares 2147483647 bytes, 0 are left at byte 21",
        ),
        (
            "1c1c18ffffffff0f",
            Cause::Size,
            "negative size -1 at byte 21",
        ),
        (
            "1c1c18ffffffff1f",
            Cause::Malformed,
            "number longer than 32 bits at byte 21",
        ),
        (
            "1c29fcffffffff07",
            Cause::Size,
            "list declares 2147483647 elements, 0 bytes are left for them at byte 21",
        ),
        (
            "1c291c",
            Cause::Size,
            "list declares 1 elements, 0 bytes are left for them at byte 16",
        ),
        (
            "1c29fcffffffff0f",
            Cause::Size,
            "negative size -1 at byte 21",
        ),
        (
            "1c36ffffffffffffffffffff01",
            Cause::Malformed,
            "number longer than 64 bits at byte 25",
        ),
        (
            "1c3680808080808080808002",
            Cause::Malformed,
            "number longer than 64 bits at byte 25",
        ),
        ("1e", Cause::Malformed, "unknown compact type 14 at byte 14"),
        (
            "1c191c001c",
            Cause::Truncated,
            "message ends: 1 bytes expected, 0 left at byte 18",
        ),
        // Unknown fields: a set of a million bools, a map of as many, text that is not there.
        (
            "1c5af1c0843d",
            Cause::Size,
            "list declares 1000000 elements, 0 bytes are left for them at byte 19",
        ),
        (
            "1c5bc0843d55",
            Cause::Size,
            "list declares 1000000 elements, 0 bytes are left for them at byte 19",
        ),
    ] {
        let error = compact(tail);
        assert_eq!(
            (error.cause(), error.to_string().as_str()),
            (cause, text),
            "{tail}"
        );
    }
}

#[test]
fn hostile_envelopes_are_refused_by_cause() {
    for (hex, cause, text) in [
        (
            "",
            Cause::Truncated,
            "message ends: 2 bytes expected, 0 left at byte 0",
        ),
        (
            "8001000400000009",
            Cause::Malformed,
            "not Thrift compact: begins with 0x80, not 0x82 at byte 2",
        ),
        (
            "8282",
            Cause::Malformed,
            "Thrift compact version 2, not 1 at byte 2",
        ),
        (
            "8241",
            Cause::Malformed,
            "message type 2 is not a call at byte 2",
        ),
        (
            "8281010f656d69745a69706b696e4261746368",
            Cause::Method,
            "method \"emitZipkinBatch\" is not emitBatch at byte 19",
        ),
        (
            "82810103ff1b5b",
            Cause::Method,
            "method \"\u{fffd}\\u{1b}[\" is not emitBatch at byte 7",
        ),
    ] {
        let error = decode_compact(&bytes(hex)).unwrap_err();
        assert_eq!(
            (error.cause(), error.to_string().as_str()),
            (cause, text),
            "{hex}"
        );
    }
    for (hex, cause, text) in [
        (
            "82810109",
            Cause::Malformed,
            "not Thrift binary: begins with 0x82 0x81, not 0x80 0x01 at byte 4",
        ),
        (
            "80010002",
            Cause::Malformed,
            "message type 2 is not a call at byte 4",
        ),
        (
            "80010001ffffffff",
            Cause::Size,
            "negative size -1 at byte 8",
        ),
        (
            "800100017fffffff",
            Cause::Size,
            "text declares 2147483647 bytes, 0 are left at byte 8",
        ),
        (
            "7fffffff",
            Cause::Size,
            "text declares 2147483647 bytes, 0 are left at byte 4",
        ),
    ] {
        let error = decode_binary(&bytes(hex)).unwrap_err();
        assert_eq!(
            (error.cause(), error.to_string().as_str()),
            (cause, text),
            "{hex}"
        );
    }
    // The old form without version, as non-strict writers send it.
    let golden = bytes(BINARY);
    let old = [&golden[4..17], &[1], &golden[17..]].concat();
    assert_eq!(decode_binary(&old), decode_binary(&golden));
}

#[test]
fn depth_bombs_end_at_a_bound() {
    // An unknown field of structs in structs, lists in lists, maps in maps; ten thousand deep.
    for (open, unit) in [("1c5c", "1c"), ("1c59", "19"), ("1c5b", "01bb00")] {
        let error = compact(&format!("{open}{}", unit.repeat(10_000)));
        assert_eq!(error.cause(), Cause::Depth, "{open}: {error}");
        assert!(
            error
                .to_string()
                .starts_with("nested deeper than 32 at byte "),
            "{error}"
        );
    }
}

#[test]
fn fields_of_newer_clients_are_skipped() {
    // After the process's name: a map, a set of structs, a double, a uuid, a bool, of ids nobody knows yet.
    let unknown = "5b0288".to_owned()
        + "0161016201630164"
        + "1a1c00"
        + "170000000000000000"
        + "1d000102030405060708090a0b0c0d0e0f"
        + "11";
    let golden = COMPACT.replacen(
        "1803737663191c",
        &format!("1803737663{unknown}0904{}", &"1c"),
        1,
    );
    let batch = decode_compact(&bytes(&golden)).unwrap();
    assert_eq!(Ok(batch), decode_compact(&bytes(COMPACT)));
}

#[test]
fn every_prefix_of_a_message_is_refused() {
    for (golden, decode) in [
        (COMPACT, decode_compact as fn(&[u8]) -> _),
        (BINARY, decode_binary),
    ] {
        let message = bytes(golden);
        assert!(decode(&message).is_ok());
        for len in 0..message.len() {
            let error = decode(&message[..len]).expect_err("a part of a message");
            assert!(
                matches!(error.cause(), Cause::Truncated | Cause::Size),
                "{len}: {error}"
            );
        }
    }
}

/// A golden message with some bytes changed, taken out, or put in.
fn mutated(golden: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    prop::collection::vec(edit, 1..8).prop_map(move |edits| {
        let mut message = bytes(golden);
        for (at, byte, kind) in edits {
            let at = at.index(message.len());
            match kind {
                0 => message[at] = byte,
                1 => message[at] ^= 1 << (byte % 8),
                2 => message.insert(at, byte),
                _ if message.len() > 1 => drop(message.remove(at)),
                _ => {}
            }
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = (decode_compact(&bytes), decode_binary(&bytes), decode_batch_binary(&bytes));
    }

    #[test]
    fn mutated_compact_messages_never_panic(message in mutated(COMPACT)) {
        if let Err(error) = decode_compact(&message) {
            prop_assert!(error.offset() <= message.len() && !error.to_string().is_empty());
        }
    }

    #[test]
    fn mutated_binary_messages_never_panic(message in mutated(BINARY)) {
        if let Err(error) = decode_binary(&message) {
            prop_assert!(error.offset() <= message.len() && !error.to_string().is_empty());
        }
    }
}
