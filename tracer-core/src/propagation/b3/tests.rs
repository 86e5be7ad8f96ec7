use super::*;
use crate::propagation::{Extract, HttpHeaders, Inject, Propagation, TextMap};
use http::{HeaderMap, HeaderName, HeaderValue};

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";
const PARENT: &str = "05e3ac9a4f6e3b90";

fn extract(pairs: &[(&str, &str)]) -> Result<Option<SpanContext>, ExtractError> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let found = HttpHeaders(&map).extract(&[Propagation::B3Single]);
    assert_eq!(
        found,
        HttpHeaders(&map).extract(&[Propagation::B3Multi]),
        "both read both forms"
    );
    found
}

fn inject(context: &SpanContext, propagation: Propagation) -> Vec<(String, String)> {
    let mut map = Vec::new();
    TextMap(&mut map).inject(context, &[propagation]);
    map.sort();
    map
}

fn context(decision: Decision) -> SpanContext {
    SpanContext::remote(TRACE.parse().unwrap(), SPAN.parse().unwrap(), decision)
}

#[test]
fn the_single_header_is_read_in_all_its_forms() {
    use Decision::{Debug, Deferred, Refused, Sampled};
    let with_parent = |decision| context(decision).with_parent_id(PARENT.parse().unwrap());
    for (value, expected) in [
        (
            format!("{TRACE}-{SPAN}-1-{PARENT}"),
            Some(with_parent(Sampled)),
        ),
        (
            format!("{TRACE}-{SPAN}-d-{PARENT}"),
            Some(with_parent(Debug)),
        ),
        (
            format!("{TRACE}-{SPAN}-{PARENT}"),
            Some(with_parent(Deferred)),
        ),
        (format!("{TRACE}-{SPAN}-1"), Some(context(Sampled))),
        (format!("{TRACE}-{SPAN}-0"), Some(context(Refused))),
        (format!("{TRACE}-{SPAN}-d"), Some(context(Debug))),
        (format!("{TRACE}-{SPAN}"), Some(context(Deferred))),
        (
            format!("{TRACE}-{SPAN}-1-0000000000000000"),
            Some(context(Sampled)),
        ),
        ("0".into(), Some(decided(Refused))),
        ("1".into(), Some(decided(Sampled))),
        ("d".into(), Some(decided(Debug))),
        (" 0 ".into(), Some(decided(Refused))),
        (String::new(), None),
        ("-".into(), None),
        ("2".into(), None),
        ("D".into(), None),
        ("true".into(), None),
        (format!("{TRACE}-"), None),
        (format!("-{SPAN}"), None),
        (TRACE.into(), None),
        (format!("{TRACE}-{SPAN}-"), None),
        (format!("{TRACE}-{SPAN}-1-"), None),
        (format!("{TRACE}-{SPAN}--{PARENT}"), None),
        (format!("{TRACE}-{SPAN}-2"), None),
        (format!("{TRACE}-{SPAN}-1-{PARENT}-"), None),
        (format!("{TRACE}-{SPAN}-1-{PARENT}-1"), None),
        (format!("{TRACE}-{SPAN}-{PARENT}-1"), None),
        (format!("{}-{SPAN}-1", &TRACE[1..]), None),
        (format!("{TRACE}0-{SPAN}-1"), None),
        (format!("{TRACE}-{}-1", &SPAN[1..]), None),
        (format!("{TRACE}-{SPAN}-1-{}", &PARENT[1..]), None),
        (format!("{}-{SPAN}-1", TRACE.to_uppercase()), None),
        (format!("{TRACE}-{}-1", SPAN.to_uppercase()), None),
        (format!("{}-{SPAN}-1", "0".repeat(32)), None),
        (format!("{TRACE}-{}-1", "0".repeat(16)), None),
        (format!("{TRACE}-{SPAN}-1-{PARENT}").repeat(2), None),
    ] {
        let found = extract(&[("b3", &value)]);
        match expected {
            Some(expected) => assert_eq!(found, Ok(Some(expected)), "{value:?}"),
            None => assert!(
                matches!(found, Err(Corrupted(_))),
                "{value:?} gave {found:?}"
            ),
        }
    }
    let short = extract(&[("b3", &format!("{}-{SPAN}-1", &TRACE[16..]))])
        .unwrap()
        .unwrap();
    assert_eq!(
        short.trace_id(),
        TraceId {
            high: 0,
            low: 0x64fe8b2a57d3eff7
        }
    );
}

