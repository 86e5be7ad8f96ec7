//! The composite of formats, the carriers, and what holds of every format.

use std::collections::{BTreeMap, HashMap};

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::id::{SpanId, TraceId};

const DEFAULT: [Propagation; 2] = [Propagation::W3c, Propagation::Jaeger];
const ALL: [Propagation; 4] = [
    Propagation::W3c,
    Propagation::Jaeger,
    Propagation::B3Single,
    Propagation::B3Multi,
];
const W3C: &str = "00-000000000000000a000000000000000b-000000000000000c-01";
const SAME: &str = "000000000000000a000000000000000b:000000000000000c:000000000000000d:b";
const OTHER: &str = "1:2:3:0";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    map
}

fn extract(
    propagations: &[Propagation],
    pairs: &[(&str, &str)],
) -> Result<Option<SpanContext>, ExtractError> {
    HttpHeaders(&headers(pairs)).extract(propagations)
}

fn found(propagations: &[Propagation], pairs: &[(&str, &str)]) -> SpanContext {
    extract(propagations, pairs).unwrap().unwrap()
}

#[test]
fn all_formats_are_injected() {
    let context = SpanContext::remote(TraceId::from(1), SpanId(2), Decision::Sampled)
        .with_baggage_item("k", "v");
    let mut map = BTreeMap::new();
    TextMap(&mut map).inject(&context, &ALL);
    let keys: Vec<_> = map.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "b3",
            "baggage",
            "baggage-k",
            "traceparent",
            "uber-trace-id",
            "uberctx-k",
            "x-b3-sampled",
            "x-b3-spanid",
            "x-b3-traceid"
        ]
    );
}

#[test]
fn the_first_format_of_the_list_gives_the_trace() {
    let pairs = [("uber-trace-id", OTHER), ("traceparent", W3C)];
    assert_eq!(found(&DEFAULT, &pairs).span_id(), SpanId(12));
    assert_eq!(
        found(&[Propagation::Jaeger, Propagation::W3c], &pairs).span_id(),
        SpanId(2)
    );
    assert_eq!(found(&DEFAULT, &pairs[..1]).span_id(), SpanId(2));
    let both = found(&DEFAULT, &pairs);
    assert_eq!(
        (both.parent_id(), both.flags()),
        (SpanId::NONE, 1),
        "nothing of another span is added"
    );
}

#[test]
fn formats_of_the_same_span_add_up() {
    let pairs = [
        ("traceparent", &*W3C.replace("-01", "-03")),
        ("tracestate", "a=1"),
        ("uber-trace-id", SAME),
    ];
    for order in [DEFAULT, [Propagation::Jaeger, Propagation::W3c]] {
        let context = found(&order, &pairs);
        assert_eq!((context.parent_id(), context.flags()), (SpanId(13), 0xb));
        assert_eq!((context.is_random(), context.trace_state()), (true, "a=1"));
        assert_eq!(context.decision(), Decision::Debug);
    }
    // They contradict each other: the first is believed.
    let refused = [
        ("traceparent", &*W3C.replace("-01", "-00")),
        ("uber-trace-id", SAME),
    ];
    assert_eq!(found(&DEFAULT, &refused).flags(), 0);
    // The first has no opinion.
    let ids = "000000000000000a000000000000000b-000000000000000c";
    let context = found(
        &[Propagation::B3Single, Propagation::W3c],
        &[("b3", ids), ("traceparent", W3C)],
    );
    assert_eq!(context.decision(), Decision::Sampled);
    let context = found(
        &[Propagation::W3c, Propagation::B3Single],
        &[("b3", ids), ("traceparent", W3C)],
    );
    assert_eq!(context.decision(), Decision::Sampled);
    let context = found(
        &[Propagation::B3Single, Propagation::B3Multi],
        &[("b3", ids)],
    );
    assert_eq!(context.decision(), Decision::Deferred);
}

#[test]
fn debug_survives_two_services_with_the_default_formats() {
    let debug = SpanContext::remote(TraceId::from(1), SpanId(2), Decision::Debug).with_flags(0xb);
    let mut map = HeaderMap::new();
    HttpHeaders(&mut map).inject(&debug, &DEFAULT);
    assert_eq!(HttpHeaders(&map).extract(&DEFAULT), Ok(Some(debug)));
}

