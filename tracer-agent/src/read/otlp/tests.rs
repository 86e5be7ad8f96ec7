use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::*;
use crate::forward::otlp_of_test_spans;
use crate::read::read_json;

/// Through protobuf as we write it, the types made from OTLP's own files, and the JSON those write.
#[test]
fn what_others_write_of_our_spans_is_read_back() {
    let (spans, body) = otlp_of_test_spans();
    let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let json = serde_json::to_string(&request).unwrap();
    let traces = read_json(&json).unwrap();
    assert_eq!(traces.len(), 1);
    let read: Vec<&Span> = traces[0].spans().collect();
    assert_eq!(read.len(), 2);
    for (read, span) in read.iter().zip(&spans) {
        assert_eq!(
            (read.trace_id, read.span_id, read.parent(), &read.operation),
            (span.trace_id, span.span_id, span.parent(), &span.operation)
        );
        assert_eq!(
            (read.start_micros, read.duration_micros),
            (span.start_micros, span.duration_micros)
        );
        assert_eq!(read.is_error(), span.is_error());
        for tag in &span.tags {
            assert_eq!(read.tag(&tag.key), Some(&tag.value), "{}", tag.key);
        }
        assert_eq!(read.tags.len(), span.tags.len());
        assert_eq!(read.process.service, span.process.service);
        assert_eq!(read.process.tag("host.name"), span.process.tag("hostname"));
    }
    // The name of an event goes first.
    let log = &read[1].logs[0];
    assert_eq!(log.micros, spans[1].logs[0].micros);
    let keys: Vec<_> = log.fields.iter().map(|field| &*field.key).collect();
    assert_eq!(keys, ["event", "level"]);
    assert_eq!(*read[1].references, spans[1].references[1..]);
}

#[test]
fn what_writers_leave_out_and_write_otherwise_is_understood() {
    let json = r#"{"resourceSpans":[
        {"scopeSpans":[{"scope":{"name":"lib","version":"1.2"},"spans":[{
            "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","parentSpanId":"",
            "name":"I'm a server span","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000001999,
            "kind":"SPAN_KIND_SERVER","traceState":"a=b","droppedEventsCount":"3","droppedLinksCount":0,"status":{"code":"STATUS_CODE_ERROR","message":"no"},
            "attributes":[
                {"key":"list","value":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"x"},{"boolValue":true},{"doubleValue":1.5},{}]}}},
                {"key":"map","value":{"kvlistValue":{"values":[
                    {"key":"a","value":{"arrayValue":{"values":[{"intValue":2}]}}},{"key":"b","value":{"kvlistValue":{"values":[]}}},{"key":"c"}
                ]}}},
                {"key":"wrong","value":{"kvlistValue":{"values":[{"value":{}}]}}},
                {"key":"int","value":{"intValue":7}},
                {"key":"double","value":{"doubleValue":"NaN"}},
                {"key":"nothing","value":{}},
                {"key":"none"}
            ],
            "unknown":[1,2]
        }]}]},
        {"resource":null,"scopeSpans":null}
    ]}"#;
    let traces = read_json(json).unwrap();
    let span = traces[0].spans().next().unwrap();
    assert_eq!(span.service(), "unknown_service");
    assert_eq!(&*span.operation, "I'm a server span");
    assert_eq!(
        span.trace_id.to_string(),
        "5b8efff798038103d269b633813fc60c"
    );
    assert_eq!((span.parent(), span.is_error()), (None, true));
    assert_eq!(
        (span.start_micros, span.duration_micros),
        (1_544_712_660_000_000, 1_000_001)
    );
    let text = |key: &str| span.tag(key).map(ToString::to_string);
    for (key, expected) in [
        ("list", r#"[1,"x",true,1.5,null]"#),
        ("map", r#"{"a":[2],"b":{},"c":null}"#),
        ("wrong", r#"{"values":[{"value":{}}]}"#),
        ("int", "7"),
        ("double", "NaN"),
        ("nothing", ""),
        ("none", ""),
        ("span.kind", "server"),
        ("w3c.tracestate", "a=b"),
        ("otel.scope.name", "lib"),
        ("otel.scope.version", "1.2"),
        ("otel.status_description", "no"),
        ("otel.dropped_events_count", "3"),
    ] {
        assert_eq!(text(key).as_deref(), Some(expected), "{key}");
    }
}

/// What comes after the deepest is left out; however long it is, it is gone through and not held.
#[test]
fn lists_may_be_long_and_deep() {
    let deep = |levels| {
        let open = r#"{"values":[{"arrayValue":"#.repeat(levels);
        format!("{open}{{\"values\":[]}}{}", "}]}".repeat(levels))
    };
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let cut = format!("{}\"nested too deep\"{}", "[".repeat(16), "]".repeat(16));
    let long = format!(r#"{{"values":[{}{{}}]}}"#, "{},".repeat(10_000));
    for (list, expected) in [
        (deep(2), nested(3)),
        (deep(15), nested(16)),
        (deep(16), cut.clone()),
        (deep(10_000), cut),
        (long, format!("[{}null]", "null,".repeat(10_000))),
        (String::from("{}"), String::from("[]")),
    ] {
        let json = RawValue::from_string(list).unwrap();
        let value = AnyValue {
            array_value: Some(&json),
            ..AnyValue::default()
        };
        assert_eq!(any(value), TagValue::String(expected.into()));
    }
}
