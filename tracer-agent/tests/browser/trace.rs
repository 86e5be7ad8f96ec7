//! The page of a trace.

use serde_json::json;
use tracer_agent::Agent;

use crate::client::{report, start};
use crate::datagram::{Span, Tag};
use crate::driver::Browser;

/// 10 ms: a root, two calls side by side of which the longer calls one itself, and one that is quick.
fn agent() -> Agent {
    let agent = start();
    let spans = [
        Span::new(1, 1, 0, "root", 1_000_000, 10_000),
        Span::new(1, 2, 1, "short", 1_001_000, 3_000),
        Span::new(1, 3, 1, "long", 1_001_000, 8_000).tag("error", Tag::Bool(true)),
        Span::new(1, 4, 3, "inner", 1_002_000, 4_000),
        Span::new(1, 5, 1, "quick", 1_009_500, 10),
    ];
    report(&agent, "shop", &spans);
    agent
}

fn open(agent: &Agent, rest: &str) -> Browser {
    let browser = Browser::start();
    browser.open(&format!("{}/trace/1{rest}", agent.url()));
    browser
}

/// The operations of the rows that are seen.
fn seen(browser: &Browser) -> String {
    let rows = "[...document.querySelectorAll('.row')].filter(row => row.checkVisibility())";
    let names = format!(
        "{rows}.map(row => row.querySelector('.name').lastChild.textContent.trim()).join(' ')"
    );
    browser.value(&names).as_str().unwrap().to_owned()
}

fn query(browser: &Browser) -> String {
    browser
        .value("location.search")
        .as_str()
        .unwrap()
        .to_owned()
}

/// The part of the time that the address names.
fn range(browser: &Browser) -> (u32, u32) {
    let query = query(browser);
    let (from, to) = query
        .strip_prefix("?zoom=")
        .unwrap()
        .split_once('-')
        .unwrap();
    (from.parse().unwrap(), to.parse().unwrap())
}

