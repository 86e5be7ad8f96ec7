use super::*;
use crate::propagation::{Extract, HttpHeaders, Inject, Propagation, TextMap};
use http::{HeaderMap, HeaderName, HeaderValue};

const ONLY: [Propagation; 1] = [Propagation::Jaeger];

fn parse(value: &str) -> Result<Option<SpanContext>, ExtractError> {
    parse_uber_trace_id(value.as_bytes())
}

fn over_http(pairs: &[(&str, &str)]) -> Result<Option<SpanContext>, ExtractError> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    HttpHeaders(&map).extract(&ONLY)
}

fn in_text(pairs: &[(&str, &str)]) -> Result<Option<SpanContext>, ExtractError> {
    let map: Vec<_> = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    TextMap(&map).extract(&ONLY)
}

fn items(context: &SpanContext) -> Vec<(&str, &str)> {
    context.baggage().iter().collect()
}

#[test]
fn damaged_values_of_the_go_client_s_tests_are_errors() {
    let wrong = [
        "",
        "abcd",
        "x:1:1:1",
        "1:x:1:1",
        "1:1:x:1",
        "1:1:1:x",
        "1:1:1",
        "1:1:1:1:1",
        "01234567890123456789012345678901234:1:1:1",
        "012345678901234567890123456789012:1:1:1",
        "01234_67890123456789012345678901:1:1:1",
        "0123456789012345678901_345678901:1:1:1",
        "1:0123456789012345_:1:1",
        "1:01234567890123456:1:1",
        "1:1:01234567890123456:1",
        // The Java client lets these overflow, or takes them for something.
        "1:fffffffffffffffff:0:1",
        ":1:0:1",
        "1::0:1",
        "1:1::1",
        "1:1:0:",
        "+1:1:0:1",
        "1:-1:0:1",
        "0x1:1:0:1",
        " 1:1:0:1",
        "1:1:0:001",
        "1:1:0:100",
        "1:0:0:1",
        "1:1:0:1 ",
        "1%3A1%3A0%3A1",
    ];
    for value in wrong {
        assert!(matches!(parse(value), Err(Corrupted(_))), "{value:?}");
        assert!(in_text(&[("uber-trace-id", value)]).is_err(), "{value:?}");
    }
    assert!(parse(&"1".repeat(1 << 20)).is_err());
}

#[test]
fn values_of_all_clients_are_read() {
    for (value, written) in [
        (
            "1:1:1:1",
            "0000000000000001:0000000000000001:0000000000000001:1",
        ),
        ("1:1:0:1", "0000000000000001:0000000000000001:0:1"),
        (
            "10000000000000001:1:1:1",
            "00000000000000010000000000000001:0000000000000001:0000000000000001:1",
        ),
        (
            "1234567890123456789012345678901:1:1:1",
            "01234567890123456789012345678901:0000000000000001:0000000000000001:1",
        ),
        ("AbCdEf:FF:0:1", "0000000000abcdef:00000000000000ff:0:1"),
        (
            "97695c30ba774a6d:78b468aa80bdb00c:0000000000000000:1",
            "97695c30ba774a6d:78b468aa80bdb00c:0:1",
        ),
        (
            "ffffffffffffffffffffffffffffffff:ffffffffffffffff:ffffffffffffffff:ff",
            "ffffffffffffffffffffffffffffffff:ffffffffffffffff:ffffffffffffffff:ff",
        ),
        (
            "00000000000000000000000000000001:1:0:0",
            "0000000000000001:0000000000000001:0:0",
        ),
    ] {
        let context = parse(value).unwrap().unwrap();
        assert_eq!(&*format_uber_trace_id(&context), written, "{value:?}");
        assert_eq!(context.to_string(), written, "Display is the same text");
        assert_eq!(parse(written), Ok(Some(context)));
    }
    let split = parse("10000000000000001:1:1:1").unwrap().unwrap();
    assert_eq!((split.trace_id().high(), split.trace_id().low()), (1, 1));
}

