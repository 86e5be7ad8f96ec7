//! What the network can send and what an application can record, as functions over bytes that panic when a promise is
//! broken.
//!
//! Each function of [`TARGETS`] is driven in two ways: by libFuzzer, which learns which inputs reach new code
//! (`cargo +nightly fuzz run extract_w3c fuzz/corpus/extract_w3c fuzz/seeds/extract_w3c`), and by `smoke`, which mutates the
//! seeds at random, needs no tools, bounds the memory that an input may take, and runs in `ci/fuzz-smoke`.
//!
//! The header targets read lines of `name: value`, as they stand in a request; the decoders read what their sockets get;
//! the encoders read a plan of spans that is made of the bytes ([`arbitrary`]).

mod decode;
mod encode;
mod extract;
mod headers;
mod link;
pub mod mutate;
mod plan;

pub use decode::{decode_batch, decode_binary, decode_compact, decode_otlp, read_json};
pub use encode::{encode_http, encode_udp};
pub use extract::{
    extract_all, extract_b3, extract_baggage, extract_jaeger, extract_jaeger_binary, extract_w3c,
};

/// A function to feed, and what it may take.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the function, of its binary under `targets/` and of its folder under `seeds/`.
    pub name: &'static str,
    /// Panics if a promise is broken.
    pub run: fn(&[u8]),
    /// The longest input worth making: more than the longest that is read as a whole.
    pub longest: usize,
    /// The length of message that memory is allowed for; that of the input if it is a message.
    message: Option<usize>,
    /// Texts that occur in such messages, for mutations.
    pub words: &'static [&'static str],
}

impl Target {
    /// The bytes that an input of that length may hold at one time.
    #[must_use]
    pub fn most_bytes(&self, input: usize) -> u64 {
        let length = self.message.unwrap_or(input);
        16 * length as u64 + (64 << 10)
    }
}

const DATAGRAM: usize = 65_507;

/// Everything there is to feed.
pub const TARGETS: &[Target] = &[
    header(
        "extract_w3c",
        extract_w3c,
        &[
            "traceparent: ",
            "tracestate: ",
            "-",
            "00",
            "ff",
            "cc",
            "=",
            ",",
            "@",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ],
    ),
    header(
        "extract_baggage",
        extract_baggage,
        &["baggage: ", "=", ",", ";", "%20", "%", "%c3%28", "key", "+"],
    ),
    header(
        "extract_jaeger",
        extract_jaeger,
        &[
            "uber-trace-id: ",
            "uberctx-",
            "jaeger-debug-id: ",
            "jaeger-baggage: ",
            ":",
            "%3A",
            "=",
            ", ",
            "%",
            "+",
            "1:2:3:1",
        ],
    ),
    header(
        "extract_b3",
        extract_b3,
        &[
            "b3: ",
            "x-b3-traceid: ",
            "x-b3-spanid: ",
            "x-b3-parentspanid: ",
            "x-b3-sampled: ",
            "x-b3-flags: ",
            "baggage-",
            "-",
            "d",
            "1",
            "0",
            "true",
            "80f198ee56343ba864fe8b2a57d3eff7",
            "e457b5a2e4d86bd1",
        ],
    ),
    header(
        "extract_all",
        extract_all,
        &[
            "traceparent: ",
            "tracestate: ",
            "baggage: ",
            "uber-trace-id: ",
            "uberctx-",
            "b3: ",
            "x-b3-sampled: ",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:1",
        ],
    ),
    target(
        "extract_jaeger_binary",
        extract_jaeger_binary,
        20_000,
        None,
        &["\0\0\0\0", "\0\0\0\u{1}", "\0\0\u{10}\0", "key"],
    ),
    target(
        "decode_compact",
        decode_compact,
        DATAGRAM,
        None,
        &[
            "emitBatch",
            "\u{19}\u{1c}",
            "\u{16}\u{2}",
            "\u{18}\u{1}",
            "\0",
        ],
    ),
    target(
        "decode_binary",
        decode_binary,
        DATAGRAM,
        None,
        &[
            "emitBatch",
            "\u{f}\0\u{2}\u{c}\0\0\0",
            "\u{b}\0\u{1}\0\0\0\u{1}",
            "\0",
        ],
    ),
    target(
        "decode_batch",
        decode_batch,
        DATAGRAM,
        None,
        &[
            "\u{f}\0\u{2}\u{c}\0\0\0",
            "\u{b}\0\u{1}\0\0\0\u{1}",
            "\u{c}\0\u{1}",
            "\0",
        ],
    ),
    target(
        "decode_otlp",
        decode_otlp,
        DATAGRAM,
        None,
        &[
            "\n",
            "\u{12}",
            "\u{12}\u{1c}\n\u{10}0123456789abcdef\u{12}\u{8}01234567",
            "J\u{3}\n\u{1}k",
            "Z\0",
            "\u{12}\u{4}*\u{2}\n\0",
            "\u{12}\u{4}2\u{2}\n\0",
            "\u{12}\u{2}\u{8}\0",
        ],
    ),
    target(
        "read_json",
        read_json,
        DATAGRAM,
        None,
        &[
            "{\"data\":[",
            "{\"resourceSpans\":[",
            "\"spans\":[",
            "\"tags\":[",
            "\"processes\":{",
            "\"attributes\":[",
            "{\"key\":\"\",\"value\":",
            "\\u0000",
            "\"",
            "[",
            "]",
            "{",
            "}",
            ":",
            ",",
            "null",
            "1e999",
            "\n",
        ],
    ),
    target(
        "encode_udp",
        encode_udp,
        4_096,
        Some(DATAGRAM),
        &["key", "\u{fffd}", "\u{e4}", "\0\0\0\0\0\0\0\0"],
    ),
    target(
        "encode_http",
        encode_http,
        4_096,
        Some(DATAGRAM),
        &["key", "\u{fffd}", "\u{e4}", "\0\0\0\0\0\0\0\0"],
    ),
];

const fn header(name: &'static str, run: fn(&[u8]), words: &'static [&'static str]) -> Target {
    target(name, run, 32_768, None, words)
}

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    longest: usize,
    message: Option<usize>,
    words: &'static [&'static str],
) -> Target {
    Target {
        name,
        run,
        longest,
        message,
        words,
    }
}
