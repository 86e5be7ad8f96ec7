use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;

use super::*;
use crate::model::{SpanId, Tag, TraceId};

/// Two spans with something of everything that a span may have.
pub(in crate::forward) fn spans() -> Vec<Span> {
    let tag = |key: &str, value| Tag::new(key, value);
    let text = |text: &str| TagValue::String(text.into());
    let reference = |ref_type, trace, span| Reference {
        ref_type,
        trace_id: TraceId::new(trace),
        span_id: SpanId::new(span),
    };
    let process = Arc::new(Process {
        service: "shop".into(),
        tags: [tag("hostname", text("box")), tag("region", text("eu-1"))].into(),
    });
    let root = Span {
        trace_id: TraceId::from_parts(0xfedc_ba98_7654_3210, 7),
        span_id: SpanId::new(u64::MAX),
        parent_span_id: None,
        operation: "GET /orders".into(),
        references: Box::default(),
        flags: 3,
        tags: [
            tag("span.kind", text("server")),
            tag("http.status_code", TagValue::Int(-1)),
            tag("share", TagValue::Float(0.25)),
            tag("cached", TagValue::Bool(false)),
            tag("digest", TagValue::Binary([0, 255].into())),
            tag("long", text(&"x".repeat(300))),
            tag("empty", text("")),
        ]
        .into(),
        logs: Box::default(),
        process,
        start_micros: 1_600_000_000_000_000,
        duration_micros: 1_500,
    };
    let child = Span {
        span_id: SpanId::new(2),
        parent_span_id: Some(root.span_id),
        operation: "charge".into(),
        references: [
            reference(RefType::ChildOf, root.trace_id.get(), u64::MAX),
            reference(RefType::FollowsFrom, 9, 8),
        ]
        .into(),
        flags: 0,
        tags: [
            tag("span.kind", text("odd")),
            tag("error", TagValue::Bool(true)),
        ]
        .into(),
        logs: [Log {
            fields: [tag("level", text("warn")), tag("event", text("declined"))].into(),
            micros: 1_600_000_000_000_007,
        }]
        .into(),
        ..root.clone()
    };
    vec![root, child]
}

/// These spans as a request.
pub(crate) fn otlp_of_test_spans() -> (Vec<Span>, Vec<u8>) {
    let spans = spans();
    let mut body = Vec::new();
    request(
        &mut body,
        &spans[0].process,
        &spans.iter().collect::<Vec<_>>(),
    );
    (spans, body)
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Any::StringValue(value.to_owned()))
}

#[test]
fn what_is_written_is_read_by_the_types_of_otlp() {
    let (spans, body) = otlp_of_test_spans();
    let read = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let [resource] = &read.resource_spans[..] else {
        panic!("{read:?}")
    };
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    let expected = [
        text("service.name", "shop"),
        text("host.name", "box"),
        text("region", "eu-1"),
    ];
    assert_eq!(attributes, &expected);
    let [root, child] = &resource.scope_spans[0].spans[..] else {
        panic!("{resource:?}")
    };

    assert_eq!(root.trace_id, spans[0].trace_id.get().to_be_bytes());
    assert_eq!(root.span_id, [0xff; 8]);
    assert!(root.parent_span_id.is_empty());
    assert_eq!(root.name, "GET /orders");
    assert_eq!(root.kind(), SpanKind::Server);
    assert_eq!(
        (root.start_time_unix_nano, root.end_time_unix_nano),
        (1_600_000_000_000_000_000, 1_600_000_000_001_500_000)
    );
    let expected = [
        attribute("http.status_code", Any::IntValue(-1)),
        attribute("share", Any::DoubleValue(0.25)),
        attribute("cached", Any::BoolValue(false)),
        attribute("digest", Any::BytesValue(vec![0, 255])),
        text("long", &"x".repeat(300)),
        text("empty", ""),
    ];
    assert_eq!(root.attributes, expected);
    assert_eq!((root.flags, child.flags), (1, 0));
    assert_eq!(root.status, None);

    assert_eq!(child.parent_span_id, [0xff; 8]);
    assert_eq!(child.kind(), SpanKind::Unspecified);
    assert_eq!(child.attributes, [text("span.kind", "odd")]);
    assert_eq!(child.status.as_ref().unwrap().code, 2);
    let [event] = &child.events[..] else {
        panic!("{child:?}")
    };
    assert_eq!(
        (event.time_unix_nano, event.name.as_str()),
        (1_600_000_000_000_007_000, "declined")
    );
    assert_eq!(event.attributes, [text("level", "warn")]);
    let [link] = &child.links[..] else {
        panic!("{child:?}")
    };
    assert_eq!(link.trace_id, 9u128.to_be_bytes());
    assert_eq!(link.span_id, 8u64.to_be_bytes());
    assert_eq!(
        link.attributes,
        [text("opentracing.ref_type", "follows_from")]
    );
}

#[test]
fn requests_end_to_end_are_one() {
    let spans = spans();
    let mut body = Vec::new();
    for _ in 0..3 {
        request(&mut body, &spans[0].process, &[&spans[0]]);
    }
    let read = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    assert_eq!(read.resource_spans.len(), 3);
    assert_eq!(read.resource_spans[0], read.resource_spans[2]);
}

#[test]
fn answers_say_how_many_were_rejected() {
    for rejected_spans in [0, 1, 300, i64::MAX] {
        let answer = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans,
                error_message: String::from("too old"),
            }),
        };
        assert_eq!(rejected(&answer.encode_to_vec()), rejected_spans as u64);
    }
    for nonsense in [
        &b""[..],
        b"{}",
        &[0x0a, 0xff],
        &[0x0a, 2, 8, 0x80],
        &[0xff; 40],
    ] {
        assert_eq!(rejected(nonsense), 0, "{nonsense:?}");
    }
}
