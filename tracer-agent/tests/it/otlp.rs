//! The port of OTLP: what it takes in either encoding, and how it refuses the rest.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tracer_agent::{Agent, TraceId};

use crate::client::{Answer, request, start};
use crate::datagram;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn span(trace: u128, id: u64) -> Span {
    Span {
        trace_id: trace.to_be_bytes().into(),
        span_id: id.to_be_bytes().into(),
        name: String::from("GET /cart"),
        start_time_unix_nano: 1_000_000_000,
        end_time_unix_nano: 1_002_000_000,
        ..Span::default()
    }
}

fn request_of(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let name = AnyValue {
        value: Some(Value::StringValue(String::from("python"))),
    };
    let resource = Resource {
        attributes: vec![KeyValue {
            key: String::from("service.name"),
            value: Some(name),
            ..KeyValue::default()
        }],
        ..Resource::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn addr(agent: &Agent) -> SocketAddr {
    agent.otlp_addr().unwrap()
}

fn post(agent: &Agent, kind: &str, encoding: Option<&str>, body: &[u8]) -> Answer {
    let mut headers = vec![("Host", "localhost"), ("Content-Type", kind)];
    headers.extend(encoding.map(|encoding| ("Content-Encoding", encoding)));
    request(addr(agent), "POST", "/v1/traces", &headers, body)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(body).unwrap();
    packed.finish().unwrap()
}

/// The code and the message of a refusal.
fn refusal(kind: &str, answer: &Answer) -> (i32, String) {
    assert_eq!(answer.header("content-type"), Some(kind), "{answer:?}");
    if kind == PROTOBUF {
        let status = Status::decode(answer.body.as_bytes()).unwrap();
        return (status.code, status.message);
    }
    let status = answer.json();
    let code = status["code"].as_i64().unwrap();
    (code as i32, status["message"].as_str().unwrap().to_owned())
}

#[test]
fn spans_of_either_encoding_join_those_of_jaegers_clients() {
    let agent = start();
    let root = datagram::Span::new(7, 1, 0, "checkout", 1_000_000, 5_000);
    crate::client::report(&agent, "rust", &[root]);
    let child = |id| Span {
        parent_span_id: 1_u64.to_be_bytes().into(),
        ..span(7, id)
    };
    let protobuf = request_of(vec![child(2)]).encode_to_vec();
    let json = serde_json::to_vec(&request_of(vec![child(3)])).unwrap();
    let packed = gzip(&request_of(vec![child(4)]).encode_to_vec());
    for (kind, encoding, body, expected) in [
        (PROTOBUF, None, &protobuf, ""),
        (
            "application/json; charset=utf-8",
            Some("identity"),
            &json,
            "{}",
        ),
        (PROTOBUF, Some("GZip"), &packed, ""),
        // As some look whether anybody is there.
        (PROTOBUF, None, &Vec::new(), ""),
        (JSON, None, &b"{}".to_vec(), "{}"),
    ] {
        let answer = post(&agent, kind, encoding, body);
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
        let kind = kind.split(';').next();
        assert_eq!(answer.header("content-type"), kind);
    }
    let trace = agent.store().trace(TraceId::new(7)).unwrap();
    assert_eq!(trace.len(), 4);
    assert_eq!(trace.services().len(), 2);
    let children = trace.spans().filter(|span| span.service() == "python");
    let parents: Vec<_> = children.map(|span| span.parent().unwrap().get()).collect();
    assert_eq!(parents, [1, 1, 1]);
    let otlp = agent.stats().received.otlp;
    assert_eq!((otlp.ok, otlp.refused()), (5, 0));
}

#[test]
fn spans_that_are_none_are_told_and_the_rest_is_kept() {
    let agent = start();
    let none = Span {
        span_id: vec![1; 4],
        ..span(1, 1)
    };
    let request = request_of(vec![span(1, 1), none, Span::default()]);
    let answer = post(&agent, PROTOBUF, None, &request.encode_to_vec());
    assert_eq!(answer.status, 200);
    let partial = ExportTraceServiceResponse::decode(answer.body.as_bytes()).unwrap();
    let expected = "a span has no trace id of 16 bytes or no span id of 8, that are not all zero";
    let expected = ExportTracePartialSuccess {
        rejected_spans: 2,
        error_message: String::from(expected),
    };
    assert_eq!(partial.partial_success, Some(expected));

    let json = serde_json::to_vec(&request_of(vec![span(2, 1), Span::default()])).unwrap();
    let answer = post(&agent, JSON, None, &json);
    assert_eq!(answer.status, 200);
    let partial = &answer.json()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "1");
    let message = partial["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("traceID \"\": "), "{message}");

    assert_eq!(agent.store().services(), ["python"]);
    let store = agent.stats().store;
    assert_eq!(
        (store.spans_received, store.spans_kept, store.spans_invalid),
        (5, 2, 3)
    );
}

#[test]
fn a_span_of_nothing_but_keys_is_refused_by_itself() {
    let agent = start();
    let key = |_| KeyValue {
        key: String::from("k"),
        ..KeyValue::default()
    };
    let many = Span {
        attributes: (0..200_000).map(key).collect(),
        ..span(1, 1)
    };
    let long = Span {
        name: "x".repeat(1_000_000),
        ..span(1, 2)
    };
    let body = request_of(vec![many, long]).encode_to_vec();
    let answer = post(&agent, PROTOBUF, None, &body);
    let partial = ExportTraceServiceResponse::decode(answer.body.as_bytes()).unwrap();
    let partial = partial.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("of memory"), "{partial:?}");
    assert_eq!(agent.store().trace(TraceId::new(1)).unwrap().len(), 1);
}

