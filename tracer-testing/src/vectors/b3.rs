//! B3 in one header and in several, as Zipkin's specification has it.

use tracer_core::Decision::{Debug, Deferred, Refused, Sampled};

use super::Meaning::{NewTrace, Only};
use super::{Vector, span};

const TRACE: u128 = 0x80f1_98ee_5634_3ba8_64fe_8b2a_57d3_eff7;
const SPAN: u64 = 0xe457_b5a2_e4d8_6bd1;
const PARENT: u64 = 0x05e3_ac9a_4f6e_3b90;

macro_rules! b3 {
    ($($name:literal: $($header:literal = $value:literal),+ => $meaning:expr;)*) => {
        &[$(Vector::new($name, &[$(($header, $value)),+], $meaning)),*]
    };
}

/// B3 headers as they come, and what they mean. Either format reads both forms.
/// Standard: [B3 propagation](https://github.com/openzipkin/b3-propagation).
///
/// ```
/// use tracer_testing::vectors;
///
/// vectors::check(&tracer_core::Propagation::B3Multi, vectors::B3);
/// ```
#[rustfmt::skip]
pub const B3: &[Vector] = b3! {
    "the example of the specification": "b3" = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90" => span(TRACE, SPAN, PARENT, Sampled);
    "one header, no parent": "b3" = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1" => span(TRACE, SPAN, 0, Sampled);
    "one header, refused": "b3" = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0" => span(TRACE, SPAN, 0, Refused);
    "one header, debug": "b3" = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d" => span(TRACE, SPAN, 0, Debug);
    "one header, undecided": "b3" = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1" => span(TRACE, SPAN, 0, Deferred);
    "one header, a 64-bit trace": "b3" = "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1" => span(0x64fe_8b2a_57d3_eff7, SPAN, 0, Sampled);
    "one header, only a refusal": "b3" = "0" => Only(Refused);
    "one header, only a decision": "b3" = "1" => Only(Sampled);
    "one header, only debug": "b3" = "d" => Only(Debug);
    "several headers": "x-b3-traceid" = "80f198ee56343ba864fe8b2a57d3eff7", "x-b3-parentspanid" = "05e3ac9a4f6e3b90", "x-b3-spanid" = "e457b5a2e4d86bd1", "x-b3-sampled" = "1" => span(TRACE, SPAN, PARENT, Sampled);
    "several headers, refused": "x-b3-traceid" = "80f198ee56343ba864fe8b2a57d3eff7", "x-b3-spanid" = "e457b5a2e4d86bd1", "x-b3-sampled" = "0" => span(TRACE, SPAN, 0, Refused);
    "several headers, debug": "x-b3-traceid" = "80f198ee56343ba864fe8b2a57d3eff7", "x-b3-spanid" = "e457b5a2e4d86bd1", "x-b3-flags" = "1" => span(TRACE, SPAN, 0, Debug);
    "several headers, undecided": "x-b3-traceid" = "80f198ee56343ba864fe8b2a57d3eff7", "x-b3-spanid" = "e457b5a2e4d86bd1" => span(TRACE, SPAN, 0, Deferred);
    "several headers, a decision as older clients write it": "x-b3-traceid" = "80f198ee56343ba864fe8b2a57d3eff7", "x-b3-spanid" = "e457b5a2e4d86bd1", "x-b3-sampled" = "true" => span(TRACE, SPAN, 0, Sampled);
    "several headers, only a refusal": "x-b3-sampled" = "0" => Only(Refused);
    "one header wins over several": "x-b3-traceid" = "1111111111111111", "x-b3-spanid" = "2222222222222222", "b3" = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1" => span(TRACE, SPAN, 0, Sampled);
    "one header, empty": "b3" = "" => NewTrace;
    "one header, a dash": "b3" = "-" => NewTrace;
    "one header, only a trace": "b3" = "80f198ee56343ba864fe8b2a57d3eff7" => NewTrace;
    "one header, trace id of 31 digits": "b3" = "0f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1" => NewTrace;
    "one header, span id of 15 digits": "b3" = "80f198ee56343ba864fe8b2a57d3eff7-457b5a2e4d86bd1-1" => NewTrace;
    "one header, a decision nobody knows": "b3" = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-x" => NewTrace;
    "one header, trace id of zeros": "b3" = "00000000000000000000000000000000-e457b5a2e4d86bd1-1" => NewTrace;
    "one header, too much": "b3" = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90-1" => NewTrace;
    "several headers, no span": "x-b3-traceid" = "80f198ee56343ba864fe8b2a57d3eff7" => NewTrace;
    "several headers, trace id that is no number": "x-b3-traceid" = "80f198ee56343ba864fe8b2a57d3efg7", "x-b3-spanid" = "e457b5a2e4d86bd1" => NewTrace;
};
