//! The pages: what is on them, and that nothing from the network becomes markup.

use tracer_agent::TraceId;

use crate::client::{get, report, request, send, start};
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
    let newest = page.body.find("<strong>deliver").expect("the newer trace");
    let oldest = page
        .body
        .find("<strong>GET /orders")
        .expect("the older trace");
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
fn a_search_that_is_refused_keeps_its_form() {
    let agent = start();
    report(&agent, "mail", &[Span::new(2, 1, 0, "deliver", 2_000, 10)]);
    let page = get(
        agent.query_addr(),
        "/?service=mail&operation=deliver&maxDuration=x&limit=7&lookback=1h",
    );
    assert_eq!(page.status, 400);
    for part in [
        "<option value=\"mail\" selected>",
        "name=\"operation\" list=\"operations\" placeholder=\"whole name\" value=\"deliver\"",
        "<option value=\"deliver\">",
        "name=\"maxDuration\" placeholder=\"1.5s\" value=\"x\"",
        "<option value=\"7\" selected>7</option>",
        "<option value=\"1h\" selected>",
        "Cannot search",
    ] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
}

#[test]
fn an_empty_list_says_where_to_send_spans() {
    let agent = start();
    let page = get(agent.query_addr(), "/");
    let otlp = format!("TCP port {}", agent.otlp_addr().unwrap().port());
    assert!(page.body.contains(&otlp), "{}", page.body);
    let port = format!("JAEGER_AGENT_PORT={}", agent.compact_addr().port());
    assert!(page.body.contains(&port), "{}", page.body);
}

#[test]
fn what_was_lost_is_said_above_the_traces() {
    let agent = start();
    report(&agent, "shop", &[Span::new(1, 1, 0, "a", 1, 1)]);
    assert!(!get(agent.query_addr(), "/").body.contains("Not everything"));
    send(agent.binary_addr(), b"no thrift");
    report(&agent, "shop", &[Span::new(1, 2, 0, "b", 1, 1)]);
    let page = get(agent.query_addr(), "/");
    assert!(
        page.body
            .contains("messages that could not be read or taken: 1."),
        "{}",
        page.body
    );
}

#[test]
fn a_trace_is_opened_by_its_id() {
    let agent = start();
    let found = get(agent.query_addr(), "/trace?id=+00ab+");
    assert_eq!(
        (found.status, found.header("location")),
        (303, Some("/trace/00000000000000ab"))
    );
    assert_eq!(get(agent.query_addr(), "/trace?id=shop").status, 400);
    assert_eq!(get(agent.query_addr(), "/trace").status, 400);
}

#[test]
fn who_goes_astray_in_the_browser_gets_a_page() {
    let agent = start();
    for (path, status) in [
        ("/nothing", 404),
        ("/trace/2", 404),
        ("/trace/%ff", 400),
        ("/trace/shop", 400),
    ] {
        let headers = [("Host", "localhost"), ("Accept", "text/html,*/*;q=0.8")];
        let page = request(agent.query_addr(), "GET", path, &headers, b"");
        let home = page.body.contains("<a href=\"/\">All traces</a>");
        assert!(page.status == status && home, "{path}: {page:?}");
    }
}

#[test]
fn what_has_no_name_can_be_seen_and_opened() {
    let agent = start();
    report(&agent, "", &[Span::new(1, 1, 0, "", 1, 1)]);
    report(&agent, "shop", &[Span::new(2, 1, 0, " ", 2, 1)]);
    let list = get(agent.query_addr(), "/").body;
    for link in [
        "<a href=\"/trace/0000000000000001\"><bdi>(no name)</bdi> <strong>(no name)</strong></a>",
        "<a href=\"/trace/0000000000000002\"><bdi>shop</bdi> <strong>(no name)</strong></a>",
        // An empty field asks for all.
        "<option value=\"\" selected>all</option><option value=\"shop\">",
    ] {
        assert!(list.contains(link), "{link} is not in {list}");
    }
    let page = get(agent.query_addr(), "/trace/1").body;
    assert_eq!(
        page.matches("(no name)</span> (no name)").count(),
        2,
        "{page}"
    );
    let text = tracer_agent::show::waterfall(&agent.store().trace(TraceId::new(1)).unwrap(), 60);
    assert!(text.contains("(no name) (no name)"), "{text}");
}

#[test]
fn neither_long_names_nor_many_services_fill_a_page() {
    let agent = start();
    let (service, operation) = ("s".repeat(300), "o".repeat(3_000));
    report(
        &agent,
        &service,
        &[Span::new(1, 1, 0, &operation, 1, 1).tag(&"k".repeat(300), "v".into())],
    );
    for service in 0..60 {
        report(
            &agent,
            &format!("service-{service}"),
            &[Span::new(1, 2 + service, 1, "op", 1, 1)],
        );
    }
    let list = get(agent.query_addr(), "/").body;
    assert!(
        !list.contains(&"o".repeat(201)) && list.contains("and 51 more"),
        "{list}"
    );
    let page = get(agent.query_addr(), "/trace/1").body;
    // In the row, which cuts it, and behind it.
    assert_eq!(page.matches(&operation).count(), 2);
    assert!(
        page.contains("and 11 more") && page.contains("<th class=\"long\">kkk"),
        "{page}"
    );
}