#[test]
fn what_cannot_be_taken_is_refused_in_its_own_encoding() {
    let agent = start();
    let good = request_of(vec![span(1, 1), span(1, 2)]).encode_to_vec();
    let broken = &good[..good.len() - 1];
    let long = vec![0; (8 << 20) + 1];
    let bomb = gzip(&vec![0; 1 << 28]);
    assert!(bomb.len() < 1 << 20);
    for (kind, encoding, body, expected) in [
        (
            PROTOBUF,
            None,
            broken,
            (400, 3, "not a request of OTLP: a field declares"),
        ),
        (
            JSON,
            None,
            b"{\"resourceSpans\":7}",
            (400, 3, "not a request of OTLP: "),
        ),
        (JSON, None, b"", (400, 3, "not a request of OTLP: ")),
        (
            PROTOBUF,
            None,
            &long,
            (413, 8, "the body is longer than 8388608 bytes"),
        ),
        (
            JSON,
            Some("gzip"),
            &bomb,
            (413, 8, "the body is longer than 8388608 bytes"),
        ),
        (
            PROTOBUF,
            Some("gzip"),
            b"no gzip",
            (400, 3, "the body cannot be decompressed by gzip: "),
        ),
        (
            PROTOBUF,
            Some("zstd"),
            b"",
            (
                415,
                3,
                "content encoding \"zstd\" is not supported: set OTEL_EXPORTER_OTLP_COMPRESSION to gzip or none",
            ),
        ),
    ] {
        let answer = post(&agent, kind, encoding, body);
        let (code, message) = refusal(kind, &answer);
        assert_eq!((answer.status, code), (expected.0, expected.1), "{message}");
        assert!(message.starts_with(expected.2), "{message}");
    }
    let text = post(&agent, "text/plain", None, b"");
    assert_eq!(text.status, 415);
    assert!(
        text.body
            .contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        "{text:?}"
    );
    assert_eq!(
        request(
            addr(&agent),
            "GET",
            "/v1/traces",
            &[("Host", "localhost")],
            b""
        )
        .status,
        405
    );
    // All or nothing.
    assert_eq!(agent.stats().store.spans_received, 0);
    let otlp = agent.stats().received.otlp;
    assert_eq!((otlp.ok, otlp.size, otlp.malformed), (0, 1, 2));
}

#[test]
fn exporters_of_metrics_and_logs_are_told_to_be_off() {
    let agent = start();
    let headers = [("Host", "localhost"), ("Content-Type", PROTOBUF)];
    for path in ["/v1/metrics", "/v1/logs"] {
        let answer = request(addr(&agent), "POST", path, &headers, b"");
        assert_eq!(answer.status, 404);
        assert!(
            answer.body.contains("OTEL_METRICS_EXPORTER=none"),
            "{answer:?}"
        );
    }
}

#[test]
fn a_large_request_is_taken_whole() {
    let agent = start();
    let spans = (1..=20_000).map(|id| span(9, id)).collect();
    let body = request_of(spans).encode_to_vec();
    assert_eq!(
        post(&agent, PROTOBUF, Some("gzip"), &gzip(&body)).status,
        200
    );
    assert_eq!(agent.store().trace(TraceId::new(9)).unwrap().len(), 20_000);
}

#[test]
fn what_is_received_is_forwarded() {
    let second = start();
    let first = Agent::builder()
        .ephemeral_ports()
        .forward(&format!("http://{}/v1/traces", addr(&second)))
        .unwrap()
        .start()
        .unwrap();
    let body = request_of(vec![span(3, 1)]).encode_to_vec();
    assert_eq!(post(&first, PROTOBUF, None, &body).status, 200);
    let trace = TraceId::new(3);
    let waited = second
        .store()
        .wait_for_spans(trace, 1, crate::client::PATIENCE);
    assert_eq!(waited.unwrap().services().len(), 1);
    assert_eq!(second.stats().received.otlp.ok, 1);
}

#[test]
fn a_port_that_was_asked_for_has_to_be_free() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let agent = Agent::builder().ephemeral_ports().otlp_port(port);
    let error = agent.start().unwrap_err();
    assert_eq!(error.flag(), Some("--otlp-port"));
    assert!(error.is_port_taken());
    let expected = format!("cannot listen on tcp 127.0.0.1:{port} for OTLP over HTTP: ");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn the_usual_port_is_left_to_a_collector() {
    // If it cannot be had, a collector has it already.
    let _taken = TcpListener::bind("127.0.0.1:4318");
    let free = |builder: tracer_agent::AgentBuilder| {
        let builder = builder.compact_port(0).binary_port(0).collector_port(0);
        builder.query_port(0).sampling_port(0).start().unwrap()
    };
    assert_eq!(free(Agent::builder()).otlp_addr(), None);
    let forwarding = Agent::builder().forward("http://127.0.0.1:4318").unwrap();
    assert_eq!(free(forwarding).otlp_addr(), None);
}
