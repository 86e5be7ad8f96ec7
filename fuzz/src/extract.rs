//! Extraction of contexts, and injection of what was extracted.

use tracer_core::{
    Baggage, Binary, Decision, Extract, HttpHeaders, Inject, Propagation, SpanContext, TextFormat,
    TextMap, WriteCarrier,
};

use crate::headers::{Received, Sent, agree};

const FORMATS: [TextFormat; 2] = [TextFormat::HttpHeaders, TextFormat::TextMap];

/// `traceparent` and `tracestate`, against a second reading of the specification.
pub fn extract_w3c(data: &[u8]) {
    for format in FORMATS {
        let received = Received::parse(data, format);
        let read = round_trip(&received, &[Propagation::W3c]);
        let expected = match received.values("traceparent")[..] {
            [value] => traceparent(value),
            _ => None,
        };
        let found = read.as_ref().filter(|context| context.is_valid());
        let found = found.map(|context| {
            (
                u128::from(context.trace_id()),
                u64::from(context.span_id()),
                context.is_sampled(),
                context.is_random(),
            )
        });
        assert_eq!(
            found,
            expected,
            "another reading of {:?}",
            received.values("traceparent")
        );
        if let Some(context) = read.filter(|context| !context.trace_state().is_empty()) {
            check_trace_state(context.trace_state());
            let members = |list: &[u8]| {
                list.split(|&byte| byte == b',')
                    .filter(|member| !trim(member).is_empty())
                    .count()
            };
            let sent: usize = received.values("tracestate").into_iter().map(members).sum();
            assert_eq!(
                members(context.trace_state().as_bytes()),
                sent,
                "members are kept all or none"
            );
        }
    }
}

/// The `baggage` of W3C.
pub fn extract_baggage(data: &[u8]) {
    for format in FORMATS {
        let received = Received::parse(data, format);
        let read = round_trip(&received, &[Propagation::W3c]);
        let headers = received.values("baggage");
        let most = headers
            .iter()
            .flat_map(|list| list.split(|&byte| byte == b','))
            .count();
        let found = read.map_or(0, |context| context.baggage().len());
        assert!(found <= most, "{found} items of {most} members");
    }
}

/// The headers of Jaeger's clients.
pub fn extract_jaeger(data: &[u8]) {
    for format in FORMATS {
        let received = Received::parse(data, format);
        if let Some(context) = round_trip(&received, &[Propagation::Jaeger]) {
            assert!(context.debug_id().len() <= 1024);
            if context.is_valid() {
                assert_ne!(
                    context.decision(),
                    Decision::Deferred,
                    "its flags always decide"
                );
            }
        }
    }
}

/// Zipkin's headers, read and written in either form.
pub fn extract_b3(data: &[u8]) {
    for format in FORMATS {
        let received = Received::parse(data, format);
        let single = round_trip(&received, &[Propagation::B3Single]);
        let multi = round_trip(&received, &[Propagation::B3Multi]);
        assert_eq!(
            single, multi,
            "what is read does not depend on what is written"
        );
    }
}

/// All formats together, in two orders.
pub fn extract_all(data: &[u8]) {
    let formats = [Propagation::W3c, Propagation::Jaeger, Propagation::B3Multi];
    let reversed = [Propagation::B3Single, Propagation::Jaeger, Propagation::W3c];
    for format in FORMATS {
        let received = Received::parse(data, format);
        let traces = [&formats, &reversed].map(|formats| {
            round_trip(&received, formats).is_some_and(|context| context.is_valid())
        });
        assert_eq!(
            traces[0], traces[1],
            "the order decides which trace, not whether"
        );
    }
}

/// Jaeger's binary layout.
pub fn extract_jaeger_binary(data: &[u8]) {
    let Ok(Some(context)) = Binary(data).extract(&[]) else {
        return;
    };
    check(&context);
    let write = |context: &SpanContext| {
        let mut blob = b"before".to_vec();
        Binary(&mut blob).inject(context, &[]);
        blob.split_off(6)
    };
    let blob = write(&context);
    assert!(blob.len() <= 37 + 8 * Baggage::MAX_ITEMS + Baggage::MAX_BYTES);
    // Bytes that were no text are longer now, and an item may be too long to be written.
    match Binary(&blob).extract(&[]) {
        Ok(Some(again)) => {
            assert_same_span(&context, &again);
            assert!(
                again
                    .baggage()
                    .iter()
                    .all(|(key, value)| context.baggage_item(key) == Some(value))
            );
            assert_eq!(write(&again), blob);
        }
        Ok(None) => assert!(!context.is_valid()),
        Err(error) => panic!("what was written cannot be read: {error}"),
    }
}

