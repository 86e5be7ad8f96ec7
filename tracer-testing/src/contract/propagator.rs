//! What every header format must do.

use std::collections::BTreeMap;

use tracer_core::{
    Baggage, Decision, Extract, HttpHeaders, Inject, Propagation, SpanContext, SpanId, TextMap,
    TraceId,
};

/// Headers by name, in the order of their names.
type Pairs = BTreeMap<String, String>;

/// Checks a header format.
///
/// A format carries the ids of a trace and of a span and whether the trace is sampled; baggage may be left out, but what
/// comes back must be what was sent.
///
/// ```
/// use tracer_core::Propagation;
/// use tracer_core::propagation::JaegerHeaders;
///
/// let shop = JaegerHeaders::new().trace_context("x-shop-trace");
/// tracer_testing::contract::propagator(&Propagation::jaeger(shop)?);
/// # Ok::<(), tracer_core::InitError>(())
/// ```
///
/// # Panics
/// When a property does not hold; the message names it.
pub fn propagator(format: &Propagation) {
    empty_carrier_has_no_context(format);
    contexts_survive_the_way(format);
    baggage_comes_back_whole_or_not_at_all(format);
    injection_replaces_what_was_there(format);
    context_without_ids_writes_none(format);
    http_headers_hold_what_they_may(format);
    header_names_have_no_case(format);
    damage_does_no_harm(format);
}

fn empty_carrier_has_no_context(format: &Propagation) {
    let unrelated = pairs(&[
        ("host", "localhost"),
        ("accept", "*/*"),
        ("content-length", "0"),
    ]);
    for carrier in [Pairs::new(), unrelated] {
        assert_eq!(
            read_text(format, &carrier),
            Ok(None),
            "{format:?}: a carrier without a context"
        );
        assert_eq!(
            read_http(format, &carrier),
            Ok(None),
            "{format:?}: headers without a context"
        );
    }
}

fn contexts_survive_the_way(format: &Propagation) {
    for context in contexts() {
        let (text, http) = (write_text(format, &context), write_http(format, &context));
        assert!(!text.is_empty(), "{format:?} writes nothing of {context:?}");
        for (carrier, read) in [
            ("text map", read_text(format, &text)),
            ("headers", read_http(format, &http)),
        ] {
            let Ok(Some(read)) = read else {
                panic!("{format:?}: {context:?} in a {carrier} became {read:?}")
            };
            let sent = (context.trace_id(), context.span_id(), context.is_sampled());
            let came = (read.trace_id(), read.span_id(), read.is_sampled());
            assert_eq!(
                came, sent,
                "{format:?}: ids and decision through a {carrier}"
            );
            assert!(
                read.is_remote(),
                "{format:?}: a context from a {carrier} is remote"
            );
        }
        assert_eq!(
            write_text(format, &context),
            text,
            "{format:?}: the same context is written the same way"
        );
    }
}

fn baggage_comes_back_whole_or_not_at_all(format: &Propagation) {
    let sent = [
        ("plain", "value"),
        ("key-2", "v 1/\u{fc},;=%\"\\"),
        ("key-3", "\u{20ac}"),
        ("user", "a=b&c=d"),
    ];
    let context = sent.iter().fold(sampled(), |context, (key, value)| {
        context.with_baggage_item(key, value)
    });
    let text = read_text(format, &write_text(format, &context));
    let http = read_http(format, &write_http(format, &context));
    for read in [text, http] {
        let Ok(Some(read)) = read else {
            panic!("{format:?}: with baggage the context became {read:?}")
        };
        assert_eq!(
            read.span_id(),
            context.span_id(),
            "{format:?}: baggage disturbs the ids"
        );
        for (key, value) in read.baggage().iter() {
            assert_eq!(
                context.baggage_item(key),
                Some(value),
                "{format:?}: baggage {key:?}"
            );
        }
    }
    let mut largest = sampled();
    for n in 0..Baggage::MAX_ITEMS {
        largest = largest.with_baggage_item(&format!("k{n}"), &"v".repeat(100));
    }
    let read = read_http(format, &write_http(format, &largest));
    let Ok(Some(read)) = read else {
        panic!("{format:?}: the largest baggage made {read:?}")
    };
    let known = |(key, value)| largest.baggage_item(key) == Some(value);
    assert!(
        read.baggage().iter().all(known),
        "{format:?}: the largest baggage changed"
    );
}

fn injection_replaces_what_was_there(format: &Propagation) {
    let first = contexts()
        .into_iter()
        .fold(sampled(), |context, _| context)
        .with_baggage_item("old", "1");
    for second in contexts() {
        let mut carrier = write_text(format, &first);
        TextMap(&mut carrier).inject(&second, std::slice::from_ref(format));
        let read = read_text(format, &carrier);
        let Ok(Some(read)) = read else {
            panic!("{format:?}: injected twice, the context became {read:?}")
        };
        let (sent, came) = (
            (second.trace_id(), second.span_id()),
            (read.trace_id(), read.span_id()),
        );
        assert_eq!(came, sent, "{format:?}: a second injection wins");
        assert_eq!(
            read.is_sampled(),
            second.is_sampled(),
            "{format:?}: so does its decision"
        );
    }
}

