//! Opening files of traces.

use serde_json::json;
use tracer_agent::Agent;

use crate::client::{Answer, get, report, request, start};
use crate::datagram::Span;

fn upload(agent: &Agent, file: &[u8]) -> Answer {
    request(
        agent.query_addr(),
        "POST",
        "/api/upload",
        &[("Host", "localhost")],
        file,
    )
}

fn otlp(trace: u8, span: u8) -> String {
    let ids = format!("\"traceId\":\"{trace:032x}\",\"spanId\":\"{span:016x}\"");
    format!(
        "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{{ids},\"name\":\"op\",\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"2000\"}}]}}]}}]}}"
    )
}

#[test]
fn what_one_agent_gives_another_opens() {
    let (one, other) = (start(), start());
    let spans = [
        Span::new(1, 1, 0, "checkout", 1_000, 6_000),
        Span::new(1, 2, 1, "charge", 2_000, 3_000).tag("card", "visa".into()),
    ];
    report(&one, "shop", &spans);
    let file = get(one.query_addr(), "/api/traces/1").body;
    let answer = upload(&other, file.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.json()["data"],
        json!([{"traceID": "0000000000000001", "spans": 2}])
    );
    assert_eq!(get(other.query_addr(), "/api/traces/1").body, file);
    // Again, and nothing is there twice; nor where it came from.
    assert_eq!(upload(&other, file.as_bytes()).status, 200);
    assert_eq!(other.stats().store.spans_kept, 2);
    assert_eq!(upload(&one, file.as_bytes()).status, 200);
    assert_eq!(one.stats().store.spans_kept, 2);
}

#[test]
fn otlp_is_opened_one_value_or_one_a_line() {
    let agent = start();
    let lines = format!("{}\n{}\n{}\n", otlp(1, 1), otlp(2, 1), otlp(1, 2));
    let answer = upload(&agent, lines.as_bytes()).json();
    let opened = |trace: u8, spans| json!({"traceID": format!("{trace:016x}"), "spans": spans});
    assert_eq!(answer["data"], json!([opened(1, 2), opened(2, 1)]));
    // As Jaeger's query API answers, version 3.
    let wrapped = format!("{{\"result\":{}}}", otlp(3, 1));
    assert_eq!(
        upload(&agent, wrapped.as_bytes()).json()["data"],
        json!([opened(3, 1)])
    );
}