#[test]
fn flags_are_hexadecimal_and_kept_whole() {
    for (read, decision, written) in [
        ("0", Decision::Refused, "0"),
        ("1", Decision::Sampled, "1"),
        ("01", Decision::Sampled, "1"),
        ("3", Decision::Debug, "3"),
        // Debug without sampled, which other clients do not report, is debug.
        ("2", Decision::Debug, "3"),
        ("8", Decision::Refused, "8"),
        ("9", Decision::Sampled, "9"),
        // What the Go client writes for debug and firehose and cannot read.
        ("a", Decision::Debug, "b"),
        ("b", Decision::Debug, "b"),
        ("B", Decision::Debug, "b"),
        // Sixteen and seventeen, not ten and eleven.
        ("10", Decision::Refused, "10"),
        ("11", Decision::Sampled, "11"),
        ("ff", Decision::Debug, "ff"),
    ] {
        let context = parse(&format!("1:1:0:{read}")).unwrap().unwrap();
        assert_eq!(context.decision(), decision, "{read}");
        assert!(
            format_uber_trace_id(&context).ends_with(&format!(":0:{written}")),
            "{read}"
        );
    }
}

#[test]
fn a_trace_id_of_zero_is_no_trace() {
    for value in [
        "0:0:0:0",
        "0:1:0:1",
        "00000000000000000000000000000000:1:1:1",
    ] {
        assert_eq!(parse(value), Ok(None));
        assert_eq!(over_http(&[("uber-trace-id", value)]), Ok(None));
        let context = over_http(&[("uber-trace-id", value), ("uberctx-k", "v")])
            .unwrap()
            .unwrap();
        assert!(!context.is_valid());
        let context = over_http(&[("uber-trace-id", value), ("jaeger-debug-id", "x")])
            .unwrap()
            .unwrap();
        assert_eq!(context.debug_id(), "x");
    }
}

#[test]
fn colons_may_be_encoded_over_http_and_not_in_text() {
    let plain = over_http(&[("uber-trace-id", "1:2:0:1")]);
    assert!(plain.as_ref().unwrap().is_some());
    for value in [
        "1%3A2%3A0%3A1",
        "1%3a2%3a0%3a1",
        "1%3A2:0:1",
        " 1:2:0:1 ",
        "%31%3A%32%3A%30%3A%31",
    ] {
        assert_eq!(over_http(&[("uber-trace-id", value)]), plain, "{value:?}");
    }
    assert!(in_text(&[("uber-trace-id", "1%3A2%3A0%3A1")]).is_err());
    for value in [
        "1%3A2%3A0%3",
        "1%3A2%3A0%3A%zz",
        "1%253A2%253A0%253A1",
        &"%31".repeat(500),
    ] {
        assert!(over_http(&[("uber-trace-id", value)]).is_err(), "{value:?}");
    }
}

#[test]
fn colons_are_not_encoded_when_written() {
    let context = parse("10000000000000001:2:3:1").unwrap().unwrap();
    let mut map = HeaderMap::new();
    HttpHeaders(&mut map).inject(&context, &ONLY);
    let written = "00000000000000010000000000000001:0000000000000002:0000000000000003:1";
    assert_eq!(map.get("uber-trace-id").unwrap(), written);
}

#[test]
fn keys_are_read_in_any_case() {
    for name in ["uber-trace-id", "Uber-Trace-Id", "UBER-TRACE-ID"] {
        assert!(in_text(&[(name, "1:2:0:1")]).unwrap().is_some(), "{name}");
        assert!(over_http(&[(name, "1:2:0:1")]).unwrap().is_some(), "{name}");
    }
    let context = in_text(&[("UberCtx-Kiff-loves", "v")]).unwrap().unwrap();
    assert_eq!(
        items(&context),
        [("Kiff-loves", "v")],
        "a text map keeps the case"
    );
    let context = over_http(&[("UberCtx-Kiff-loves", "v")]).unwrap().unwrap();
    assert_eq!(items(&context), [("kiff-loves", "v")], "headers do not");
}

#[test]
fn baggage_is_encoded_over_http_and_raw_in_text() {
    let value = "value 1 / blah+\r\nX: ü 100%";
    let written = parse("1:2:0:1")
        .unwrap()
        .unwrap()
        .with_baggage_item("Key", value);
    let mut headers = HeaderMap::new();
    HttpHeaders(&mut headers).inject(&written, &ONLY);
    assert_eq!(
        headers.get("uberctx-key").unwrap(),
        "value%201%20%2F%20blah%2B%0D%0AX%3A%20%C3%BC%20100%25"
    );
    assert_eq!(
        HttpHeaders(&headers)
            .extract(&ONLY)
            .unwrap()
            .unwrap()
            .baggage_item("key"),
        Some(value)
    );
    let mut text = std::collections::HashMap::new();
    TextMap(&mut text).inject(&written, &ONLY);
    assert_eq!(text["uberctx-Key"], value);
    assert_eq!(TextMap(&text).extract(&ONLY), Ok(Some(written)));
}

