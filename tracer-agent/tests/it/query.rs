//! Jaeger's query API: shapes compared whole, parameters, refusals.

use serde_json::{Value, json};
use tracer_agent::{TraceId, trace_json};

use crate::client::{get, report, request, start};
use crate::datagram::{Span, Tag};

const TRACE: u128 = 0xabc;

fn spans() -> Vec<Span> {
    let mut root = Span::new(TRACE, 1, 0, "GET /orders", 1_000_000, 5_000)
        .tag("http.status_code", Tag::Long(200))
        .tag("big", Tag::Long(i64::MAX))
        .tag("ratio", Tag::Double(0.5))
        .tag("nan", Tag::Double(f64::NAN))
        .tag("error", Tag::Bool(true))
        .tag("raw", Tag::Binary(vec![0, 255]));
    root.logs = vec![(1_000_100, vec![("event".into(), "e".into())])];
    let mut child = Span::new(TRACE, 2, 1, "charge", 1_001_000, 2_000);
    child.references = vec![(1, 0x1_0000_0000_0000_0000_0000, 7)];
    vec![root, child]
}

#[test]
fn a_trace_is_answered_in_jaegers_json() {
    let agent = start();
    report(&agent, "shop", &spans());
    report(
        &agent,
        "db",
        &[Span::new(TRACE, 3, 2, "SELECT", 1_001_500, 100)],
    );

    let uuid = json!({"key": "client-uuid", "type": "string", "value": "c0ffee"});
    let expected = json!({
        "data": [{
            "traceID": "0000000000000abc",
            "spans": [
                {
                    "traceID": "0000000000000abc",
                    "spanID": "0000000000000001",
                    "flags": 1,
                    "operationName": "GET /orders",
                    "references": [],
                    "startTime": 1_000_000,
                    "duration": 5_000,
                    "tags": [
                        {"key": "http.status_code", "type": "int64", "value": 200},
                        {"key": "big", "type": "int64", "value": "9223372036854775807"},
                        {"key": "ratio", "type": "float64", "value": 0.5},
                        {"key": "nan", "type": "float64", "value": "NaN"},
                        {"key": "error", "type": "bool", "value": true},
                        {"key": "raw", "type": "binary", "value": "AP8="},
                    ],
                    "logs": [{"timestamp": 1_000_100, "fields": [{"key": "event", "type": "string", "value": "e"}]}],
                    "processID": "p1",
                    "warnings": null,
                },
                {
                    "traceID": "0000000000000abc",
                    "spanID": "0000000000000002",
                    "flags": 1,
                    "operationName": "charge",
                    "references": [
                        {"refType": "CHILD_OF", "traceID": "0000000000000abc", "spanID": "0000000000000001"},
                        {"refType": "FOLLOWS_FROM", "traceID": "00000000000100000000000000000000", "spanID": "0000000000000007"},
                    ],
                    "startTime": 1_001_000,
                    "duration": 2_000,
                    "tags": [],
                    "logs": [],
                    "processID": "p1",
                    "warnings": null,
                },
                {
                    "traceID": "0000000000000abc",
                    "spanID": "0000000000000003",
                    "flags": 1,
                    "operationName": "SELECT",
                    "references": [{"refType": "CHILD_OF", "traceID": "0000000000000abc", "spanID": "0000000000000002"}],
                    "startTime": 1_001_500,
                    "duration": 100,
                    "tags": [],
                    "logs": [],
                    "processID": "p2",
                    "warnings": null,
                },
            ],
            "processes": {
                "p1": {"serviceName": "shop", "tags": [uuid]},
                "p2": {"serviceName": "db", "tags": [uuid]},
            },
            "warnings": null,
        }],
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": null,
    });
    for path in [
        "/api/traces/abc",
        "/api/traces/0000000000000abc",
        "/api/traces/00000000000000000000000000000ABC",
        "/api/traces?service=shop",
        "/api/traces?traceID=abc",
        "/api/traces?traceID=abc&traceID=0abc",
    ] {
        let answer = get(agent.query_addr(), path);
        assert_eq!(
            (answer.status, answer.json()),
            (200, expected.clone()),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let trace = agent.store().trace(TraceId::new(TRACE)).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&trace_json(&trace)).unwrap(),
        expected
    );
}

