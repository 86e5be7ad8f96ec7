//! The page of newest traces.

use std::path::PathBuf;

use crate::client::{get, report, start};
use crate::datagram::Span;
use crate::driver::Browser;

/// A file that is gone after its test.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn a_file_is_opened_by_choosing_or_dropping_it() {
    let (one, other) = (start(), start());
    report(
        &one,
        "shop",
        &[Span::new(1, 1, 0, "checkout", 1_000, 6_000)],
    );
    let file = File::new("trace.json", &get(one.query_addr(), "/api/traces/1").body);
    let wrong = File::new("wrong.json", "{}");
    let browser = Browser::start();
    browser.open(&other.url());

    browser.fill("input[type=file]", wrong.0.to_str().unwrap());
    browser.wait_for("document.querySelector('[role=status]').textContent.includes(`neither Jaeger's \"data\" nor OTLP's`)");
    browser.fill("input[type=file]", file.0.to_str().unwrap());
    browser.wait_for("location.pathname === '/trace/0000000000000001'");
    assert_eq!(
        browser.value("document.querySelector('h1 strong').textContent"),
        "checkout"
    );
    // The first file, which was refused, as the browser tells of all such answers.
    let console = browser.console();
    assert!(
        console.len() == 1 && console[0].contains("400 (Bad Request)"),
        "{console:?}"
    );

    browser.open(&other.url());
    let otlp = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"7","spanId":"1","name":"dropped","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;
    browser.value(&format!(
        "(() => {{
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([{otlp:?}], 'otlp.json'));
            for (const type of ['dragover', 'drop'])
                document.querySelector('main').dispatchEvent(new DragEvent(type, {{bubbles: true, cancelable: true, dataTransfer}}));
        }})()"
    ));
    browser.wait_for("location.pathname === '/trace/0000000000000007'");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs Chromium: see ci/browser"]
fn new_traces_are_shown_but_not_under_ones_eyes() {
    let agent = start();
    let newest = "document.querySelector('.traces strong')?.textContent";
    let browser = Browser::start();
    browser.open(&agent.url());
    report(&agent, "shop", &[Span::new(1, 1, 0, "first", 1_000, 1)]);
    browser.wait_for(&format!("{newest} === 'first'"));

    // Somebody is at a row: it stays where it is, until they say so.
    browser.value("document.querySelector('.traces a').focus()");
    report(
        &agent,
        "shop",
        &[
            Span::new(2, 1, 0, "second", 2_000, 1),
            Span::new(3, 1, 0, "third", 3_000, 1),
        ],
    );
    browser.wait_for("document.querySelector('[data-do=show]').innerText === 'Show 2 new traces'");
    assert_eq!(browser.value(newest), "first");
    browser.click("[data-do=show]");
    assert_eq!(browser.value(newest), "third");

    // Nor is anything asked when that is not wanted.
    browser.click("[data-do=follow]");
    browser.value("(window.asked = 0, window.since = performance.now(), window.fetch = async () => { window.asked++; throw 0; })");
    browser.wait_for("performance.now() - window.since > 2500");
    assert_eq!(browser.value("window.asked"), 0);
    browser.click("[data-do=follow]");
    browser.wait_for("window.asked > 0");
    browser.wait_for(
        "document.querySelector('[role=status]').textContent === 'The agent does not answer.'",
    );
    assert_eq!(browser.value(newest), "third");
    assert_eq!(browser.console(), [""; 0]);
}