#[test]
fn the_several_headers_are_read_in_all_their_forms() {
    use Decision::{Debug, Deferred, Refused, Sampled};
    let ids = [("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)];
    let found = |more: &[(&str, &str)]| extract(&[&ids, more].concat());
    assert_eq!(found(&[]), Ok(Some(context(Deferred))));
    for (value, decision) in [
        ("1", Sampled),
        ("0", Refused),
        ("true", Sampled),
        ("False", Refused),
    ] {
        assert_eq!(
            found(&[("X-B3-Sampled", value)]),
            Ok(Some(context(decision)))
        );
        assert_eq!(
            extract(&[("X-B3-Sampled", value)]),
            Ok(Some(decided(decision)))
        );
    }
    for sampled in ["0", "1"] {
        assert_eq!(
            found(&[("X-B3-Flags", "1"), ("X-B3-Sampled", sampled)]),
            Ok(Some(context(Debug)))
        );
    }
    assert_eq!(
        found(&[("X-B3-Flags", "0"), ("X-B3-Sampled", "0")]),
        Ok(Some(context(Refused)))
    );
    assert_eq!(extract(&[("X-B3-Flags", "1")]), Ok(Some(decided(Debug))));
    assert_eq!(
        found(&[("X-B3-ParentSpanId", PARENT)]),
        Ok(Some(
            context(Deferred).with_parent_id(PARENT.parse().unwrap())
        ))
    );
    for wrong in [
        ("X-B3-Sampled", ""),
        ("X-B3-Sampled", "-"),
        ("X-B3-Sampled", "2"),
        ("X-B3-Flags", ""),
        ("X-B3-Flags", "-"),
        ("X-B3-ParentSpanId", ""),
        ("X-B3-ParentSpanId", "-"),
        ("X-B3-ParentSpanId", &PARENT[1..]),
    ] {
        assert!(found(&[wrong]).is_err(), "{wrong:?}");
    }
    for wrong in [
        "",
        "-",
        "0",
        &TRACE[1..],
        &TRACE.to_uppercase(),
        &"0".repeat(32),
    ] {
        assert!(
            extract(&[("X-B3-TraceId", wrong), ("X-B3-SpanId", SPAN)]).is_err(),
            "{wrong:?}"
        );
        assert!(
            extract(&[("X-B3-TraceId", TRACE), ("X-B3-SpanId", wrong)]).is_err(),
            "{wrong:?}"
        );
    }
    assert!(extract(&[ids[0]]).is_err());
    assert!(extract(&[ids[1]]).is_err());
    assert_eq!(extract(&[]), Ok(None));
}

#[test]
fn the_first_of_duplicates_wins() {
    let found = extract(&[
        ("x-b3-traceid", TRACE),
        ("x-b3-traceid", "-"),
        ("x-b3-spanid", SPAN),
        ("x-b3-sampled", "0"),
        ("x-b3-sampled", "1"),
    ]);
    assert_eq!(found, Ok(Some(context(Decision::Refused))));
}

#[test]
fn the_single_header_precedes_the_several_unless_damaged() {
    let several = [
        ("x-b3-traceid", "1234567890abcdef"),
        ("x-b3-spanid", "1234567890abcdef"),
    ];
    let found = |b3: &str| {
        extract(&[&several[..], &[("b3", b3)]].concat())
            .unwrap()
            .unwrap()
    };
    assert_eq!(
        found(&format!("{TRACE}-{SPAN}")),
        context(Decision::Deferred)
    );
    assert_eq!(found("0"), decided(Decision::Refused));
    assert_eq!(found("damaged").span_id(), SpanId(0x1234567890abcdef));
    assert!(extract(&[("b3", "damaged")]).is_err());
}

#[test]
fn the_single_header_is_written() {
    let single = |context: SpanContext| inject(&context, Propagation::B3Single);
    let b3 = |value: String| vec![("b3".to_owned(), value)];
    for (decision, text) in [
        (Decision::Refused, "0"),
        (Decision::Sampled, "1"),
        (Decision::Debug, "d"),
    ] {
        assert_eq!(
            single(context(decision)),
            b3(format!("{TRACE}-{SPAN}-{text}"))
        );
        let with_parent = context(decision).with_parent_id(PARENT.parse().unwrap());
        assert_eq!(
            single(with_parent),
            b3(format!("{TRACE}-{SPAN}-{text}-{PARENT}"))
        );
        assert_eq!(single(decided(decision)), b3(text.to_owned()));
    }
    assert_eq!(
        single(context(Decision::Deferred)),
        b3(format!("{TRACE}-{SPAN}"))
    );
    let with_parent = context(Decision::Deferred).with_parent_id(PARENT.parse().unwrap());
    assert_eq!(
        single(with_parent),
        b3(format!("{TRACE}-{SPAN}")),
        "a parent needs a decision before it"
    );
    assert_eq!(single(decided(Decision::Deferred)), []);
    assert_eq!(single(SpanContext::EMPTY), []);
    let short = SpanContext::remote(TraceId::from(0xabc), SpanId(1), Decision::Sampled);
    assert_eq!(
        single(short),
        b3("0000000000000abc-0000000000000001-1".into())
    );
}

#[test]
fn the_several_headers_are_written() {
    let several = |context: SpanContext| {
        let pairs = inject(&context, Propagation::B3Multi).into_iter();
        pairs
            .map(|(key, value)| format!("{}={value}", &key[5..]))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let ids = format!("spanid={SPAN} traceid={TRACE}");
    assert_eq!(several(context(Decision::Deferred)), ids);
    assert_eq!(
        several(context(Decision::Refused)),
        format!("sampled=0 {ids}")
    );
    assert_eq!(
        several(context(Decision::Sampled)),
        format!("sampled=1 {ids}")
    );
    assert_eq!(
        several(context(Decision::Debug)),
        format!("flags=1 {ids}"),
        "debug implies sampled"
    );
    let with_parent = context(Decision::Sampled).with_parent_id(PARENT.parse().unwrap());
    assert_eq!(
        several(with_parent),
        format!("parentspanid={PARENT} sampled=1 {ids}")
    );
    assert_eq!(several(decided(Decision::Refused)), "sampled=0");
    assert_eq!(several(decided(Decision::Deferred)), "");
    assert_eq!(several(SpanContext::EMPTY), "");
}

#[test]
fn a_carrier_filled_before_keeps_nothing_that_contradicts() {
    let mut map = Vec::new();
    let full = context(Decision::Sampled).with_parent_id(PARENT.parse().unwrap());
    TextMap(&mut map).inject(&full, &[Propagation::B3Multi]);
    TextMap(&mut map).inject(&context(Decision::Debug), &[Propagation::B3Multi]);
    assert_eq!(
        TextMap(&map).extract(&[Propagation::B3Multi]),
        Ok(Some(context(Decision::Debug)))
    );
    TextMap(&mut map).inject(&decided(Decision::Refused), &[Propagation::B3Multi]);
    assert_eq!(map, [("x-b3-sampled".to_owned(), "0".to_owned())]);
}

#[test]
fn baggage_travels_as_the_jaeger_clients_have_it() {
    let written = context(Decision::Sampled).with_baggage_item("Key", "1+1\r\n");
    let mut map = HeaderMap::new();
    HttpHeaders(&mut map).inject(&written, &[Propagation::B3Single]);
    assert_eq!(map.get("baggage-key").unwrap(), "1%2B1%0D%0A");
    let read = HttpHeaders(&map)
        .extract(&[Propagation::B3Single])
        .unwrap()
        .unwrap();
    assert_eq!(read.baggage_item("key"), Some("1+1\r\n"));
    // Jaeger's clients do not encode it, so a plus is none but itself.
    let only = extract(&[("baggage-k", "1+1 = 100%")]).unwrap().unwrap();
    assert_eq!(
        (only.is_valid(), only.baggage_item("k")),
        (false, Some("1+1 = 100%"))
    );
    assert_eq!(only.decision(), Decision::Deferred);
}
