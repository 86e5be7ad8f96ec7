use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1::span::{Event as ProtoEvent, Link};
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span as ProtoSpan, Status as ProtoStatus,
};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::forward::otlp_of_test_spans;
use crate::protobuf::{bytes, fixed64, message, number};
use crate::read::otlp::each_span_of_request;

fn read(request: &[u8]) -> Result<(Vec<model::Span>, Vec<String>), DecodeError> {
    let (mut spans, mut refused) = (Vec::new(), Vec::new());
    each_span(request, &mut |span| match span {
        Ok(span) => spans.push(span),
        Err(reason) => refused.push(reason),
    })?;
    Ok((spans, refused))
}

/// One span in a request, with the fields that `write` adds.
fn request_of(write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut request = Vec::new();
    message(&mut request, 1, |out| {
        message(out, 2, |out| {
            message(out, 2, |out| {
                bytes(out, 1, &[1; 16]);
                bytes(out, 2, &[2; 8]);
                write(out);
            });
        });
    });
    request
}

fn one(request: &[u8]) -> model::Span {
    let (mut spans, refused) = read(request).unwrap();
    assert_eq!((spans.len(), refused.len()), (1, 0));
    spans.remove(0)
}

#[test]
fn what_is_forwarded_is_read_back() {
    let (expected, request) = otlp_of_test_spans();
    let (spans, _) = read(&request).unwrap();
    for (span, expected) in spans.iter().zip(&expected) {
        assert_eq!(span.parent(), expected.parent());
        assert_eq!(span.is_error(), expected.is_error());
        for tag in &expected.tags {
            assert_eq!(span.tag(&tag.key), Some(&tag.value), "{}", tag.key);
        }
    }
    assert_eq!(spans[0].service(), "shop");
    assert_eq!(*spans[1].references, expected[1].references[1..]);
}

#[test]
fn the_process_may_come_after_its_spans_and_fields_twice() {
    let mut request = Vec::new();
    message(&mut request, 1, |out| {
        message(out, 2, |out| {
            message(out, 2, |out| {
                bytes(out, 5, b"first");
                bytes(out, 5, b"second");
                bytes(out, 1, &[1; 16]);
                bytes(out, 2, &[2; 8]);
            });
            message(out, 1, |out| bytes(out, 1, b"library"));
        });
        for (key, value) in [("service.name", "shop"), ("region", "eu")] {
            message(out, 1, |out| {
                message(out, 1, |out| {
                    bytes(out, 1, key.as_bytes());
                    message(out, 2, |out| bytes(out, 1, value.as_bytes()));
                });
            });
        }
    });
    let span = one(&request);
    assert_eq!((span.service(), &*span.operation), ("shop", "second"));
    assert_eq!(span.process.tags.len(), 1);
    let scope = span.tag("otel.scope.name").and_then(TagValue::as_str);
    assert_eq!(scope, Some("library"));
}

#[test]
fn spans_without_ids_are_refused_by_themselves() {
    let ids: [(&[u8], &[u8], bool); 7] = [
        (&[1; 16], &[1; 8], true),
        (&[], &[1; 8], false),
        (&[1; 16], &[], false),
        (&[0; 16], &[1; 8], false),
        (&[1; 16], &[0; 8], false),
        (&[1; 8], &[1; 8], false),
        (&[1; 16], &[1; 9], false),
    ];
    let mut request = Vec::new();
    message(&mut request, 1, |out| {
        message(out, 2, |out| {
            for (trace, span, _) in ids {
                message(out, 2, |out| {
                    bytes(out, 1, trace);
                    bytes(out, 2, span);
                });
            }
            message(out, 2, |out| bytes(out, 5, &vec![b'x'; MAX_SPAN]));
        });
    });
    let (spans, refused) = read(&request).unwrap();
    let valid = ids.iter().filter(|(.., valid)| *valid).count();
    assert_eq!((spans.len(), refused.len()), (valid, ids.len() - valid + 1));
    assert!(
        refused[0].contains("no trace id of 16 bytes"),
        "{refused:?}"
    );
    assert_eq!(
        refused.last().unwrap(),
        "a span is longer than 1048576 bytes"
    );
}

