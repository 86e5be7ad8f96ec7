//! A Chromium without a window, spoken to by [WebDriver](https://www.w3.org/TR/webdriver2/).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Long enough for a loaded machine; nothing waits this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// The key under which WebDriver has references to elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Browser {
    driver: Child,
    http: ureq::Agent,
    session: String,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}; ci/browser installs it"));
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // It goes on to speak, and must not stall.
        thread::spawn(move || lines.for_each(drop));
        let http = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .build()
            .new_agent();
        let mut browser = Self {
            driver,
            http,
            session: format!("http://127.0.0.1:{}/session", port.unwrap()),
        };
        let options = json!({
            "binary": binary(),
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,800"],
        });
        let wanted =
            json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let begun = browser.post("", &json!({"capabilities": {"alwaysMatch": wanted}}));
        browser.session = format!(
            "{}/{}",
            browser.session,
            begun["sessionId"].as_str().unwrap()
        );
        browser
    }

    /// Opens a page, and waits until its scripts have run.
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// The value of an expression.
    pub(crate) fn value(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_for(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.value(expression) != json!(true) {
            assert!(
                Instant::now() < deadline,
                "{expression} is not so in {}",
                self.value("document.body.innerText")
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses keys, one after the other.
    pub(crate) fn press(&self, keys: &str) {
        let key = |key: char| {
            [
                json!({"type": "keyDown", "value": key}),
                json!({"type": "keyUp", "value": key}),
            ]
        };
        let actions: Vec<Value> = keys.chars().flat_map(key).collect();
        self.act(&json!({"type": "key", "id": "keys", "actions": actions}));
    }

    pub(crate) fn click(&self, css: &str) {
        let element = self.element(css);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Draws the pointer over an element, between two shares of its width.
    pub(crate) fn draw(&self, css: &str, from: f64, to: f64) {
        let side = |name| {
            self.value(&format!(
                "document.querySelector({css:?}).getBoundingClientRect().{name}"
            ))
        };
        let side = |name| side(name).as_f64().unwrap();
        let (left, width, y) = (
            side("left"),
            side("width"),
            side("top") + side("height") / 2.0,
        );
        let move_to = |share: f64| json!({"type": "pointerMove", "x": (left + width * share) as i64, "y": y as i64});
        let actions = [
            move_to(from),
            json!({"type": "pointerDown", "button": 0}),
            move_to(to),
            json!({"type": "pointerUp", "button": 0}),
        ];
        self.act(&json!({"type": "pointer", "id": "pointer", "actions": actions}));
    }

    /// What a screen reader says an element is.
    pub(crate) fn label(&self, css: &str) -> String {
        let element = self.element(css);
        let label = self
            .http
            .get(&format!("{}/element/{element}/computedlabel", self.session));
        read(label.call()).as_str().unwrap().to_owned()
    }

    /// Types into an input; for one of files, their paths.
    pub(crate) fn fill(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// What the console has: errors of scripts, what the policy of a page refused, requests that failed.
    pub(crate) fn console(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        log.as_array()
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn element(&self, css: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": css}));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    fn act(&self, actions: &Value) {
        self.post("/actions", &json!({"actions": [actions]}));
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(&format!("{}{path}", self.session));
        read(
            request
                .content_type("application/json")
                .send(body.to_string()),
        )
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    let mut answer = answer.unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    assert!(answer.status().is_success(), "{text}");
    serde_json::from_str::<Value>(&text).unwrap()["value"].take()
}

/// The browser by the name it has here.
fn binary() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let found = found.into_iter().find(|file| file.is_file());
    let found = found.unwrap_or_else(|| panic!("no Chromium; ci/browser installs it"));
    found.to_str().unwrap().to_owned()
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser, where it began.
        let _ = self.http.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