#[test]
fn a_damaged_format_hides_no_other_and_is_an_error_alone() {
    assert_eq!(
        found(
            &DEFAULT,
            &[("traceparent", "damaged"), ("uber-trace-id", OTHER)]
        )
        .span_id(),
        SpanId(2)
    );
    assert_eq!(
        found(
            &DEFAULT,
            &[("traceparent", W3C), ("uber-trace-id", "damaged")]
        )
        .span_id(),
        SpanId(12)
    );
    assert_eq!(
        extract(
            &DEFAULT,
            &[("traceparent", "damaged"), ("uber-trace-id", "damaged")]
        ),
        Err(ExtractError::Corrupted(
            "traceparent: shorter than 55 characters"
        ))
    );
    assert!(extract(&DEFAULT, &[("uber-trace-id", "damaged")]).is_err());
    assert_eq!(extract(&DEFAULT, &[]), Ok(None));
    assert_eq!(extract(&[], &[("traceparent", W3C)]), Ok(None));
}

#[test]
fn baggage_of_all_formats_is_merged() {
    let items = |pairs: &[(&str, &str)]| {
        let context = found(&DEFAULT, pairs);
        let items: Vec<_> = context
            .baggage()
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        format!("{} {}", context.is_valid(), items.join(" "))
    };
    assert_eq!(
        items(&[("traceparent", W3C), ("uberctx-k", "v")]),
        "true k=v"
    );
    assert_eq!(
        items(&[("uber-trace-id", OTHER), ("baggage", "k=v")]),
        "true k=v"
    );
    assert_eq!(
        items(&[("baggage", "a=1"), ("jaeger-baggage", "b=2")]),
        "false a=1 b=2"
    );
    assert_eq!(
        items(&[("traceparent", W3C), ("uberctx-b", "2"), ("baggage", "a=1")]),
        "true a=1 b=2"
    );
    // What went through both formats comes back once, and in the case of the one that keeps it.
    assert_eq!(
        items(&[
            ("traceparent", W3C),
            ("uberctx-kiff", "j"),
            ("baggage", "Kiff=w")
        ]),
        "true Kiff=w"
    );
    assert_eq!(
        items(&[
            ("uber-trace-id", OTHER),
            ("uberctx-kiff", "j"),
            ("baggage", "Kiff=w")
        ]),
        "true Kiff=w"
    );
}

#[test]
fn requests_without_a_trace_keep_what_they_came_with() {
    let order = [Propagation::W3c, Propagation::Jaeger, Propagation::B3Single];
    let context = found(
        &order,
        &[("b3", "0"), ("jaeger-debug-id", "x"), ("baggage", "a=1")],
    );
    assert_eq!(
        (context.is_valid(), context.decision()),
        (false, Decision::Refused)
    );
    assert_eq!(
        (context.debug_id(), context.baggage_item("a")),
        ("x", Some("1"))
    );
    let context = found(
        &order,
        &[("traceparent", W3C), ("jaeger-debug-id", "x"), ("b3", "0")],
    );
    assert_eq!(
        (context.debug_id(), context.decision()),
        ("", Decision::Sampled)
    );
    let context = found(
        &[Propagation::B3Single, Propagation::W3c],
        &[("traceparent", W3C), ("b3", "0")],
    );
    assert_eq!(
        (context.is_valid(), context.decision()),
        (true, Decision::Sampled)
    );
}

