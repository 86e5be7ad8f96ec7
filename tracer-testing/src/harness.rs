//! The API check of OpenTracing: sixteen properties of a tracer that every language's harness asks for, in the same order.
//!
//! For a tracer as you set it up, with propagators, samplers and reporters of your own. Two of the sixteen are shown by the
//! compiler here: a format and the carrier of another cannot be put together, as the carrier's type is the format.
//!
//! ```
//! use tracer_core::{NullReporter, Sampler, Tracer};
//!
//! tracer_testing::harness::run_api_checks(|| {
//!     Tracer::builder("checked").sampler(Sampler::constant(true)).reporter(NullReporter).build().unwrap()
//! });
//! ```
//!
//! ```compile_fail
//! # let (tracer, span) = (tracer_core::Tracer::disabled(), tracer_core::Tracer::disabled().start_span("x"));
//! tracer.inject(&span.context(), &mut String::new()); // no carrier
//! ```
//!
//! ```compile_fail
//! # let tracer = tracer_core::Tracer::disabled();
//! let _ = tracer.extract(&"no carrier");
//! ```
//!
//! Standard: the [harness of opentracing-go](https://github.com/opentracing/opentracing-go/tree/master/harness).

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use tracer_core::{
    Binary, HttpHeaders, SpanContext, TagValue, TextFormat, TextMap, Tracer, WriteCarrier,
};

/// Runs the sixteen checks, each with a tracer of its own from `new_tracer`.
///
/// ```
/// use tracer_core::{NullReporter, Propagation, Tracer};
///
/// tracer_testing::harness::run_api_checks(|| {
///     Tracer::builder("checked").propagation([Propagation::B3Single]).reporter(NullReporter).build().unwrap()
/// });
/// ```
///
/// # Panics
/// When a check fails; the message names it.
pub fn run_api_checks(new_tracer: impl Fn() -> Tracer) {
    for (name, check) in CHECKS {
        let caught =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&new_tracer())));
        if let Err(payload) = caught {
            let said = payload.downcast_ref::<String>().map(String::as_str);
            let said = said
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("it panicked");
            panic!("the API check {name:?} failed: {said}");
        }
    }
}

