use super::*;
use crate::propagation::{Extract, HttpHeaders, Inject, Propagation, TextMap};
use http::{HeaderMap, HeaderName, HeaderValue};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ONLY: [Propagation; 1] = [Propagation::W3c];

/// The text written for what was read.
fn continued(value: &str) -> Option<String> {
    let context = parse_traceparent(value.as_bytes()).ok()?;
    Some(String::from_utf8(format_traceparent(&context).to_vec()).unwrap())
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    map
}

fn extract(pairs: &[(&str, &str)]) -> Result<Option<SpanContext>, ExtractError> {
    HttpHeaders(&headers(pairs)).extract(&ONLY)
}

#[test]
fn the_specifications_examples_are_read() {
    let context = parse_traceparent(PARENT.as_bytes()).unwrap();
    assert_eq!(
        context.trace_id(),
        TraceId::from(0x4bf92f3577b34da6a3ce929d0e0e4736)
    );
    assert_eq!(context.span_id(), SpanId(0x00f067aa0ba902b7));
    assert_eq!(context.decision(), Decision::Sampled);
    assert!(context.is_remote() && context.parent_id().is_none() && !context.is_random());
    let refused =
        parse_traceparent(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap();
    assert_eq!(refused.decision(), Decision::Refused);
}

#[test]
fn traceparent_is_read_by_the_rules_of_level_2() {
    const IDS: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
    for (value, flags) in [
        (format!("00-{IDS}-01"), Some("01")),
        (format!(" \t00-{IDS}-01 \t"), Some("01")),
        // Only the two flags that are defined go out.
        (format!("00-{IDS}-00"), Some("00")),
        (format!("00-{IDS}-02"), Some("02")),
        (format!("00-{IDS}-03"), Some("03")),
        (format!("00-{IDS}-ff"), Some("03")),
        (format!("00-{IDS}-fd"), Some("01")),
        (format!("00-{IDS}-08"), Some("00")),
        // Later versions are taken for what we know of them.
        (format!("cc-{IDS}-01"), Some("01")),
        (format!("01-{IDS}-03-"), Some("03")),
        (format!("cc-{IDS}-01-what-the-future-brings"), Some("01")),
        (format!("cc-{IDS}-01."), None),
        (format!("cc-{IDS}-01what"), None),
        (format!("cc-{IDS}-0"), None),
        (format!("00-{IDS}-01-"), None),
        (format!("00-{IDS}-01."), None),
        (format!("00-{IDS}-01-extra"), None),
        (format!("ff-{IDS}-01"), None),
        (format!("ff-{IDS}-01-x"), None),
        (format!("FF-{IDS}-01"), None),
        (format!("CC-{IDS}-01"), None),
        (format!("0-{IDS}-01"), None),
        (format!("000-{IDS}-01"), None),
        (format!(".0-{IDS}-01"), None),
        (format!("0.-{IDS}-01"), None),
        (format!("00-{IDS}-1"), None),
        (format!("00-{IDS}-001"), None),
        (format!("00-{IDS}-0A"), None),
        (format!("00-{IDS}-.1"), None),
        (format!("00-{IDS}-"), None),
        (format!("00-{IDS}"), None),
        (format!("00_{IDS}_01"), None),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-010".into(),
            None,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e47360-00f067aa0ba902b-01".into(),
            None,
        ),
        (
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01".into(),
            None,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01".into(),
            None,
        ),
        (
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
            None,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01".into(),
            None,
        ),
        (
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01".into(),
            None,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01".into(),
            None,
        ),
        (format!("00-{IDS}-01,00-{IDS}-01"), None),
        (String::new(), None),
        ("-".into(), None),
    ] {
        let expected = flags.map(|flags| format!("00-{IDS}-{flags}"));
        assert_eq!(continued(&value), expected, "{value:?}");
    }
    assert!(matches!(
        parse_traceparent(format!("cc-{IDS}-01.").as_bytes()),
        Err(Unsupported(_))
    ));
}

