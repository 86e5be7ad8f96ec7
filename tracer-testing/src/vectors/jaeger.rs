//! `uber-trace-id`, as the documentation of Jaeger and its clients have it.

use tracer_core::Decision::{Debug, Refused, Sampled};

use super::Meaning::NewTrace;
use super::{Vector, span};

const NARROW: u64 = 0x9769_5c30_ba77_4a6d;

macro_rules! uber_trace_ids {
    ($($name:literal: $value:literal => $meaning:expr;)*) => {
        &[$(Vector::new($name, &[("uber-trace-id", $value)], $meaning)),*]
    };
}

/// `uber-trace-id` as it comes, and what it means.
/// Standard: [Jaeger's client libraries](https://www.jaegertracing.io/docs/1.22/client-libraries/#propagation-format).
///
/// ```
/// use tracer_testing::vectors;
///
/// vectors::check(&tracer_core::Propagation::Jaeger, vectors::JAEGER);
/// ```
#[rustfmt::skip]
pub const JAEGER: &[Vector] = uber_trace_ids! {
    "as the client for Python writes it": "97695c30ba774a6d:78b468aa80bdb00c:0:1" => span(NARROW as u128, 0x78b4_68aa_80bd_b00c, 0, Sampled);
    "as the client for Go writes it": "00000000000000010000000000000002:0000000000000003:0000000000000000:1" => span((1 << 64) | 2, 3, 0, Sampled);
    "a trace id of 17 digits": "10000000000000001:1:1:1" => span((1 << 64) | 1, 1, 1, Sampled);
    "a trace id of 31 digits": "0000000000000010000000000000001:1:1:1" => span((1 << 64) | 1, 1, 1, Sampled);
    "as short as can be": "1:1:1:1" => span(1, 1, 1, Sampled);
    "colons encoded": "1%3A2%3A3%3A1" => span(1, 2, 3, Sampled);
    "digits in capitals": "AB:CD:EF:1" => span(0xab, 0xcd, 0xef, Sampled);
    "not sampled": "1:2:3:0" => span(1, 2, 3, Refused);
    "debug": "1:2:3:3" => span(1, 2, 3, Debug);
    "debug implies sampled": "1:2:3:2" => span(1, 2, 3, Debug);
    "firehose": "1:2:3:9" => span(1, 2, 3, Sampled);
    "firehose and debug in hexadecimal, which the client for Go cannot read": "1:2:3:b" => span(1, 2, 3, Debug);
    "flags of two digits": "1:2:3:01" => span(1, 2, 3, Sampled);
    "empty": "" => NewTrace;
    "one part": "abcd" => NewTrace;
    "three parts": "1:2:3" => NewTrace;
    "five parts": "1:2:3:1:5" => NewTrace;
    "trace id that is no number": "x:1:1:1" => NewTrace;
    "span id that is no number": "1:x:1:1" => NewTrace;
    "parent that is no number": "1:1:x:1" => NewTrace;
    "flags that are no number": "1:1:1:x" => NewTrace;
    "trace id of 35 digits": "01234567890123456789012345678901234:1:1:1" => NewTrace;
    "trace id with an underscore": "01_23:1:1:1" => NewTrace;
    "span id of 17 digits": "1:01234567890123456:1:1" => NewTrace;
    "parent of 17 digits": "1:1:01234567890123456:1" => NewTrace;
    "a sign": "+1:1:1:1" => NewTrace;
    "no trace id": ":1:1:1" => NewTrace;
    "no span id": "1::1:1" => NewTrace;
    "trace id of zero": "0:1:0:1" => NewTrace;
    "span id of zero": "1:0:0:1" => NewTrace;
};
