//! The counters, over HTTP: what was lost is to be seen.

use serde_json::{Value, json};

use crate::client::{get, report, request, send, start};
use crate::datagram::{Span, message};
use crate::golden::{COMPACT, bytes};

#[test]
fn health_shows_every_counter() {
    let agent = start();
    for seq_no in [1, 2, 6, 5, 5] {
        let span = Span::new(0x5e, seq_no as u64, 0, "op", 1, 1);
        send(agent.binary_addr(), &message("shop", &[span], Some(seq_no)));
    }
    send(agent.binary_addr(), b"nonsense");
    send(agent.compact_addr(), &bytes(COMPACT));
    agent
        .store()
        .wait_for_spans(
            tracer_agent::TraceId::new(0x0123_4567_89ab_cdef),
            1,
            crate::client::PATIENCE,
        )
        .unwrap();
    report(&agent, "sentinel", &[Span::new(1, 1, 0, "sentinel", 1, 1)]);

    let mut health = get(agent.query_addr(), "/health").json();
    assert_eq!(
        get(agent.query_addr(), "/api/health").json()["received"],
        health["received"]
    );
    for volatile in ["uptime_seconds", "version"] {
        assert_ne!(health[volatile].take(), Value::Null);
    }
    assert!(health["store"]["bytes"].take().as_u64().unwrap() > 1_000);
    let messages = |ok: u64, size: u64| json!({"ok": ok, "truncated": 0, "size": size, "depth": 0, "malformed": 0, "missing_field": 0, "unknown_method": 0, "overflowed": 0, "kernel_dropped": 0, "panicked": 0});
    let client = |uuid: &str, service: &str, counts: [u64; 5], losses: [u64; 3]| {
        json!({
            "service": service, "uuid": uuid, "batches": counts[0], "spans": counts[1], "lost_batches": counts[2],
            "repeated_batches": counts[3], "restarts": counts[4],
            "stats": {"full_queue_dropped_spans": losses[0], "too_large_dropped_spans": losses[1], "failed_to_emit_spans": losses[2]},
        })
    };
    let expected = json!({
        "status": "ok",
        "version": null,
        "uptime_seconds": null,
        // Read as the old form of binary, "nonsense" declares a name of more than a gigabyte.
        "received": {"compact": messages(1, 0), "binary": messages(6, 1), "http": messages(0, 0), "otlp": messages(0, 0)},
        "store": {
            "spans_received": 8, "spans_kept": 7, "spans_evicted": 0, "spans_repeated": 1, "spans_refused": 0,
            "spans_invalid": 0, "traces_kept": 4, "traces_evicted": 0, "bytes": null, "bytes_limit": 256 << 20,
        },
        "forward": null,
        "clients": [
            client("c0ffee", "shop", [4, 4, 2, 1, 0], [0, 0, 0]),
            client("", "svc", [1, 2, 0, 0, 0], [1, 2, 300]),
        ],
    });
    assert_eq!(health, expected);
}

#[test]
fn a_browser_gets_the_counters_as_a_page() {
    let agent = start();
    let span = Span::new(1, 1, 0, "op", 1, 1);
    send(agent.binary_addr(), &message("<b>shop", &[span], Some(1)));
    report(&agent, "mail", &[Span::new(2, 1, 0, "op", 1, 1)]);
    let headers = [
        ("Host", "localhost"),
        ("Accept", "text/html,application/xml;q=0.9,*/*;q=0.8"),
    ];
    let page = request(agent.query_addr(), "GET", "/health", &headers, b"");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for part in [
        "<th scope=\"row\">Thrift binary over UDP</th><td>2</td><td>0</td><td>0</td>",
        "<th scope=\"row\">Spans received</th><td>2</td>",
        "of 256 MB",
        "<bdi>&lt;b&gt;shop</bdi>",
        "href=\"/api/health\"",
    ] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(!page.body.contains("Forwarding"), "{}", page.body);
}
