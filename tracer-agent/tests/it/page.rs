//! The pages: what is on them, and that nothing from the network becomes markup.

use crate::client::{get, report, start};
use crate::datagram::{Span, Tag};

#[test]
fn list_shows_the_newest_traces_and_filters_by_service() {
    let agent = start();
    let empty = get(agent.query_addr(), "/");
    assert!(
        empty.body.contains("No trace has arrived yet"),
        "{}",
        empty.body
    );
    report(
        &agent,
        "shop",
        &[Span::new(1, 1, 0, "GET /orders", 1_000, 1_500).tag("error", Tag::Bool(true))],
    );
    report(&agent, "mail", &[Span::new(2, 1, 0, "deliver", 2_000, 10)]);

    let page = get(agent.query_addr(), "/");
    assert_eq!(page.status, 200);
    let newest = page.body.find("deliver").expect("the newer trace");
    let oldest = page.body.find("GET /orders").expect("the older trace");
    assert!(newest < oldest);
    for part in [
        "href=\"/trace/0000000000000001\"",
        "1.50ms",
        "1 error",
        "<option value=\"mail\">",
        "1970-01-01 00:00:00.001",
    ] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    let filtered = get(
        agent.query_addr(),
        "/?service=mail&operation=&tag=&minDuration=",
    );
    assert!(
        filtered.body.contains("deliver") && !filtered.body.contains("GET /orders"),
        "{}",
        filtered.body
    );
    assert!(
        filtered.body.contains("<option value=\"mail\" selected>"),
        "{}",
        filtered.body
    );
    let wrong = get(agent.query_addr(), "/?minDuration=x");
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.body.contains("parameter &#39;minDuration&#39;")
            || wrong.body.contains("parameter 'minDuration'")
    );
}

#[test]
fn trace_shows_tree_tags_and_logs() {
    let agent = start();
    let mut child = Span::new(1, 2, 1, "charge", 2_000, 3_000).tag("card", "visa".into());
    child.logs = vec![(2_500, vec![("event".into(), "declined".into())])];
    report(
        &agent,
        "shop",
        &[Span::new(1, 1, 0, "checkout", 1_000, 6_000), child],
    );
    report(&agent, "db", &[Span::new(1, 3, 99, "stray", 6_000, 500)]);
    let page = get(agent.query_addr(), "/trace/1");
    assert_eq!(page.status, 200);
    for part in [
        "checkout",
        "class=\"name d1\"",
        "card",
        "visa",
        "declined",
        "1.50ms",
        "(parent missing)",
        "x=\"16.667%\"",
        "width=\"50.000%\"",
    ] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert_eq!(get(agent.query_addr(), "/trace/2").status, 404);
    assert_eq!(get(agent.query_addr(), "/trace/zz").status, 400);
}

#[test]
fn nothing_from_the_network_becomes_markup() {
    let agent = start();
    let payloads = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title><svg onload=alert(1)>",
        "javascript:alert(1)",
        "<!--",
        "&lt;script&gt;",
    ];
    for (trace, payload) in (1..).zip(payloads) {
        let mut span = Span::new(trace, 1, 0, payload, 1, 1).tag(payload, payload.into());
        span.logs = vec![(1, vec![(payload.into(), payload.into())])];
        report(&agent, payload, &[span]);
    }
    let mut pages = vec![get(agent.query_addr(), "/")];
    pages.extend(
        (1..=payloads.len()).map(|trace| get(agent.query_addr(), &format!("/trace/{trace}"))),
    );
    pages.push(get(
        agent.query_addr(),
        "/trace/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    ));
    pages.push(get(
        agent.query_addr(),
        "/?service=%22%3E%3Cscript%3E&operation=%22%3E%3Cscript%3E&tag=%3Cscript%3E:1",
    ));
    for page in &pages {
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'")
                && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        for forbidden in [
            "<script",
            "<img",
            "<svg onload",
            "<!--",
            " style=",
            "href=\"javascript",
        ] {
            assert!(
                !page.body.contains(forbidden),
                "{forbidden} is in {}",
                page.body
            );
        }
        // Every attribute is quoted, so a quote that came through unescaped would begin one of its own.
        assert!(
            !page.body.contains("\"><img") && !page.body.contains("\" onmouseover"),
            "{}",
            page.body
        );
    }
    assert!(
        pages[1]
            .body
            .contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{}",
        pages[1].body
    );
    assert!(
        pages[7].body.contains("&amp;lt;script&amp;gt;"),
        "{}",
        pages[7].body
    );
}

#[test]
fn assets_are_served_with_their_types() {
    let agent = start();
    for (path, kind) in [
        ("/style.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        let answer = get(agent.query_addr(), path);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(kind))
        );
    }
    assert!(
        get(agent.query_addr(), "/style.css")
            .body
            .contains("prefers-color-scheme: dark")
    );
}