/// A check and its name.
type Check = (&'static str, fn(&Tracer));

/// The checks by the names they have in OpenTracing's harnesses.
const CHECKS: [Check; 16] = [
    ("start span", start_span),
    ("start span with parent", start_span_with_parent),
    ("set operation name", set_operation_name),
    ("span tag value types", span_tag_value_types),
    ("span tags with chaining", span_tags_with_chaining),
    ("span logs", span_logs),
    ("span baggage", span_baggage),
    ("context baggage", context_baggage),
    ("text propagation", text_propagation),
    ("HTTP propagation", http_propagation),
    ("binary propagation", binary_propagation),
    ("mandatory formats", mandatory_formats),
    ("unknown format", unknown_format),
    ("foreign span context", foreign_span_context),
    ("invalid inject", invalid_inject),
    ("invalid extract", invalid_extract),
];

fn start_span(tracer: &Tracer) {
    let mut span = tracer.start_span("Fry");
    span.set_tag("birthday", "August 14 1974")
        .log([("event", "birth")]);
    span.finish();
    let span = tracer
        .build_span("Leela")
        .tag("birthplace", "sewers")
        .start();
    assert!(span.context().is_valid());
    span.finish();
}

fn start_span_with_parent(tracer: &Tracer) {
    let parent = tracer.start_span("Turanga Munda");
    let context = parent.context();
    let child = tracer.build_span("Leela").child_of(&context).start();
    let later = tracer
        .build_span("Leela again")
        .follows_from(&context)
        .tag("birthplace", "sewers")
        .start();
    for span in [child, later] {
        assert_eq!(
            span.context().trace_id(),
            context.trace_id(),
            "the same trace"
        );
        assert_eq!(span.context().parent_id(), context.span_id());
        assert_ne!(span.context().span_id(), context.span_id());
        span.finish();
    }
    parent.finish();
}

fn set_operation_name(tracer: &Tracer) {
    let mut span = tracer.start_span("");
    span.set_operation_name("Farnsworth")
        .set_operation_name(String::from("Professor"));
    span.finish();
}

fn span_tag_value_types(tracer: &Tracer) {
    let mut span = tracer.start_span("ManyTypes");
    span.set_tag("an_int", 9)
        .set_tag("a_bool", true)
        .set_tag("a_string", "aoeuidhtns")
        .set_tag("a_float", 1.5);
    span.set_tag("bytes", vec![0u8, 1]).set_tag("u64", u64::MAX);
    span.finish();
}

fn span_tags_with_chaining(tracer: &Tracer) {
    let mut span = tracer.start_span("Farnsworth");
    span.set_tag("birthday", "9 April, 2841")
        .set_tag("loves", "different lengths");
    span.set_tag("unicode_val", "non-ascii: \u{200b}")
        .set_tag("unicode_key_\u{200b}", "ascii val");
    span.finish();
}

fn span_logs(tracer: &Tracer) {
    let mut span = tracer.start_span("Fry");
    let before = SystemTime::now() - Duration::from_secs(1);
    span.log((
        ("event", "frozen"),
        ("year", 1999),
        ("place", "Cryogenics Labs"),
    ));
    span.log([("event", "defrosted")])
        .log_at(before, vec![("year", TagValue::from(2999))]);
    let context = span.context();
    span.finish();
    // By the type of `finish` there is no span to log to after its end. The handle of an active one is left over.
    let scope = tracer.build_span("Fry").child_of(&context).start_active();
    let handle = tracer.active_span();
    scope.finish();
    handle.log([("event", "too late")]).set_tag("too", "late");
}

fn span_baggage(tracer: &Tracer) {
    let mut span = tracer.start_span("Fry");
    span.set_baggage_item("Kiff-loves", "Amy");
    assert_eq!(span.baggage_item("Kiff-loves"), Some("Amy"));
    assert_eq!(span.baggage_item("nobody"), None);
    span.finish();
}

fn context_baggage(tracer: &Tracer) {
    let mut span = tracer.start_span("Fry");
    span.set_baggage_item("Kiff-loves", "Amy")
        .set_baggage_item("Fry-loves", "Leela");
    let context = span.context();
    span.finish();
    let items: Vec<_> = context.baggage().iter().collect();
    assert_eq!(items, [("Kiff-loves", "Amy"), ("Fry-loves", "Leela")]);
    assert_eq!(
        context.baggage().iter().take(1).count(),
        1,
        "the iteration may stop early"
    );
}

/// Injects and extracts a context with baggage, and checks that it is the same span's.
fn check_round_trip(tracer: &Tracer, way: impl Fn(&SpanContext) -> Option<SpanContext>) {
    let mut span = tracer.start_span("Bender");
    span.set_baggage_item("kiff-loves", "Amy");
    let context = span.context();
    let Some(extracted) = way(&context) else {
        panic!("nothing was extracted of {context:?}")
    };
    assert_eq!(
        (extracted.trace_id(), extracted.span_id()),
        (context.trace_id(), context.span_id())
    );
    assert_eq!(extracted.is_sampled(), context.is_sampled());
    if let Some(value) = extracted.baggage_item("kiff-loves") {
        assert_eq!(value, "Amy");
    }
    let child = tracer.build_span("Zoidberg").child_of(&extracted).start();
    assert_eq!(
        child.context().trace_id(),
        context.trace_id(),
        "what was extracted can be a parent"
    );
    child.finish();
    span.finish();
}

fn text_propagation(tracer: &Tracer) {
    check_round_trip(tracer, |context| {
        let mut map = BTreeMap::new();
        tracer.inject(context, &mut TextMap(&mut map));
        tracer.extract(&TextMap(&map)).ok().flatten()
    });
}

fn http_propagation(tracer: &Tracer) {
    check_round_trip(tracer, |context| {
        let mut headers = HeaderMap::new();
        tracer.inject(context, &mut HttpHeaders(&mut headers));
        tracer.extract(&HttpHeaders(&headers)).ok().flatten()
    });
}

fn binary_propagation(tracer: &Tracer) {
    check_round_trip(tracer, |context| {
        let mut blob = Vec::new();
        tracer.inject(context, &mut Binary(&mut blob));
        tracer.extract(&Binary(&blob)).ok().flatten()
    });
}

fn mandatory_formats(tracer: &Tracer) {
    let span = tracer.start_span("Bender");
    let (mut map, mut headers, mut blob) = (BTreeMap::new(), HeaderMap::new(), Vec::new());
    tracer.inject(&span.context(), &mut TextMap(&mut map));
    tracer.inject(&span.context(), &mut HttpHeaders(&mut headers));
    tracer.inject(&span.context(), &mut Binary(&mut blob));
    assert!(!map.is_empty() && !headers.is_empty() && !blob.is_empty());
}

/// A format the tracer does not speak is one it does not find in the carrier.
fn unknown_format(tracer: &Tracer) {
    let map = BTreeMap::from([("x-unknown-trace".to_owned(), "1".to_owned())]);
    assert_eq!(tracer.extract(&TextMap(&map)), Ok(None));
}

/// A context of another tracer is as good as one's own: there is one type of them.
fn foreign_span_context(tracer: &Tracer) {
    let foreign = SpanContext::remote(7.into(), 8.into(), tracer_core::Decision::Sampled);
    let mut map = BTreeMap::new();
    tracer.inject(&foreign, &mut TextMap(&mut map));
    let read = tracer.extract(&TextMap(&map)).ok().flatten();
    assert_eq!(read.map(|read| read.span_id()), Some(foreign.span_id()));
    // An empty one, of a tracer that does nothing, is written as nothing.
    let nothing = Tracer::disabled().start_span("nothing").context();
    let mut map = BTreeMap::new();
    tracer.inject(&nothing, &mut TextMap(&mut map));
    let read = tracer.extract(&TextMap(&map)).ok().flatten();
    assert!(!read.is_some_and(|read| read.is_valid()));
}

/// A carrier that takes nothing.
struct Refuses;

impl WriteCarrier for Refuses {
    fn format(&self) -> TextFormat {
        TextFormat::HttpHeaders
    }

    fn set(&mut self, _: &str, _: &str) {}

    fn remove(&mut self, _: &str) {}
}

fn invalid_inject(tracer: &Tracer) {
    let span = tracer.start_span("Bender");
    tracer.inject(&span.context(), &mut Refuses);
}

fn invalid_extract(tracer: &Tracer) {
    let mut headers = HeaderMap::new();
    let span = tracer.start_span("Bender");
    tracer.inject(&span.context(), &mut HttpHeaders(&mut headers));
    for (_, value) in &mut headers {
        *value = http::HeaderValue::from_static("damaged \u{7e}");
    }
    let read = tracer.extract(&HttpHeaders(&headers));
    assert!(
        !matches!(&read, Ok(Some(read)) if read.is_valid()),
        "{read:?}"
    );
    let mut blob = Vec::new();
    tracer.inject(&span.context(), &mut Binary(&mut blob));
    for end in 0..blob.len().min(37) {
        let read = tracer.extract(&Binary(&blob[..end]));
        assert!(
            !matches!(&read, Ok(Some(read)) if read.is_valid()),
            "{end} bytes: {read:?}"
        );
    }
}
