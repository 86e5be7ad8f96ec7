//! Headers as they come over the wire and what they mean: from the specifications, and from what other clients send.
//!
//! ```
//! use tracer_core::Propagation;
//! use tracer_testing::vectors;
//!
//! vectors::check(&Propagation::W3c, vectors::W3C);
//! vectors::check(&Propagation::Jaeger, vectors::JAEGER);
//! vectors::check(&Propagation::B3Single, vectors::B3);
//! ```

mod b3;
mod jaeger;
mod w3c;

pub use b3::B3;
pub use jaeger::JAEGER;
pub use w3c::W3C;

use http::{HeaderMap, HeaderName, HeaderValue};
use tracer_core::{Decision, Extract, HttpHeaders, Propagation};

/// Headers, and what a reader is to make of them.
///
/// ```
/// use tracer_testing::vectors::{JAEGER, Meaning};
///
/// let damaged = JAEGER.iter().filter(|vector| vector.meaning == Meaning::NewTrace);
/// for vector in damaged {
///     println!("{}: {:?}", vector.name, vector.headers);
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Vector {
    /// What is special about it.
    pub name: &'static str,
    /// Names and values in the order they came.
    pub headers: &'static [(&'static str, &'static str)],
    /// What they mean.
    pub meaning: Meaning,
}

/// What headers mean.
///
/// ```
/// use tracer_core::Decision;
/// use tracer_testing::vectors::{B3, Meaning};
///
/// assert!(B3.iter().any(|vector| vector.meaning == Meaning::Only(Decision::Refused)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// The span of the caller.
    Span {
        /// The trace.
        trace_id: u128,
        /// The caller's span.
        span_id: u64,
        /// Its parent; 0 for none and where the format does not say.
        parent_id: u64,
        /// What was decided.
        decision: Decision,
    },
    /// A decision for the trace to begin.
    Only(Decision),
    /// No trace: a new one begins. Whether a reader calls that absent or damaged is left to it.
    NewTrace,
}

impl Vector {
    const fn new(
        name: &'static str,
        headers: &'static [(&'static str, &'static str)],
        meaning: Meaning,
    ) -> Self {
        Self {
            name,
            headers,
            meaning,
        }
    }
}

const fn span(trace_id: u128, span_id: u64, parent_id: u64, decision: Decision) -> Meaning {
    Meaning::Span {
        trace_id,
        span_id,
        parent_id,
        decision,
    }
}

/// Checks that a format reads vectors as they are meant.
///
/// ```
/// use tracer_core::Propagation;
/// use tracer_testing::vectors::{Meaning, Vector, check};
///
/// let own = Vector { name: "no header", headers: &[], meaning: Meaning::NewTrace };
/// check(&Propagation::W3c, &[own]);
/// ```
///
/// # Panics
/// When it reads one of them in another way.
pub fn check(format: &Propagation, vectors: &[Vector]) {
    for vector in vectors {
        let mut headers = HeaderMap::new();
        for (name, value) in vector.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else {
                panic!("{}: no header can hold this", vector.name)
            };
            headers.append(name, value);
        }
        let read = HttpHeaders(&headers).extract(std::slice::from_ref(format));
        let meaning = match &read {
            Ok(Some(read)) if read.is_valid() => span(
                read.trace_id().into(),
                read.span_id().into(),
                read.parent_id().into(),
                read.decision(),
            ),
            Ok(Some(read)) if vector.meaning != Meaning::NewTrace => Meaning::Only(read.decision()),
            _ => Meaning::NewTrace,
        };
        assert_eq!(
            meaning, vector.meaning,
            "{format:?}: {}: {:?} was read as {read:?}",
            vector.name, vector.headers
        );
    }
}