#[test]
fn baggage_of_every_clients_encoder_is_read() {
    for (value, over, text) in [
        (
            "value%201%20%2F%20blah",
            "value 1 / blah",
            "value%201%20%2F%20blah",
        ),
        ("value+1+%2F+blah", "value 1 / blah", "value+1+%2F+blah"),
        (
            "value%201%20/%20blah",
            "value 1 / blah",
            "value%201%20/%20blah",
        ),
        ("!'()*", "!'()*", "!'()*"),
        ("", "", ""),
        ("100%", "100%", "100%"),
        ("100%+", "100%+", "100%+"),
        ("%zz", "%zz", "%zz"),
        ("%ff", "\u{fffd}", "%ff"),
        ("ü", "ü", "ü"),
        ("%C3%BC", "ü", "%C3%BC"),
    ] {
        let read = over_http(&[("uberctx-k", value)]).unwrap().unwrap();
        assert_eq!(read.baggage_item("k"), Some(over), "{value:?}");
        let read = in_text(&[("uberctx-k", value)]).unwrap().unwrap();
        assert_eq!(read.baggage_item("k"), Some(text), "{value:?}");
    }
    assert_eq!(over_http(&[("uberctx-", "v")]), Ok(None));
    assert_eq!(over_http(&[("uberctx", "v")]), Ok(None));
}

#[test]
fn keys_that_no_header_can_have_are_dropped() {
    let mut context = parse("1:2:0:1").unwrap().unwrap();
    for key in ["", "a b", "a\r\nX-Evil", "a:b", "ü", "a\0", "good"] {
        context = context.with_baggage_item(key, "v");
    }
    let mut headers = HeaderMap::new();
    HttpHeaders(&mut headers).inject(&context, &ONLY);
    assert_eq!(headers.len(), 2);
    assert_eq!(headers.get("uberctx-good").unwrap(), "v");
    // A text map may hold any text, but control characters in keys serve nobody.
    let mut text = Vec::new();
    TextMap(&mut text).inject(&context, &ONLY);
    let keys: Vec<_> = text.iter().map(|(key, _)| &**key).collect();
    assert_eq!(
        keys,
        [
            "uber-trace-id",
            "uberctx-a b",
            "uberctx-a:b",
            "uberctx-ü",
            "uberctx-good"
        ]
    );
}

#[test]
fn the_baggage_header_lists_items() {
    for (value, expected) in [
        ("k1=v1, k2=v2", &[("k1", "v1"), ("k2", "v2")][..]),
        ("k1=v1,k2=v2", &[("k1", "v1"), ("k2", "v2")]),
        (" k1 = v1 , , k2", &[("k1", "v1")]),
        ("k1=a=b==", &[("k1", "a=b==")]),
        ("k1%3Dv+1%2Ck2%3Dv2", &[("k1", "v 1"), ("k2", "v2")]),
        ("k1=v1,=v2,k1=v3", &[("k1", "v1")]),
        ("K1=100%", &[("K1", "100%")]),
        ("", &[]),
        ("nothing", &[]),
    ] {
        for read in [
            over_http(&[("jaeger-baggage", value)]),
            in_text(&[("Jaeger-Baggage", value)]),
        ] {
            let read = read.unwrap();
            assert_eq!(read.is_some(), !expected.is_empty(), "{value:?}");
            let Some(context) = read else { continue };
            assert_eq!(items(&context), expected, "{value:?}");
            assert!(!context.is_valid() && context.decision() == Decision::Deferred);
        }
    }
    // It is read beside a trace as well, and items with headers of their own win.
    let pairs = [
        ("jaeger-baggage", "k1=list,k2=list"),
        ("uber-trace-id", "1:2:0:1"),
        ("uberctx-k1", "own"),
    ];
    let context = over_http(&pairs).unwrap().unwrap();
    assert!(context.is_valid());
    assert_eq!(items(&context), [("k1", "own"), ("k2", "list")]);
}