#[test]
fn a_value_is_what_was_written_last_and_lists_are_plain() {
    type Write = fn(&mut Vec<u8>);
    let cases: [(Write, &str); 9] = [
        (|_| {}, ""),
        (|out| bytes(out, 1, b"caf\xe9"), "caf\u{fffd}"),
        (|out| number(out, 3, u64::MAX), "-1"),
        (|out| fixed64(out, 4, (-0.5_f64).to_bits()), "-0.5"),
        (|out| bytes(out, 7, &[0, 255]), "00ff"),
        (
            |out| {
                number(out, 2, 1);
                number(out, 3, 7);
                number(out, 99, 1);
            },
            "7",
        ),
        (
            |out| {
                message(out, 5, |out| {
                    message(out, 1, |_| {});
                    message(out, 1, |out| number(out, 2, 1));
                    message(out, 1, |out| bytes(out, 1, b"a\"\n"));
                    message(out, 1, |out| bytes(out, 7, &[0, 255]));
                    message(out, 1, |out| fixed64(out, 4, f64::NAN.to_bits()));
                    message(out, 1, |out| message(out, 5, |_| {}));
                });
            },
            r#"[null,true,"a\"\n","AP8=","NaN",[]]"#,
        ),
        (
            |out| {
                message(out, 6, |out| {
                    message(out, 1, |out| {
                        bytes(out, 1, b"k");
                        message(out, 2, |out| number(out, 3, 1));
                    });
                    message(out, 1, |_| {});
                });
            },
            r#"{"k":1,"":null}"#,
        ),
        (
            |out| {
                let mut list = Vec::new();
                for _ in 0..100 {
                    let inner = std::mem::take(&mut list);
                    message(&mut list, 1, |out| bytes(out, 5, &inner));
                }
                bytes(out, 5, &list);
            },
            r#"[[[[[[[[[[[[[[[["nested too deep"]]]]]]]]]]]]]]]]"#,
        ),
    ];
    for (write, expected) in cases {
        let span = one(&request_of(|out| {
            message(out, 9, |out| {
                bytes(out, 1, b"key");
                message(out, 2, write);
            });
        }));
        let value = span.tag("key").map(ToString::to_string);
        assert_eq!(value.as_deref(), Some(expected));
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for (request, cause) in [
        (&b"{}"[..], Cause::Malformed),
        (b"\x0a\x05", Cause::Size),
        (b"\x0a\x02\x12\x01", Cause::Size),
        (b"\x0a\x01\x0a", Cause::Truncated),
        (&request_of(|out| out.push(0x4a)), Cause::Truncated),
        (
            &request_of(|out| bytes(out, 9, b"\x0a\x01k\x12\x03\x2a\x01\x0a")),
            Cause::Truncated,
        ),
    ] {
        assert_eq!(read(request).unwrap_err().cause(), cause, "{request:x?}");
    }
    let mut large = Vec::new();
    message(&mut large, 1, |out| bytes(out, 1, &vec![0; MAX_SPAN + 1]));
    assert_eq!(read(&large).unwrap_err().cause(), Cause::Size);
    // Other types than OTLP's are as fields that are not known.
    let odd = one(&request_of(|out| {
        number(out, 5, 1);
        bytes(out, 6, b"x");
        bytes(out, 7, b"");
        number(out, 9, 1);
        bytes(out, 16, b"");
    }));
    assert_eq!(odd.start_micros, 0);
}

#[test]
fn the_name_of_a_library_is_cut() {
    let mut request = Vec::new();
    message(&mut request, 1, |out| {
        message(out, 2, |out| {
            message(out, 1, |out| bytes(out, 1, "ä".repeat(1_000).as_bytes()));
            message(out, 2, |out| {
                bytes(out, 1, &[1; 16]);
                bytes(out, 2, &[2; 8]);
            });
        });
    });
    let span = one(&request);
    let scope = span.tag("otel.scope.name").and_then(TagValue::as_str);
    assert_eq!(scope.map(str::len), Some(256));
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        ".{0,9}".prop_map(|text| Some(AnyKind::StringValue(text))),
        any::<bool>().prop_map(|is| Some(AnyKind::BoolValue(is))),
        any::<i64>().prop_map(|number| Some(AnyKind::IntValue(number))),
        (-1e9..1e9).prop_map(|number| Some(AnyKind::DoubleValue(number))),
        vec(any::<u8>(), 0..9).prop_map(|bytes| Some(AnyKind::BytesValue(bytes))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 12, 4, |inner| {
        let pair = (".{0,5}", proptest::option::of(inner.clone())).prop_map(pair);
        let list = vec(inner, 0..4).prop_map(|values| AnyKind::ArrayValue(ArrayValue { values }));
        let map = vec(pair, 0..4).prop_map(|values| AnyKind::KvlistValue(KeyValueList { values }));
        prop_oneof![list, map].prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn pair((key, value): (String, Option<AnyValue>)) -> KeyValue {
    KeyValue {
        key,
        value,
        ..KeyValue::default()
    }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop_oneof![
        Just(String::from("service.name")),
        Just(String::from("error")),
        ".{1,9}"
    ];
    vec(
        (key, proptest::option::of(any_value())).prop_map(pair),
        0..4,
    )
}

fn event() -> impl Strategy<Value = ProtoEvent> {
    (any::<u64>(), ".{0,9}", attributes(), 0..3_u32).prop_map(
        |(time, name, attributes, dropped)| ProtoEvent {
            time_unix_nano: time,
            name,
            attributes,
            dropped_attributes_count: dropped,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    let kind = prop_oneof!["child_of", "follows_from"].prop_map(|kind| AnyValue {
        value: Some(AnyKind::StringValue(kind)),
    });
    let kind = kind.prop_map(|kind| pair((String::from("opentracing.ref_type"), Some(kind))));
    (1_u128.., 1_u64.., proptest::option::of(kind)).prop_map(|(trace, span, kind)| Link {
        trace_id: trace.to_be_bytes().into(),
        span_id: span.to_be_bytes().into(),
        attributes: kind.into_iter().collect(),
        ..Link::default()
    })
}

fn span() -> impl Strategy<Value = ProtoSpan> {
    let ids = (1_u128.., 1_u64.., 0..3_u64);
    let times = (any::<u64>(), any::<u64>(), 0..7_i32, any::<u32>());
    let lists = (attributes(), vec(event(), 0..3), vec(link(), 0..3));
    let status = proptest::option::of((0..3_i32, ".{0,5}"));
    (
        ids,
        ".{0,9}",
        ".{0,5}",
        times,
        lists,
        [0..3_u32, 0..3, 0..3],
        status,
    )
        .prop_map(
            |(
                (trace, id, parent),
                name,
                trace_state,
                (start, end, kind, flags),
                (attributes, events, links),
                dropped,
                status,
            )| {
                ProtoSpan {
                    trace_id: trace.to_be_bytes().into(),
                    span_id: id.to_be_bytes().into(),
                    parent_span_id: if parent == 0 {
                        Vec::new()
                    } else {
                        parent.to_be_bytes().into()
                    },
                    trace_state,
                    flags,
                    name,
                    kind,
                    start_time_unix_nano: start,
                    end_time_unix_nano: end,
                    attributes,
                    dropped_attributes_count: dropped[0],
                    events,
                    dropped_events_count: dropped[1],
                    links,
                    dropped_links_count: dropped[2],
                    status: status.map(|(code, message)| ProtoStatus { code, message }),
                }
            },
        )
}

fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope = (".{0,9}", ".{0,5}").prop_map(|(name, version)| InstrumentationScope {
        name,
        version,
        ..InstrumentationScope::default()
    });
    let scope_spans =
        (proptest::option::of(scope), vec(span(), 0..4)).prop_map(|(scope, spans)| ScopeSpans {
            scope,
            spans,
            ..ScopeSpans::default()
        });
    let resource = (attributes(), 0..3_u32).prop_map(|(attributes, dropped)| ProtoResource {
        attributes,
        dropped_attributes_count: dropped,
        ..ProtoResource::default()
    });
    let resource_spans = (proptest::option::of(resource), vec(scope_spans, 0..3)).prop_map(
        |(resource, scope_spans)| ResourceSpans {
            resource,
            scope_spans,
            ..ResourceSpans::default()
        },
    );
    vec(resource_spans, 0..3)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Written by the types made from OTLP's own files, in either encoding, a request says the same.
    #[test]
    fn either_encoding_is_read_alike(request in request()) {
        let (spans, refused) = read(&request.encode_to_vec()).unwrap();
        prop_assert_eq!(refused.len(), 0);
        let sent = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let sent: Vec<_> = sent.flat_map(|scope| &scope.spans).collect();
        prop_assert_eq!(spans.len(), sent.len());
        for (span, sent) in spans.iter().zip(sent) {
            prop_assert_eq!(&span.trace_id.get().to_be_bytes()[..], &sent.trace_id[..]);
            prop_assert_eq!(&*span.operation, sent.name.as_str());
            prop_assert_eq!(span.logs.len(), sent.events.len());
            prop_assert_eq!(span.references.len(), sent.links.len());
            prop_assert_eq!(span.start_micros, sent.start_time_unix_nano / 1_000);
            for (tag, sent) in span.tags.iter().zip(&sent.attributes) {
                prop_assert_eq!(&*tag.key, sent.key.as_str());
            }
        }

        let mut read = Vec::new();
        let json = serde_json::to_vec(&request).unwrap();
        each_span_of_request(&json, MAX_SPAN, |span| read.push(span.unwrap())).unwrap();
        prop_assert_eq!(spans, read);
    }

    #[test]
    fn no_bytes_make_it_panic(request in request(), edits in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let mut request = request.encode_to_vec();
        for (at, byte) in edits {
            if !request.is_empty() {
                let at = at.index(request.len());
                request[at] = byte;
            }
        }
        if let Err(error) = each_span(&request, &mut |_| {}) {
            prop_assert!(error.offset() <= request.len());
        }
    }
}