#[test]
fn a_propagator_and_carriers_of_the_user_plug_in() {
    #[derive(Debug)]
    struct Number;
    impl Propagator for Number {
        fn inject(&self, context: &SpanContext, carrier: &mut dyn WriteCarrier) {
            carrier.set("number", &u64::from(context.span_id()).to_string());
        }
        fn extract(&self, carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
            let mut number = None;
            carrier.values("Number", &mut |value| {
                number = std::str::from_utf8(value).ok();
            });
            let Some(number) = number else {
                return Ok(None);
            };
            let number: u64 = number
                .parse()
                .map_err(|_| ExtractError::Corrupted("number"))?;
            Ok(Some(SpanContext::remote(
                TraceId::from(1),
                SpanId(number),
                Decision::Deferred,
            )))
        }
    }
    struct Queue(Vec<(&'static str, Vec<u8>)>);
    impl WriteCarrier for Queue {
        fn format(&self) -> TextFormat {
            TextFormat::HttpHeaders
        }
        fn set(&mut self, key: &str, value: &str) {
            self.0.push((
                if key == "number" { "number" } else { "other" },
                value.into(),
            ));
        }
    }
    impl ReadCarrier for Queue {
        fn format(&self) -> TextFormat {
            TextFormat::HttpHeaders
        }
        fn entries<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
            self.0.iter().for_each(|(key, value)| visit(key, value));
        }
    }
    let propagations = [Propagation::custom(Number), Propagation::B3Multi];
    let context = SpanContext::remote(TraceId::from(1), SpanId(77), Decision::Deferred);
    let mut queue = Queue(Vec::new());
    queue.inject(&context, &propagations);
    assert_eq!(queue.0.len(), 3);
    assert_eq!(queue.extract(&propagations[..1]), Ok(Some(context)));
    queue.0[0].1 = b"?".to_vec();
    assert!(queue.extract(&propagations[..1]).is_err());
    assert_eq!(format!("{:?}", propagations[0].clone()), "Custom(Number)");
}

#[test]
fn a_propagator_that_panics_is_a_format_that_cannot_be_read() {
    #[derive(Debug)]
    struct Panics;
    impl Propagator for Panics {
        fn inject(&self, _: &SpanContext, _: &mut dyn WriteCarrier) {
            panic!("on purpose");
        }

        fn extract(&self, _: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
            panic!("on purpose");
        }
    }
    let alone = [Propagation::custom(Panics)];
    assert!(extract(&alone, &[]).is_err());
    let beside = [Propagation::custom(Panics), Propagation::Jaeger];
    let context = found(&beside, &[("uber-trace-id", "a:b:0:1")]);
    let mut headers = HeaderMap::new();
    HttpHeaders(&mut headers).inject(&context, &beside);
    assert_eq!(
        headers["uber-trace-id"],
        "000000000000000a:000000000000000b:0:1"
    );
}

#[test]
fn text_maps_replace_keys_in_any_case_and_read_them_so() {
    let context = SpanContext::remote(TraceId::from(1), SpanId(2), Decision::Sampled);
    let old = [
        ("TraceParent", "x"),
        ("UBER-TRACE-ID", "x"),
        ("Accept", "*/*"),
    ];
    let old = || {
        old.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
    };
    let (mut hash, mut tree, mut list) = (HashMap::new(), BTreeMap::new(), Vec::new());
    hash.extend(old());
    tree.extend(old());
    list.extend(old());
    TextMap(&mut hash).inject(&context, &DEFAULT);
    TextMap(&mut tree).inject(&context, &DEFAULT);
    TextMap(&mut list).inject(&context, &DEFAULT);
    assert_eq!((hash.len(), tree.len(), list.len()), (3, 3, 3));
    assert_eq!(TextMap(&hash).extract(&DEFAULT), Ok(Some(context.clone())));
    assert_eq!(TextMap(&tree).extract(&DEFAULT), Ok(Some(context.clone())));
    assert_eq!(TextMap(&list).extract(&DEFAULT), Ok(Some(context.clone())));
    assert_eq!(
        TextMap(&mut list).extract(&DEFAULT),
        Ok(Some(context)),
        "what is written can be read back at once"
    );
}

#[test]
fn a_full_header_map_takes_no_more_and_does_not_panic() {
    let mut map = HeaderMap::new();
    let mut count = 0;
    while map
        .try_insert(
            HeaderName::from_bytes(format!("h{count}").as_bytes()).unwrap(),
            HeaderValue::from(1),
        )
        .is_ok()
    {
        count += 1;
    }
    let context = SpanContext::remote(TraceId::from(1), SpanId(2), Decision::Sampled);
    HttpHeaders(&mut map).inject(&context, &ALL);
    assert_eq!(map.len(), count);
}

/// Names that some format reads, and values that look as if they were meant.
fn hostile_headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let names = prop::sample::select(vec![
        "traceparent",
        "tracestate",
        "baggage",
        "uber-trace-id",
        "uberctx-k",
        "uberctx-",
        "jaeger-baggage",
        "jaeger-debug-id",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
        "baggage-k",
    ]);
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,9})?".prop_map(String::into_bytes),
        "[0-9a-fA-F]{1,33}(:|%3A)[0-9a-f]{1,17}:[0-9a-f]{1,17}:[0-9a-f]{1,3}"
            .prop_map(String::into_bytes),
        "[0-9a-f]{32}-[0-9a-f]{16}(-[01d](-[0-9a-f]{16})?)?".prop_map(String::into_bytes),
        "[0-9a-f]{16}|[0-9a-f]{32}|[01d]".prop_map(String::into_bytes),
        "([ \\ta-z0-9@*/_-]{0,20}=[ -~]{0,20},?){0,40}".prop_map(String::into_bytes),
        "([a-z ]{0,4}=(%[0-9a-fA-F]{2}|[a-zé%+;= \\r\\n]){0,9}(;[a-z= ]{0,5})?,?){0,80}"
            .prop_map(String::into_bytes),
    ];
    prop::collection::vec((names.prop_map(str::to_owned), value), 0..12)
}