#[test]
fn ids_of_64_bits_are_padded() {
    let context = SpanContext::remote(TraceId::from(0xabc), SpanId(0xdef), Decision::Sampled);
    assert_eq!(
        &format_traceparent(&context),
        b"00-00000000000000000000000000000abc-0000000000000def-01"
    );
    let full = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(continued(full).as_deref(), Some(full));
}

#[test]
fn debug_and_firehose_stay_out_of_the_flags() {
    let context =
        SpanContext::remote(TraceId::from(1), SpanId(1), Decision::Debug).with_flags(0xff);
    assert!(format_traceparent(&context).ends_with(b"-01"));
}

#[test]
fn the_random_flag_goes_on_as_it_came() {
    for flags in ["00", "01", "02", "03"] {
        let value = format!("{}{flags}", &PARENT[..53]);
        assert_eq!(continued(&value).unwrap(), value);
    }
}

#[test]
fn two_traceparents_are_no_context() {
    let found = extract(&[
        ("traceparent", PARENT),
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
    ]);
    assert!(matches!(found, Err(Corrupted(_))));
    let mut map = vec![
        ("traceparent".to_owned(), PARENT.to_owned()),
        ("TraceParent".to_owned(), PARENT.to_owned()),
    ];
    assert!(TextMap(&map).extract(&ONLY).is_err());
    map.truncate(1);
    assert!(TextMap(&map).extract(&ONLY).unwrap().is_some());
}

#[test]
fn no_header_is_no_context_and_an_empty_one_is_damaged() {
    assert_eq!(extract(&[]), Ok(None));
    assert_eq!(extract(&[("tracestate", "a=1")]), Ok(None));
    assert!(extract(&[("traceparent", "")]).is_err());
}

#[test]
fn tracestate_is_joined_and_never_harms_the_trace() {
    let found = |states: &[&str]| {
        let mut pairs = vec![("traceparent", PARENT)];
        pairs.extend(states.iter().map(|state| ("tracestate", *state)));
        let context = extract(&pairs).unwrap().unwrap();
        assert!(context.is_valid());
        context.trace_state().to_owned()
    };
    assert_eq!(found(&["foo=1", "bar=2"]), "foo=1,bar=2");
    assert_eq!(found(&["foo=1,\t", "", " bar=2"]), "foo=1,bar=2");
    assert_eq!(found(&["foo=1", "BAD"]), "");
    assert_eq!(found(&[]), "");
}

#[test]
fn a_context_injected_anew_leaves_no_tracestate_of_another() {
    let mut map = headers(&[
        ("traceparent", "x"),
        ("tracestate", "old=1"),
        ("tracestate", "older=1"),
    ]);
    let context = parse_traceparent(PARENT.as_bytes()).unwrap();
    HttpHeaders(&mut map).inject(&context, &ONLY);
    assert_eq!(map.get("traceparent").unwrap(), PARENT);
    assert!(!map.contains_key("tracestate"));
    HttpHeaders(&mut map).inject(&context.clone().with_trace_state("new=1 , , b=2"), &ONLY);
    assert_eq!(
        map.get_all("tracestate").iter().collect::<Vec<_>>(),
        ["new=1,b=2"]
    );
    HttpHeaders(&mut map).inject(&context.with_trace_state("a=1\r\nx: y"), &ONLY);
    assert!(!map.contains_key("tracestate"));
}

#[test]
fn a_context_without_ids_writes_none_but_its_baggage() {
    let mut map = HeaderMap::new();
    let context =
        SpanContext::remote(TraceId::NONE, SpanId(1), Decision::Sampled).with_trace_state("a=1");
    HttpHeaders(&mut map).inject(&context, &ONLY);
    assert!(map.is_empty());
    HttpHeaders(&mut map).inject(&context.with_baggage_item("k", "v"), &ONLY);
    assert_eq!(map.len(), 1);
    let context = HttpHeaders(&map).extract(&ONLY).unwrap().unwrap();
    assert!(!context.is_valid());
    assert_eq!(context.decision(), Decision::Deferred);
    assert_eq!(context.baggage_item("k"), Some("v"));
}