const VIEW: &str = "document.querySelector('.bar').getAttribute('viewBox')";

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn time_is_zoomed_by_keys_buttons_and_pointer_and_is_in_the_address() {
    let agent = agent();
    let browser = open(&agent, "");
    assert_eq!(
        (browser.value(VIEW), query(&browser)),
        (json!("0 0 10000 10"), String::new())
    );

    browser.press("+");
    assert_eq!(
        (browser.value(VIEW), query(&browser).as_str()),
        (json!("2500 0 5000 10"), "?zoom=2500-7500")
    );
    assert_eq!(
        browser.value("document.querySelector('[role=status]').textContent"),
        "Showing from 2.50ms to 7.50ms."
    );
    assert_eq!(
        browser.value("document.querySelector('.axis').innerText.replace(/\\s+/g, ' ')"),
        "2.50ms 3.75ms 5.00ms 6.25ms"
    );
    browser.press("d");
    assert_eq!(query(&browser), "?zoom=3750-8750");
    browser.press("dddd");
    assert_eq!(query(&browser), "?zoom=5000-10000", "not beyond the end");
    browser.click("[data-do=out]");
    assert_eq!(query(&browser), "", "all of it needs no word");

    browser.draw(".minimap", 0.2, 0.6);
    let (from, to) = range(&browser);
    assert!(
        from.abs_diff(2_000) < 50 && to.abs_diff(6_000) < 50,
        "{from}-{to}"
    );
    browser.draw(".axis", 0.0, 0.5);
    let (half_from, half_to) = range(&browser);
    let half = from + (to - from) / 2;
    assert!(
        half_from.abs_diff(from) < 50 && half_to.abs_diff(half) < 50,
        "{half_from}-{half_to} of {from}-{to}"
    );

    let view = browser.value(VIEW);
    browser.open(browser.value("location.href").as_str().unwrap());
    assert_eq!(browser.value(VIEW), view, "the address brings it back");
    browser.press("0");
    assert_eq!(
        (browser.value(VIEW), query(&browser)),
        (json!("0 0 10000 10"), String::new())
    );
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn levels_are_folded_and_a_link_unfolds_what_it_leads_to() {
    let agent = agent();
    let browser = open(&agent, "");
    assert_eq!(seen(&browser), "root short long inner quick");
    browser.press("]");
    assert_eq!(
        (seen(&browser).as_str(), query(&browser).as_str()),
        ("root", "?levels=1")
    );
    browser.press("o");
    assert_eq!(seen(&browser), "root short long quick");
    assert_eq!(
        browser.value("document.querySelector('[role=status]').textContent"),
        "Showing 4 of 5 spans."
    );
    let folds = "[...document.querySelectorAll('.fold')].map(fold => fold.ariaExpanded).join(' ')";
    assert_eq!(browser.value(folds), "true false");
    browser.click(".row:nth-child(4) .fold");
    assert_eq!(
        (seen(&browser).as_str(), browser.value(folds)),
        ("root short long inner quick", json!("true true"))
    );

    browser.press("]");
    browser.value("(location.hash = '#s0000000000000004')");
    browser.wait_for("document.querySelector('#s0000000000000004').checkVisibility()");
    assert_eq!(seen(&browser), "root short long inner quick");
    browser.open(&format!("{}/trace/1?levels=2", agent.url()));
    assert_eq!(seen(&browser), "root short long quick");
    browser.press("[");
    assert_eq!(
        (seen(&browser).as_str(), query(&browser).as_str()),
        ("root short long inner quick", "")
    );
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn the_critical_path_is_marked_and_may_be_all_there_is() {
    let agent = agent();
    let browser = open(&agent, "");
    let marks =
        "[...document.querySelectorAll('.path')].filter(mark => mark.checkVisibility()).length";
    assert_eq!(browser.value(marks), 7);
    assert_eq!(
        browser.value("document.querySelector('[data-do=marks]').ariaPressed"),
        "true"
    );
    browser.press("c");
    assert_eq!(
        (browser.value(marks), query(&browser).as_str()),
        (json!(0), "?path=unmarked")
    );
    browser.press("cx");
    assert_eq!(
        (seen(&browser).as_str(), query(&browser).as_str()),
        ("root long inner quick", "?path=only")
    );
    browser.open(browser.value("location.href").as_str().unwrap());
    assert_eq!(seen(&browser), "root long inner quick");
    browser.click("[data-do=only]");
    assert_eq!(seen(&browser), "root short long inner quick");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn it_is_used_without_seeing_it_and_without_a_pointer() {
    let agent = agent();
    let browser = open(&agent, "");
    let first = browser.label("summary");
    assert!(
        first.contains("level 1 on the critical path") && first.contains("shop root"),
        "{first}"
    );
    assert_eq!(browser.label(".fold"), "what root calls");
    assert_eq!(browser.label("[data-do=in]"), "Zoom in +");
    let unnamed = "[...document.querySelectorAll('button, a, input, summary')].filter(e => !(e.textContent || e.ariaLabel)).length";
    assert_eq!(browser.value(unnamed), 0);
    browser.press("ff");
    assert_eq!(
        browser.value("document.activeElement.querySelector('.name').lastChild.textContent.trim()"),
        "short"
    );
    browser.press("b\u{e007}");
    assert_eq!(
        browser.value("document.querySelector('details').open"),
        true
    );
    // Keys belong to a field one types into.
    browser.fill("header input", "c+x");
    assert_eq!(
        (
            browser.value("document.querySelector('header input').value"),
            query(&browser)
        ),
        (json!("c+x"), String::new())
    );
}

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn nothing_is_asked_elsewhere_and_no_name_becomes_a_script() {
    let agent = start();
    let name =
        "<script>window.taken = 1</script><img src=//elsewhere.invalid onerror='window.taken = 1'>";
    report(
        &agent,
        name,
        &[
            Span::new(1, 1, 0, name, 1, 9).tag(name, name.into()),
            Span::new(1, 2, 1, name, 2, 5),
        ],
    );
    let browser = Browser::start();
    for path in [
        "/",
        "/trace/1",
        "/trace/1?zoom=1-5&levels=1&path=only#s0000000000000002",
    ] {
        browser.open(&format!("{}{path}", agent.url()));
        assert_eq!(browser.value("'taken' in window"), false);
        let elsewhere = "performance.getEntriesByType('resource').filter(e => !e.name.startsWith(location.origin)).length";
        assert_eq!(browser.value(elsewhere), 0, "{path}");
        assert_eq!(
            browser.value("document.querySelectorAll('img, script:not([src])').length"),
            0
        );
    }
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn the_script_writes_times_as_the_server_does() {
    let agent = start();
    let browser = Browser::start();
    let written = "(page => page.querySelector('.axis').textContent)";
    let by_server = format!(
        "(() => {{
            const page = new XMLHttpRequest();
            page.open('GET', location.href, false);
            page.send();
            return {written}(new DOMParser().parseFromString(page.response, 'text/html'));
        }})()"
    );
    for (id, length) in (1..).zip([
        10,
        3_999_900,
        4 * 59_970_000,
        4 * 119_600_000,
        9_000_000_000,
        i64::MAX / 1_000,
    ]) {
        report(&agent, "shop", &[Span::new(id, 1, 0, "op", 1_000, length)]);
        browser.open(&format!("{}/trace/{id}", agent.url()));
        assert_eq!(
            browser.value(&format!("{written}(document)")),
            browser.value(&by_server)
        );
    }
}

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn no_name_or_key_is_wider_than_the_page() {
    let agent = start();
    let span =
        Span::new(1, 1, 0, &"o".repeat(500), 1_000, 10).tag(&"k".repeat(300), Tag::Bool(true));
    report(&agent, &"s".repeat(200), &[span]);
    let browser = open(&agent, "");
    browser.click("summary");
    assert_eq!(
        browser.value("document.documentElement.scrollWidth > innerWidth"),
        false
    );
}