fn context_without_ids_writes_none(format: &Propagation) {
    let nothing = SpanContext::remote(TraceId::NONE, SpanId::NONE, Decision::Refused);
    let read = read_http(format, &write_http(format, &nothing));
    assert!(
        !matches!(&read, Ok(Some(read)) if read.is_valid()),
        "{format:?}: a context without ids became {read:?}"
    );
    assert!(
        read.is_ok(),
        "{format:?}: a context without ids is written as {read:?}"
    );
}

fn http_headers_hold_what_they_may(format: &Propagation) {
    let hostile = [
        "v\r\nX-Evil: 1",
        "\0",
        "\u{1f980}",
        " ",
        "a,b;c=d",
        "\u{7f}",
        "%0d%0a",
        "\"",
    ];
    for key in hostile.iter().chain(&["k"]) {
        for value in hostile {
            let context = sampled()
                .with_baggage_item(key, value)
                .with_trace_state("a=1,b=2");
            for (name, value) in write_http(format, &context) {
                let token = name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte));
                assert!(
                    token && !name.is_empty(),
                    "{format:?}: {name:?} is no header name"
                );
                let visible = value
                    .bytes()
                    .all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
                assert!(visible, "{format:?}: {name}: {value:?} is no header value");
            }
        }
    }
}

fn header_names_have_no_case(format: &Propagation) {
    let written = write_http(format, &sampled());
    let shouted = written
        .iter()
        .map(|(name, value)| (name.to_uppercase(), value.clone()))
        .collect();
    let read = read_http(format, &shouted);
    let same = matches!(&read, Ok(Some(read)) if read.span_id() == sampled().span_id());
    assert!(same, "{format:?}: names in capitals made {read:?}");
}

fn damage_does_no_harm(format: &Propagation) {
    let written = write_http(
        format,
        &sampled()
            .with_baggage_item("k", "v")
            .with_trace_state("a=1"),
    );
    for (name, value) in &written {
        let cut = (0..value.len()).map(|end| value[..end].to_owned());
        let replaced = (0..value.len()).flat_map(|at| {
            ["+", " ", "-", "g", "\u{e9}", "%", "\u{7f}", ""]
                .map(|wrong| format!("{}{wrong}{}", &value[..at], &value[at + 1..]))
        });
        let long = [
            "0".repeat(100_000),
            ",".repeat(10_000),
            "%".repeat(9_999),
            format!("{value}{value}"),
        ];
        for damaged in cut.chain(replaced).chain(long) {
            let mut headers = written.clone();
            headers.insert(name.clone(), damaged);
            // Whatever is made of it must be fit to be a parent and to travel on.
            if let Ok(Some(read)) = read_text(format, &headers) {
                let bytes: usize = read
                    .baggage()
                    .iter()
                    .map(|(key, value)| key.len() + value.len())
                    .sum();
                assert!(
                    read.baggage().len() <= Baggage::MAX_ITEMS && bytes <= Baggage::MAX_BYTES,
                    "{format:?}: {headers:?}"
                );
                let again = read_http(format, &write_http(format, &read));
                let ids = |context: &SpanContext| (context.trace_id(), context.span_id());
                let kept = matches!(&again, Ok(Some(again)) if ids(again) == ids(&read));
                assert!(
                    kept || !read.is_valid(),
                    "{format:?}: {headers:?} gave {read:?}, and that {again:?}"
                );
            }
        }
    }
}

fn sampled() -> SpanContext {
    SpanContext::remote(
        TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        0xb7ad_6b71_6920_3331.into(),
        Decision::Sampled,
    )
}

fn contexts() -> Vec<SpanContext> {
    let trace_ids = [
        1,
        u128::from(u64::MAX),
        1 << 64,
        u128::MAX,
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
    ];
    let decisions = [Decision::Sampled, Decision::Refused];
    let span_ids = [1, u64::MAX, 0x00f0_67aa_0ba9_02b7];
    let of = |trace_id: u128, span_id: u64| {
        decisions.map(|decision| SpanContext::remote(trace_id.into(), span_id.into(), decision))
    };
    trace_ids
        .into_iter()
        .flat_map(|trace_id| {
            span_ids
                .into_iter()
                .flat_map(move |span_id| of(trace_id, span_id))
        })
        .collect()
}

fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn write_text(format: &Propagation, context: &SpanContext) -> Pairs {
    let mut map = Pairs::new();
    TextMap(&mut map).inject(context, std::slice::from_ref(format));
    map
}

fn read_text(
    format: &Propagation,
    map: &Pairs,
) -> Result<Option<SpanContext>, tracer_core::ExtractError> {
    read(format, &TextMap(map))
}

fn read(
    format: &Propagation,
    carrier: &impl Extract,
) -> Result<Option<SpanContext>, tracer_core::ExtractError> {
    let read = carrier.extract(std::slice::from_ref(format));
    // The tracer catches that, and this is what it makes of it.
    let panicked = tracer_core::ExtractError::Corrupted("the propagator panicked");
    assert_ne!(read, Err(panicked), "{format:?} panics");
    read
}

fn write_http(format: &Propagation, context: &SpanContext) -> Pairs {
    let mut headers = http::HeaderMap::new();
    HttpHeaders(&mut headers).inject(context, std::slice::from_ref(format));
    let value = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, found)| (name.as_str().to_owned(), value(found)))
        .collect()
}

fn read_http(
    format: &Propagation,
    map: &Pairs,
) -> Result<Option<SpanContext>, tracer_core::ExtractError> {
    let mut headers = http::HeaderMap::new();
    for (name, value) in map {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    read(format, &HttpHeaders(&headers))
}