#[test]
fn services_and_operations_are_listed() {
    let agent = start();
    report(&agent, "shop", &spans());
    report(&agent, "a/b", &[Span::new(1, 1, 0, "x", 1, 1)]);
    let envelope = |data: Value, total: usize| json!({"data": data, "total": total, "limit": 0, "offset": 0, "errors": null});
    let get = |path: &str| get(agent.query_addr(), path).json();
    assert_eq!(get("/api/services"), envelope(json!(["a/b", "shop"]), 2));
    assert_eq!(
        get("/api/services/shop/operations"),
        envelope(json!(["GET /orders", "charge"]), 2)
    );
    assert_eq!(
        get("/api/services/a%2Fb/operations"),
        envelope(json!(["x"]), 1)
    );
    assert_eq!(
        get("/api/services/nobody/operations"),
        envelope(json!([]), 0)
    );
    let operations =
        json!([{"name": "GET /orders", "spanKind": ""}, {"name": "charge", "spanKind": ""}]);
    assert_eq!(get("/api/operations?service=shop"), envelope(operations, 2));
}

#[test]
fn a_search_takes_every_parameter_of_jaegers_ui() {
    let agent = start();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_micros() as i64;
    for (trace, age, duration) in [
        (1, 10 * 60_000_000, 500),
        (2, 5 * 60_000_000, 1_500),
        (3, 0, 2_500),
    ] {
        let operation = format!("op-{trace}");
        let failed = Tag::Bool(trace == 2);
        report(
            &agent,
            "shop",
            &[Span::new(trace, 1, 0, &operation, now - age, duration).tag("error", failed)],
        );
    }
    let ids = |parameters: &str| {
        let answer = get(
            agent.query_addr(),
            &format!("/api/traces?service=shop{parameters}"),
        );
        let json = answer.json();
        let list = json["data"]
            .as_array()
            .unwrap_or_else(|| panic!("{parameters}: {json}"));
        list.iter()
            .map(|trace| trace["traceID"].as_str().unwrap()[15..].to_owned())
            .collect::<Vec<_>>()
            .join("")
    };
    let time = |micros_ago: i64| now - micros_ago;
    for (parameters, expected) in [
        ("", "321"),
        ("&limit=2", "32"),
        ("&operation=op-1", "1"),
        ("&operation=all", ""),
        ("&minDuration=1.5ms", "32"),
        ("&maxDuration=1500us", "21"),
        ("&minDuration=1ms&maxDuration=2ms", "2"),
        ("&tags=%7B%22error%22%3A%22true%22%7D", "2"),
        ("&tag=error:false", "31"),
        ("&tag=error:true&tag=client-uuid:c0ffee", "2"),
        ("&tag=error:true&tag=client-uuid:other", ""),
        ("&lookback=6m", "32"),
        ("&lookback=1h&limit=", "321"),
        (&format!("&start={}", time(1_000_000)), "3"),
        (&format!("&end={}", time(1_000_000)), "21"),
        (
            &format!(
                "&start={}&end={}&lookback=custom",
                time(360_000_000),
                time(1_000_000)
            ),
            "2",
        ),
    ] {
        assert_eq!(ids(parameters), expected, "{parameters}");
    }
}

#[test]
fn wrong_parameters_are_refused_by_name() {
    let agent = start();
    let duration = "expected a duration such as 1.2ms, 100us or 1m30s";
    for (path, status, message) in [
        ("/api/traces?limit=x", 400, "parameter 'limit' is \"x\": expected a number from 1 to 1500".to_owned()),
        ("/api/traces?limit=0", 400, "parameter 'limit' is \"0\": expected a number from 1 to 1500".to_owned()),
        ("/api/traces?limit=1501", 400, "parameter 'limit' is \"1501\": expected a number from 1 to 1500".to_owned()),
        ("/api/traces?minDuration=5", 400, format!("parameter 'minDuration' is \"5\": {duration}")),
        ("/api/traces?maxDuration=-1s", 400, format!("parameter 'maxDuration' is \"-1s\": {duration}")),
        ("/api/traces?minDuration=2s&maxDuration=1s", 400, "parameter 'maxDuration' is less than 'minDuration'".to_owned()),
        ("/api/traces?start=now", 400, "parameter 'start' is \"now\": expected microseconds since 1970".to_owned()),
        ("/api/traces?end=1.5", 400, "parameter 'end' is \"1.5\": expected microseconds since 1970".to_owned()),
        ("/api/traces?lookback=long", 400, "parameter 'lookback' is \"long\": expected a duration such as 1h or 30m".to_owned()),
        ("/api/traces?tag=error", 400, "parameter 'tag' is \"error\": expected key:value such as error:true".to_owned()),
        (
            "/api/traces?tags=error",
            400,
            r#"parameter 'tags' is "error": expected a JSON object of strings such as {"error":"true"}"#.to_owned(),
        ),
        ("/api/traces?traceID=xyz", 400, "parameter 'traceID' is \"xyz\": expected 1 to 32 hexadecimal digits, not all zero".to_owned()),
        ("/api/traces/xyz", 400, "trace id \"xyz\": expected 1 to 32 hexadecimal digits, not all zero".to_owned()),
        ("/api/traces/abc", 404, "trace not found".to_owned()),
        ("/api/operations", 400, "parameter 'service' is required".to_owned()),
        ("/api/nothing", 404, "no such page".to_owned()),
        ("/api/traces/%ff", 400, "Invalid URL: Invalid UTF-8 in `id`".to_owned()),
        ("/api/services/%ff/operations", 400, "Invalid URL: Invalid UTF-8 in `service`".to_owned()),
    ] {
        let answer = get(agent.query_addr(), path);
        let expected = json!({"data": null, "total": 0, "limit": 0, "offset": 0, "errors": [{"code": status, "msg": message}]});
        assert_eq!((answer.status, answer.json()), (status, expected), "{path}");
    }
    let answer = get(agent.query_addr(), "/api/traces?traceID=abc").json();
    let missing = json!([{"code": 404, "msg": "trace not found", "traceID": "0000000000000abc"}]);
    assert_eq!((&answer["data"], &answer["errors"]), (&json!([]), &missing));
}