#[test]
fn calls_between_services_are_listed() {
    let agent = start();
    let page = || get(agent.query_addr(), "/calls").body;
    assert!(
        page().contains("No trace kept here has a call"),
        "{}",
        page()
    );
    let span = |id, parent| Span::new(1, id, parent, "op", 1_000, 10);
    report(&agent, "shop", &[span(1, 0), span(2, 1)]);
    report(&agent, "<db>", &[span(3, 1), span(4, 2)]);
    report(&agent, "mail", &[span(5, 3)]);
    let (shop, db, mail) = (">shop</span>", ">&lt;db&gt;</span>", ">mail</span>");
    let rows: Vec<String> = page().split("<tr>").skip(2).map(Into::into).collect();
    for (row, [caller, called, calls]) in rows
        .iter()
        .zip([[shop, db, "<td>2</td>"], [db, mail, "<td>1</td>"]])
    {
        let caller = row.find(caller).unwrap();
        assert!(
            caller < row.find(called).unwrap() && row.contains(calls),
            "{row}"
        );
    }
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_span_that_took_no_time_is_drawn() {
    let agent = start();
    let spans = [
        Span::new(1, 1, 0, "root", 1_000, 50),
        Span::new(1, 2, 1, "first", 1_000, 0),
        Span::new(1, 3, 1, "last", 1_050, 0),
    ];
    report(&agent, "shop", &spans);
    report(&agent, "shop", &[Span::new(2, 1, 0, "root", 1_000, 0)]);
    let bars = |id: u32| {
        let page = get(agent.query_addr(), &format!("/trace/{id}")).body;
        let bars = page.split("<rect class=\"c0\" ").skip(1);
        let bars: Vec<_> = bars
            .map(|bar| bar.split(" y=").next().unwrap().to_owned())
            .collect();
        bars.join(", ")
    };
    assert_eq!(
        bars(1),
        r#"x="0" width="50", x="0" width="1", x="49" width="1""#
    );
    assert_eq!(bars(2), r#"x="0" width="1""#);
}

#[test]
fn a_service_has_one_colour_on_all_pages() {
    let agent = start();
    report(&agent, "auth", &[Span::new(1, 1, 0, "a", 1, 1)]);
    report(&agent, "shop", &[Span::new(2, 1, 0, "b", 2, 1)]);
    let shop = "<span class=\"service c1\">shop</span>";
    for path in ["/", "/trace/2"] {
        let page = get(agent.query_addr(), path);
        assert!(page.body.contains(shop), "{path}: {}", page.body);
    }
}

#[test]
fn references_lead_to_their_spans() {
    let agent = start();
    let mut span = Span::new(1, 2, 1, "child", 2, 1);
    // Child of its parent, which says nothing new; follows from a span here, one that is not, and one of another trace.
    span.references = vec![(0, 1, 1), (1, 1, 3), (1, 1, 9), (1, 7, 8)];
    report(
        &agent,
        "shop",
        &[
            Span::new(1, 1, 0, "root", 1, 1),
            span,
            Span::new(1, 3, 1, "other", 3, 1),
        ],
    );
    let page = get(agent.query_addr(), "/trace/1").body;
    let link = |id: u64| format!("<a href=\"#s{id:016x}\">{id:016x}</a>");
    for part in [
        format!("parent {}", link(1)),
        format!("follows from {}", link(3)),
        String::from("follows from 0000000000000009<"),
        String::from("href=\"/trace/0000000000000007#s0000000000000008\""),
        String::from("<div class=\"detail\" id=\"s0000000000000003\">"),
    ] {
        assert!(page.contains(&part), "{part} is not in {page}");
    }
    assert!(!page.contains("child of"), "{page}");
}

#[test]
fn a_long_trace_has_pages() {
    let agent = start();
    for batch in 0..51u64 {
        let spans: Vec<_> = (1..=100)
            .map(|n| batch * 100 + n)
            .map(|n| Span::new(1, n, 0, &format!("op-{n}."), n as i64, 1))
            .collect();
        report(&agent, "shop", &spans);
    }
    let first = get(agent.query_addr(), "/trace/1").body;
    assert!(first.contains("Spans 1 to 5000 of 5100.") && first.contains("href=\"?from=5000\""));
    assert!(first.contains("op-5000.") && !first.contains("op-5001."));
    let second = get(agent.query_addr(), "/trace/1?from=5000").body;
    assert!(second.contains("Spans 5001 to 5100 of 5100.") && second.contains("href=\"?from=0\""));
    assert!(!second.contains("op-5000.") && second.contains("op-5100."));
    let beyond = get(agent.query_addr(), "/trace/1?from=9999");
    assert!(
        beyond.status == 200 && beyond.body.contains("There is no span"),
        "{}",
        beyond.body
    );
    assert_eq!(get(agent.query_addr(), "/trace/1?from=x").status, 400);
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
        "level 2 ",
        "(parent missing)",
        "viewBox=\"0 0 6000 10\"",
        "x=\"1000\" width=\"3000\"",
        "on the critical path",
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
    for page in &mut pages {
        // Ours, and by the policy the only kind there may be.
        for name in ["list", "trace"] {
            let ours = format!("<script type=\"module\" src=\"/{name}.js\"></script>");
            page.body = page.body.replacen(&ours, "", 1);
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with(
                "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'"
            ) && !policy.contains("unsafe"),
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
    let mut bytes = 0;
    for (path, kind) in [
        ("/style.css", "text/css; charset=utf-8"),
        ("/trace.js", "text/javascript; charset=utf-8"),
        ("/list.js", "text/javascript; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
        ("/favicon.ico", "image/svg+xml"),
    ] {
        let answer = get(agent.query_addr(), path);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(kind))
        );
        bytes += answer.body.len();
    }
    assert!(
        bytes < 64 << 10,
        "a page is slow to come with {bytes} bytes of these"
    );
    assert!(
        get(agent.query_addr(), "/style.css")
            .body
            .contains("prefers-color-scheme: dark")
    );
}