#[test]
fn a_reference_to_no_span_says_nothing() {
    let agent = start();
    let file = r#"{"data":[{"traceID":"1","processes":{"p":{"serviceName":"shop"}},"spans":[{"traceID":"1","spanID":"1","operationName":"op","startTime":0,"duration":0,"processID":"p","references":[{"refType":"CHILD_OF","traceID":"0000000000000001","spanID":"0000000000000000"}]}]}]}"#;
    let answer = upload(&agent, file.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let trace = get(agent.query_addr(), "/api/traces/1").json();
    assert_eq!(trace["data"][0]["spans"][0]["references"], json!([]));
}

#[test]
fn what_otlp_leaves_out_may_be_null() {
    let agent = start();
    let null = "\"parentSpanId\":null,\"traceState\":null,\"flags\":\"257\",\"attributes\":null,\"events\":null,\"links\":null,\"status\":{\"message\":null}";
    let file = otlp(1, 1).replace("\"name\":\"op\"", &format!("\"name\":null,{null}"));
    let answer = upload(&agent, file.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let trace = get(agent.query_addr(), "/api/traces/1").json();
    assert_eq!(trace["data"][0]["spans"][0]["flags"], 257);
}

#[test]
fn a_file_is_taken_whole_or_refused_with_the_reason() {
    let agent = start();
    let second = otlp(9, 8).replace("0000000000000008", "xyz");
    let halfway = format!("{}\n{second}", otlp(9, 1));
    for (file, reason) in [
        (&b""[..], "the file has no traces: it is empty"),
        (
            b"\xff",
            "the file is not UTF-8: invalid utf-8 sequence of 1 bytes from index 0",
        ),
        (
            b"<html>",
            "the file has no traces: expected value at line 1 column 1",
        ),
        (b"[]", "the file has no traces: "),
        (
            b"{}",
            "the file has no traces: neither Jaeger's \"data\" nor OTLP's \"resourceSpans\"",
        ),
        (b"{\"data\":[]}", "the file has no spans"),
        (
            b"{\"data\":7}",
            "the file has no traces: invalid type: integer `7`, expected a list at line 1 column 1",
        ),
        (
            b"{\"data\":null,\"errors\":[{\"msg\":\"trace not found\"}]}",
            "the file has no traces: trace not found",
        ),
        (
            halfway.as_bytes(),
            "the file has no traces: spanID \"xyz\": expected 1 to 16 hexadecimal digits, not all zero",
        ),
    ] {
        let answer = upload(&agent, file);
        assert_eq!(answer.status, 400, "{}", answer.body);
        let said = answer.json()["errors"][0]["msg"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(said.starts_with(reason), "{said:?}, not {reason:?}");
    }
    assert_eq!(agent.stats().store.spans_received, 0);
    let long = vec![b' '; (16 << 20) + 1];
    assert_eq!(upload(&agent, &long).status, 413);
    let foreign = [("Host", "localhost"), ("Origin", "https://evil.example")];
    let foreign = request(
        agent.query_addr(),
        "POST",
        "/api/upload",
        &foreign,
        otlp(1, 1).as_bytes(),
    );
    assert_eq!(foreign.status, 403);
}

#[test]
fn a_hostile_file_takes_little_memory() {
    // Tags of a span, processes, and lists in lists that would be many times their text, and many spans that are the same.
    let agent = Agent::builder()
        .ephemeral_ports()
        .memory_limit(8 << 20)
        .start()
        .unwrap();
    let span = |tags: &str| {
        format!(
            "{{\"traceID\":\"1\",\"spanID\":\"1\",\"operationName\":\"\",\"startTime\":0,\"duration\":0,\"processID\":\"p\",\"tags\":[{tags}{{\"key\":\"\",\"value\":0}}]}}"
        )
    };
    let file = |processes: &str, spans: &str| {
        format!(
            "{{\"data\":[{{\"traceID\":\"1\",\"processes\":{{{processes}\"p\":{{\"serviceName\":\"\"}}}},\"spans\":[{spans}]}}]}}"
        )
    };
    for (file, reason) in [
        (
            file("", &span(&"{\"key\":\"\",\"value\":0},".repeat(60_000))),
            "is longer than 1048576 bytes",
        ),
        (
            file(&"\"a\":{\"serviceName\":\"\"},".repeat(60_000), &span("")),
            "is longer than 1048576 bytes",
        ),
        (
            file("", &["[".repeat(100_000), "]".repeat(100_000)].concat()),
            "invalid type: sequence",
        ),
    ] {
        let answer = upload(&agent, file.as_bytes());
        assert!(
            answer.status == 400 && answer.body.contains(reason),
            "{}",
            answer.body
        );
    }
    let many = file("", &[span(""), ",".to_owned()].concat().repeat(10_000)).replace(",]", "]");
    assert_eq!(upload(&agent, many.as_bytes()).status, 200);
    assert_eq!(agent.stats().store.spans_kept, 1);
}

#[test]
fn what_is_opened_is_not_sent_on() {
    let second = start();
    let agent = Agent::builder()
        .ephemeral_ports()
        .forward(&format!("http://{}/api/traces", second.collector_addr()))
        .unwrap()
        .start()
        .unwrap();
    assert_eq!(upload(&agent, otlp(1, 1).as_bytes()).status, 200);
    assert_eq!(agent.stats().forward.unwrap().spans_accepted, 0);
}