#[test]
fn foreign_hosts_and_origins_are_refused_on_every_route() {
    let agent = start();
    let routes = [
        (agent.query_addr(), "/"),
        (agent.query_addr(), "/trace/1"),
        (agent.query_addr(), "/api/services"),
        (agent.query_addr(), "/api/traces"),
        (agent.query_addr(), "/api/dependencies"),
        (agent.query_addr(), "/health"),
        (agent.query_addr(), "/style.css"),
        (agent.query_addr(), "/nothing"),
        (agent.sampling_addr(), "/sampling?service=s"),
        (agent.collector_addr(), "/api/traces"),
    ];
    for (addr, path) in routes {
        for headers in [
            &[("Host", "evil.example")][..],
            &[("Host", "127.0.0.1.evil.example:16686")],
            &[("Host", "")],
            &[("Host", "localhost"), ("Host", "evil.example")],
            &[("Host", "localhost"), ("Origin", "http://evil.example")],
            &[("Host", "localhost"), ("Origin", "null")],
        ] {
            let answer = request(addr, "GET", path, headers, b"");
            assert!(
                matches!(answer.status, 400 | 403),
                "{path} {headers:?}: {answer:?}"
            );
            assert!(!answer.body.contains("data"), "{answer:?}");
        }
        for host in ["localhost", "127.0.0.1:16686", "[::1]"] {
            let headers = [("Host", host), ("Origin", "http://localhost:16686")];
            assert_ne!(
                request(addr, "GET", path, &headers, b"").status,
                403,
                "{path} {host}"
            );
        }
    }
}

#[test]
fn calls_between_services_are_counted() {
    let agent = start();
    let at = 1_700_000_000_000_000;
    let span = |trace, id, parent, start| Span::new(trace, id, parent, "op", start, 10);
    report(
        &agent,
        "shop",
        &[span(1, 1, 0, at), span(1, 2, 1, at), span(2, 1, 0, at)],
    );
    report(
        &agent,
        "db",
        &[
            span(1, 3, 1, at),
            span(1, 4, 2, at),
            span(2, 2, 1, at),
            // Of a parent that did not arrive, and of itself.
            span(2, 9, 8, at),
            span(3, 1, 1, at),
        ],
    );
    // By a reference alone.
    let mut receipt = span(1, 5, 0, at);
    receipt.references = vec![(1, 1, 4)];
    report(&agent, "mail", &[receipt]);
    report(&agent, "shop", &[span(4, 1, 0, at + 5_000_000)]);
    report(&agent, "late", &[span(4, 2, 1, at + 5_000_000)]);

    let ask = |query: &str| get(agent.query_addr(), &format!("/api/dependencies{query}"));
    let call = |parent, child, count| json!({"parent": parent, "child": child, "callCount": count});
    let of = |data: Value| json!({"data": data, "total": data.as_array().unwrap().len(), "limit": 0, "offset": 0, "errors": null});
    let all = json!([
        call("db", "mail", 1),
        call("shop", "db", 3),
        call("shop", "late", 1)
    ]);
    assert_eq!(
        ask("?endTs=1700000010000&lookback=86400000").json(),
        of(all.clone())
    );
    assert_eq!(ask("?endTs=1700000010000").json(), of(all));
    let early = json!([call("db", "mail", 1), call("shop", "db", 3)]);
    assert_eq!(ask("?endTs=1700000001000&lookback=3000").json(), of(early));
    let late = json!([call("shop", "late", 1)]);
    assert_eq!(ask("?endTs=1700000010000&lookback=6000").json(), of(late));
    // Of the last day.
    assert_eq!(ask("").json(), of(json!([])));
    for wrong in ["?endTs=now", "?endTs=-1", "?endTs=1&lookback=1h"] {
        assert_eq!(ask(wrong).status, 400, "{wrong}");
    }
}
