//! W3C Trace Context Level 2, and the cases of the working group's test suite that one header can tell.

use tracer_core::Decision::{Refused, Sampled};

use super::Meaning::NewTrace;
use super::{Meaning, Vector, span};

const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const SPAN: u64 = 0xb7ad_6b71_6920_3331;
const YES: Meaning = span(TRACE, SPAN, 0, Sampled);
const NO: Meaning = span(TRACE, SPAN, 0, Refused);

macro_rules! traceparents {
    ($($name:literal: $($value:literal),+ => $meaning:expr;)*) => {
        &[$(Vector::new($name, &[$(("traceparent", $value)),+], $meaning)),*]
    };
}

/// `traceparent` as it comes, and what it means.
/// Standard: [Trace Context Level 2](https://www.w3.org/TR/trace-context-2/#traceparent-header).
///
/// ```
/// use tracer_testing::vectors;
///
/// vectors::check(&tracer_core::Propagation::W3c, vectors::W3C);
/// ```
#[rustfmt::skip]
pub const W3C: &[Vector] = traceparents! {
    "the example of the specification": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" => YES;
    "not sampled": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00" => NO;
    "the random flag": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03" => YES;
    "the random flag alone": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02" => NO;
    "flags nobody knows": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff" => YES;
    "flags nobody knows, not sampled": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe" => NO;
    "a 64-bit trace": "00-0000000000000000b7ad6b7169203331-b7ad6b7169203331-01" => span(SPAN as u128, SPAN, 0, Sampled);
    "white space around": " \t00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\t " => YES;
    "two headers": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-01" => NewTrace;
    "a later version": "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" => YES;
    "a later version with more": "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be-like" => YES;
    "a later version with more, wrongly joined": "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what-the-future-will-not-be-like" => NewTrace;
    "this version with more": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra" => NewTrace;
    "this version with a dash more": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-" => NewTrace;
    "this version with a point more": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01." => NewTrace;
    "version ff": "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" => NewTrace;
    "version of one digit": "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" => NewTrace;
    "version of three digits": "000-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" => NewTrace;
    "version that is no number": ".0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" => NewTrace;
    "trace id in capitals": "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01" => NewTrace;
    "span id in capitals": "00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01" => NewTrace;
    "flags in capitals": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0F" => NewTrace;
    "trace id of zeros": "00-00000000000000000000000000000000-b7ad6b7169203331-01" => NewTrace;
    "span id of zeros": "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01" => NewTrace;
    "trace id too short": "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01" => NewTrace;
    "trace id too long": "00-0af7651916cd43dd8448eb211c80319c0-b7ad6b7169203331-01" => NewTrace;
    "trace id that is no number": "00-.af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" => NewTrace;
    "trace id with a sign": "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" => NewTrace;
    "span id too short": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01" => NewTrace;
    "span id too long": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033310-01" => NewTrace;
    "flags too short": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1" => NewTrace;
    "flags too long": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-001" => NewTrace;
    "no flags": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331" => NewTrace;
    "other separators": "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01" => NewTrace;
    "empty": "" => NewTrace;
};