fn hostile_context() -> impl Strategy<Value = SpanContext> {
    let items = prop::collection::vec(
        (".{0,12}|[A-Za-z!~]{1,9}", ".{0,40}", ".{0,20}|p;q=1"),
        0..6,
    );
    let ids = (any::<u128>(), any::<u64>(), any::<u64>(), any::<u8>());
    (
        ids,
        prop::bool::ANY,
        prop::bool::ANY,
        items,
        "[a-z@]{1,5}=[ -~]{1,9}(,[a-z]=1){0,3}|.{0,30}",
    )
        .prop_map(
            |((trace, span, parent, flags), deferred, random, items, state)| {
                let mut baggage = Baggage::new();
                for (key, value, properties) in &items {
                    baggage.set_with_properties(key, value, properties);
                }
                let decided =
                    SpanContext::remote(TraceId::from(trace), SpanId(span), Decision::Refused)
                        .with_flags(flags);
                let context = if deferred {
                    decided.with_decision(Decision::Deferred)
                } else {
                    decided
                };
                context
                    .with_parent_id(SpanId(parent))
                    .with_random_flag(random)
                    .with_baggage(baggage)
                    .with_trace_state(&state)
            },
        )
}

/// Checks every pair against the grammar of its header, independently of the code that wrote it.
fn assert_valid(map: &HeaderMap) {
    let is_hex = |text: &str, lengths: &[usize]| {
        lengths.contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    for (name, value) in map {
        let value = value.to_str().expect("visible ASCII");
        assert!(
            value.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{name}: {value:?}"
        );
        let valid = match name.as_str() {
            "traceparent" => {
                let parts: Vec<_> = value.split('-').collect();
                parts.len() == 4
                    && parts[0] == "00"
                    && is_hex(parts[1], &[32])
                    && is_hex(parts[2], &[16])
                    && ["00", "01", "02", "03"].contains(&parts[3])
                    && !parts[1..3]
                        .iter()
                        .any(|part| part.bytes().all(|byte| byte == b'0'))
            }
            "tracestate" => {
                let is_member = |member: &str| {
                    member
                        .split_once('=')
                        .is_some_and(|(k, v)| !k.is_empty() && !v.is_empty())
                };
                value.split(',').count() <= 32 && value.split(',').all(is_member)
            }
            "baggage" => {
                value.len() <= 8192
                    && value.split(',').count() <= 64
                    && value
                        .split(',')
                        .all(|member| member.find('=').is_some_and(|at| at > 0))
                    && !value.contains(['"', '\\', ' '])
            }
            "uber-trace-id" => {
                let parts: Vec<_> = value.split(':').collect();
                parts.len() == 4
                    && is_hex(parts[0], &[16, 32])
                    && is_hex(parts[1], &[16])
                    && (parts[2] == "0" || is_hex(parts[2], &[16]))
                    && is_hex(parts[3], &[1, 2])
                    && (parts[3].len() == 1 || !parts[3].starts_with('0'))
            }
            "b3" => {
                let parts: Vec<_> = value.split('-').collect();
                match parts[..] {
                    [decision] => ["0", "1", "d"].contains(&decision),
                    [trace, span] => is_hex(trace, &[16, 32]) && is_hex(span, &[16]),
                    [trace, span, decision, ref parent @ ..] => {
                        is_hex(trace, &[16, 32])
                            && is_hex(span, &[16])
                            && ["0", "1", "d"].contains(&decision)
                            && parent.len() <= 1
                            && parent.iter().all(|parent| is_hex(parent, &[16]))
                    }
                    [] => false,
                }
            }
            "x-b3-traceid" => is_hex(value, &[16, 32]),
            "x-b3-spanid" | "x-b3-parentspanid" => is_hex(value, &[16]),
            "x-b3-sampled" => ["0", "1"].contains(&value),
            "x-b3-flags" => value == "1",
            name => {
                name.starts_with("uberctx-")
                    || name.starts_with("baggage-")
                    || name == "jaeger-debug-id"
            }
        };
        assert!(valid, "{name}: {value:?}");
    }
}

/// A format that nothing is of.
#[derive(Debug)]
struct Nothing;

impl Propagator for Nothing {
    fn inject(&self, _: &SpanContext, _: &mut dyn WriteCarrier) {}

    fn extract(&self, _: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
        Ok(None)
    }
}

proptest! {
    #[test]
    fn what_arrives_alone_is_read_as_beside_others(pairs in hostile_headers(), count in 0..3_usize, capitals in any::<bool>()) {
        let name = |name: String| if capitals { name.to_ascii_uppercase() } else { name };
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        let pairs = pairs.into_iter().take(count).map(|(key, value)| (name(key), text(value)));
        let pairs: Vec<_> = pairs.chain([("User-Agent".to_owned(), "x".to_owned())]).collect();
        for usual in [&[Propagation::W3c][..], &[Propagation::Jaeger], &DEFAULT] {
            let more: Vec<_> = usual.iter().cloned().chain([Propagation::custom(Nothing)]).collect();
            let (read, beside) = (TextMap(&pairs).extract(usual), TextMap(&pairs).extract(&more));
            prop_assert_eq!(format!("{:?}", read), format!("{:?}", beside));
        }
    }

    #[test]
    fn whatever_arrives_is_read_without_panic_and_passed_on_valid(pairs in hostile_headers(), from in 0..4_usize) {
        let mut map = HeaderMap::new();
        let mut text = Vec::new();
        for (name, value) in pairs {
            text.push((name.clone(), String::from_utf8_lossy(&value).into_owned()));
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
            }
        }
        for propagations in [&ALL[..], &ALL[from..=from]] {
            for found in [HttpHeaders(&map).extract(propagations), TextMap(&text).extract(propagations)] {
                if let Ok(Some(context)) = found {
                    prop_assert!(context.is_remote());
                    prop_assert!(context.is_valid() || context.trace_id().is_none());
                    let mut written = HeaderMap::new();
                    HttpHeaders(&mut written).inject(&context, &ALL);
                    assert_valid(&written);
                    for propagation in &ALL {
                        // What went out once is a fixed point of reading and writing.
                        let only = std::slice::from_ref(propagation);
                        let (mut once, mut twice) = (HeaderMap::new(), HeaderMap::new());
                        HttpHeaders(&mut once).inject(&context, only);
                        let again = HttpHeaders(&once).extract(only).unwrap();
                        HttpHeaders(&mut twice).inject(&again.unwrap_or(SpanContext::EMPTY), only);
                        prop_assert_eq!(once, twice);
                    }
                }
            }
        }
    }

    #[test]
    fn whatever_a_context_holds_is_written_valid(context in hostile_context()) {
        let mut map = HeaderMap::new();
        HttpHeaders(&mut map).inject(&context, &ALL);
        assert_valid(&map);
        prop_assert_eq!(map.contains_key("traceparent"), context.is_valid());
    }

    #[test]
    fn each_format_keeps_what_it_can_carry(context in hostile_context()) {
        prop_assume!(context.is_valid());
        let through = |propagation: Propagation| {
            let mut map = BTreeMap::new();
            TextMap(&mut map).inject(&context, std::slice::from_ref(&propagation));
            TextMap(&map).extract(&[propagation]).unwrap().unwrap()
        };
        let ids = |context: &SpanContext| (context.trace_id(), context.span_id());
        let w3c = through(Propagation::W3c);
        prop_assert_eq!(ids(&w3c), ids(&context));
        prop_assert_eq!((w3c.is_sampled(), w3c.is_random()), (context.is_sampled(), context.is_random()));
        for (key, value) in context.baggage().iter().filter(|(key, _)| carrier::is_token(key)) {
            prop_assert_eq!(w3c.baggage_item(key), Some(value));
        }
        let jaeger = through(Propagation::Jaeger);
        prop_assert_eq!(ids(&jaeger), ids(&context));
        prop_assert_eq!((jaeger.parent_id(), jaeger.flags()), (context.parent_id(), context.flags()));
        for propagation in [Propagation::B3Single, Propagation::B3Multi] {
            let b3 = through(propagation);
            prop_assert_eq!((ids(&b3), b3.decision()), (ids(&context), context.decision()));
        }
        let mut blob = Vec::new();
        Binary(&mut blob).inject(&context, &[]);
        let binary = Binary(&blob).extract(&[]).unwrap().unwrap();
        prop_assert_eq!(ids(&binary), ids(&context));
        prop_assert_eq!((binary.parent_id(), binary.flags()), (context.parent_id(), context.flags()));
        prop_assert!(binary.baggage().iter().eq(context.baggage().iter()));
    }

    #[test]
    fn any_bytes_are_read_as_binary_without_panic(blob in prop::collection::vec(any::<u8>(), 0..200), count in 0..4_u8) {
        let _ = Binary(&blob).extract(&[]);
        let mut blob = blob;
        if blob.len() > 40 {
            // Sizes that could be meant lead further in.
            blob[33..40].copy_from_slice(&[0, 0, 0, count, 0, 0, 0]);
        }
        if let Ok(Some(context)) = Binary(&blob).extract(&[]) {
            let mut written = Vec::new();
            Binary(&mut written).inject(&context, &[]);
            prop_assert_eq!(Binary(&written).extract(&[]), Ok(Some(context)));
        }
    }
}