#[test]
fn the_debug_header_counts_where_no_valid_trace_arrives() {
    let context = over_http(&[
        ("jaeger-debug-id", "ticket+42%21"),
        ("jaeger-debug-id", "later"),
    ])
    .unwrap()
    .unwrap();
    assert_eq!(
        (context.debug_id(), context.is_valid()),
        ("ticket 42!", false)
    );
    assert_eq!(context.decision(), Decision::Deferred);
    let context = over_http(&[("jaeger-debug-id", "x"), ("uber-trace-id", "1:2:0:0")])
        .unwrap()
        .unwrap();
    assert_eq!((context.debug_id(), context.is_valid()), ("", true));
    let context = over_http(&[("jaeger-debug-id", "x"), ("uber-trace-id", "damaged")])
        .unwrap()
        .unwrap();
    assert_eq!((context.debug_id(), context.is_valid()), ("x", false));
    assert_eq!(over_http(&[("jaeger-debug-id", "")]), Ok(None));
    let long = over_http(&[("jaeger-debug-id", &"ü".repeat(5000))])
        .unwrap()
        .unwrap();
    assert!((1020..=1024).contains(&long.debug_id().len()));
}

#[test]
fn a_debug_request_that_begot_no_span_goes_on() {
    let read = over_http(&[("jaeger-debug-id", "x y"), ("uberctx-k", "v")])
        .unwrap()
        .unwrap();
    let mut headers = HeaderMap::new();
    HttpHeaders(&mut headers).inject(&read, &ONLY);
    assert_eq!(headers.get("jaeger-debug-id").unwrap(), "x%20y");
    assert!(!headers.contains_key("uber-trace-id"));
    assert_eq!(HttpHeaders(&headers).extract(&ONLY), Ok(Some(read)));
}

#[test]
fn an_empty_header_is_damaged_and_a_missing_one_is_no_context() {
    assert!(over_http(&[("uber-trace-id", "")]).is_err());
    assert_eq!(over_http(&[("accept", "*/*")]), Ok(None));
    assert_eq!(over_http(&[]), Ok(None));
}

#[test]
fn configured_names_work_in_any_case() {
    let names = JaegerHeaders::new()
        .trace_context("THANOS-Trace-Id")
        .baggage_prefix("Shop-Ctx-")
        .debug_id("Shop-Debug")
        .baggage("Shop-Baggage");
    let only = [Propagation::jaeger(names).unwrap()];
    let written = parse("1:2:0:1")
        .unwrap()
        .unwrap()
        .with_baggage_item("k", "v");
    let mut map = Vec::new();
    TextMap(&mut map).inject(&written, &only);
    let keys: Vec<_> = map.iter().map(|(key, _)| &**key).collect();
    assert_eq!(keys, ["thanos-trace-id", "shop-ctx-k"]);
    assert_eq!(TextMap(&map).extract(&only), Ok(Some(written.clone())));
    assert_eq!(TextMap(&map).extract(&ONLY), Ok(None));
    map = vec![
        ("THANOS-Trace-Id".into(), "1:2:0:1".into()),
        ("Shop-Baggage".into(), "k=v".into()),
    ];
    assert_eq!(TextMap(&map).extract(&only), Ok(Some(written)));
    map = vec![("SHOP-debug".into(), "x".into())];
    assert_eq!(
        TextMap(&map).extract(&only).unwrap().unwrap().debug_id(),
        "x"
    );
}

#[test]
fn configured_names_must_be_names_of_headers() {
    for name in ["", "a b", "a:", "a\r\nb", "ü"] {
        for headers in [
            JaegerHeaders::new().trace_context(name),
            JaegerHeaders::new().baggage_prefix(name),
            JaegerHeaders::new().debug_id(name),
            JaegerHeaders::new().baggage(name),
        ] {
            let error = Propagation::jaeger(headers).unwrap_err().to_string();
            assert!(error.contains(&format!("{name:?}")), "{error}");
        }
    }
}

#[test]
fn baggage_is_bounded_whatever_arrives() {
    let pairs: Vec<_> = (0..100)
        .map(|n| (format!("uberctx-k{n:02}"), "v".repeat(4)))
        .collect();
    let context = TextMap(&pairs).extract(&ONLY).unwrap().unwrap();
    assert_eq!(context.baggage().len(), 64);
    let pairs: Vec<_> = (0..10)
        .map(|n| (format!("uberctx-k{n}"), "v".repeat(4000)))
        .collect();
    let context = TextMap(&pairs).extract(&ONLY).unwrap().unwrap();
    assert_eq!(context.baggage().len(), 2);
    let context = in_text(&[("uberctx-k", &"v".repeat(1 << 20)), ("uberctx-l", "v")])
        .unwrap()
        .unwrap();
    assert_eq!(items(&context), [("l", "v")]);
    assert_eq!(
        in_text(&[("jaeger-baggage", &"k=v,".repeat(1 << 20))]),
        Ok(None)
    );
}