/// Extracts, and if something is found injects it into new and used carriers and extracts it again: the same span, under
/// all bounds, in valid headers, and the second time the very same.
fn round_trip(received: &Received, formats: &[Propagation]) -> Option<SpanContext> {
    let map = received.header_map();
    if received.format == TextFormat::HttpHeaders {
        agree(received, &map, formats);
    }
    let context = received.extract(formats).ok().flatten()?;
    check(&context);
    let first = write(&context, received.format, formats);
    let Some(again) = first
        .extract(formats)
        .expect("what was written can be read")
    else {
        assert!(!context.is_valid(), "lost: {context:?}");
        return Some(context);
    };
    check(&again);
    assert_same_span(&context, &again);
    assert_settles(again.clone(), first, formats);

    let mut pairs = Vec::new();
    TextMap(&mut pairs).inject(&context, formats);
    let read = TextMap(&pairs)
        .extract(formats)
        .expect("what was written can be read");
    assert_same_span(&context, &read.unwrap_or_else(|| again.clone()));
    let mut used = map;
    HttpHeaders(&mut used).inject(&context, formats);
    for value in used.values() {
        assert!(!value.as_bytes().contains(&b'\r') && !value.as_bytes().contains(&b'\n'));
    }
    Some(context)
}

/// Keys that differ in case, or that one format can hold and another not, are told from each other only so long. What is
/// read and written again and again comes to rest soon.
fn assert_settles(mut context: SpanContext, mut sent: Sent, formats: &[Propagation]) {
    for _ in 0..3 {
        let again = write(&context, sent.format(), formats);
        if again.sorted() == sent.sorted() {
            return;
        }
        let read = again
            .extract(formats)
            .expect("what was written can be read");
        (context, sent) = (read.expect("it does not vanish"), again);
    }
    panic!("still changing: {sent:?}");
}

fn write(context: &SpanContext, format: TextFormat, formats: &[Propagation]) -> Sent {
    let mut sent = Sent::new(format);
    sent.inject(context, formats);
    if let Some(value) = sent.value("traceparent") {
        assert!(traceparent(value.as_bytes()).is_some(), "{value:?}");
        assert!(value.starts_with("00-") && value.len() == 55, "{value:?}");
    }
    if let Some(list) = sent.value("tracestate") {
        check_trace_state(list);
    }
    if let Some(list) = sent.value("baggage") {
        assert!(list.len() <= Baggage::MAX_BYTES && list.split(',').count() <= Baggage::MAX_ITEMS);
    }
    sent
}

/// The bounds that every context keeps.
fn check(context: &SpanContext) {
    let bytes: usize = context
        .baggage()
        .iter_with_properties()
        .map(|(key, value, more)| key.len() + value.len() + more.len())
        .sum();
    assert!(
        bytes <= Baggage::MAX_BYTES && context.baggage().len() <= Baggage::MAX_ITEMS,
        "{bytes} bytes of baggage"
    );
    assert!(context.is_remote());
    assert_eq!(
        context.trace_id().is_none(),
        context.span_id().is_none(),
        "half an identity: {context:?}"
    );
}

/// That both name the same span and the same decision. What only some formats tell may be lost.
fn assert_same_span(one: &SpanContext, other: &SpanContext) {
    assert_eq!(
        (one.trace_id(), one.span_id()),
        (other.trace_id(), other.span_id())
    );
    if one.is_valid() {
        assert_eq!(one.is_sampled(), other.is_sampled());
    }
}

/// A `traceparent` read by the letter of <https://www.w3.org/TR/trace-context-2/#traceparent-header>: trace, parent, sampled,
/// random.
fn traceparent(value: &[u8]) -> Option<(u128, u64, bool, bool)> {
    let text = String::from_utf8_lossy(trim(value));
    let mut parts = text.splitn(5, '-');
    let mut hex = |digits: usize| {
        let part = parts.next()?;
        let lower = part
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (lower && part.len() == digits).then(|| u128::from_str_radix(part, 16).ok())?
    };
    let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let more = parts.next();
    let allowed = version != 0xff && (version != 0 || more.is_none());
    (allowed && trace != 0 && span != 0).then_some((
        trace,
        span as u64,
        flags & 1 != 0,
        flags & 2 != 0,
    ))
}

/// <https://www.w3.org/TR/trace-context-2/#tracestate-header>.
fn check_trace_state(list: &str) {
    assert!(list.split(',').count() <= 32, "{list:?}");
    for member in list.split(',') {
        let (key, value) = member
            .split_once('=')
            .expect("a member has a key and a value");
        assert!(
            key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit()),
            "{key:?}"
        );
        let in_key = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte)
        };
        assert!(key.len() <= 256 && key.bytes().all(in_key), "{key:?}");
        let in_value = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
        assert!(
            (1..=256).contains(&value.len())
                && value.bytes().all(in_value)
                && !value.ends_with(' '),
            "{value:?}"
        );
    }
}

/// Without spaces and tabs around it.
fn trim(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|byte| !blank(byte))
        .map_or(start, |last| last + 1);
    &text[start..end]
}
