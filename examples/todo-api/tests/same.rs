//! The README's claim: four lines, the same answers, and a trace.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests share fails as tests do"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use similar::{ChangeTag, TextDiff};
use tracer_agent::tree::Tree;
use tracer_agent::{Agent, Trace, TraceId};

#[path = "../../../tracer-sqlx/tests/it/server.rs"]
mod database;

/// How PostgreSQL is started.
const POSTGRES: &str = include_str!("../../../tracer-sqlx/tests/it/backend/postgres.sh");
const UNTRACED: &str = include_str!("../src/bin/untraced.rs");
const TRACED: &str = include_str!("../src/bin/todo-api.rs");

#[test]
fn readme_shows_the_difference_and_it_is_four_lines() {
    let diff = TextDiff::from_lines(UNTRACED, TRACED);
    let count = |tag| {
        let changes = diff.iter_all_changes();
        changes.filter(|change| change.tag() == tag).count()
    };
    assert_eq!(count(ChangeTag::Insert), 4);
    assert_eq!(
        count(ChangeTag::Delete),
        1,
        "one of the four stands for another"
    );
    let shown = diff.unified_diff().context_radius(1).to_string();
    let readme = include_str!("../README.md");
    assert!(
        readme.contains(&format!("```diff\n{shown}```\n")),
        "README.md must show this difference:\n{shown}"
    );
}

#[test]
fn both_give_the_same_answers_on_sqlite_and_one_of_them_traces() {
    let directory = tempfile::tempdir().unwrap();
    compare(|program| {
        let file = directory.path().join(program);
        format!("sqlite:{}?mode=rwc", file.display())
    });
}

#[test]
fn both_give_the_same_answers_on_postgres_and_one_of_them_traces() {
    let databases = [(); 2].map(|()| database::start("PostgreSQL", POSTGRES));
    compare(|program| {
        let port = databases[usize::from(program == "todo-api")].port;
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    });
}

#[cfg(unix)]
#[test]
fn what_is_traced_is_sent_when_it_is_told_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let database = format!(
        "sqlite:{}?mode=rwc",
        directory.path().join("todo").display()
    );
    let agent = Agent::builder().ephemeral_ports().start().unwrap();
    let port = agent.compact_addr().port();
    for (signal, trace) in [("-INT", 1), ("-TERM", 2)] {
        let hour = Duration::from_secs(3_600);
        let mut server = Server::start(env!("CARGO_BIN_EXE_todo-api"), &database, port, hour);
        server.ask("GET", "/todos", "", trace);
        let told = Command::new("kill")
            .args([signal, &server.process.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        assert_eq!(server.process.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(tree(&agent, trace, 2), ["GET /todos", "  SELECT todos"]);
    }
}

/// Asks both programs the same, each with a database of its own.
fn compare(database: impl Fn(&str) -> String) {
    let agent = Agent::builder().ephemeral_ports().start().unwrap();
    let port = agent.compact_addr().port();
    let answers = [
        ("untraced", env!("CARGO_BIN_EXE_untraced")),
        ("todo-api", env!("CARGO_BIN_EXE_todo-api")),
    ]
    .map(|(name, program)| {
        let server = Server::start(program, &database(name), port, Duration::from_millis(20));
        let answers = [
            server.ask("POST", "/todos", r#"{"title": "buy milk"}"#, 1),
            server.ask("GET", "/todos", "", 2),
            server.ask("PUT", "/todos/1/done", "", 3),
            server.ask("GET", "/todos", "", 4),
            server.ask("PUT", "/todos/99/done", "", 5),
            server.ask("POST", "/todos", r#"{"title": "buy milk"}"#, 6),
        ];
        if name == "todo-api" {
            check_traces(&agent);
        }
        answers
    });
    assert_eq!(answers[0], answers[1]);
    let statuses = answers[0].each_ref().map(|(status, _)| *status);
    assert_eq!(statuses, [201, 200, 200, 200, 404, 500]);
    assert_eq!(
        answers[0][3].1,
        r#"[{"id":1,"title":"buy milk","state":"done"}]"#
    );
}

fn check_traces(agent: &Agent) {
    assert_eq!(tree(agent, 1, 2), ["POST /todos", "  INSERT todos"]);
    assert_eq!(tree(agent, 2, 2), ["GET /todos", "  SELECT todos"]);
    assert_eq!(
        tree(agent, 3, 6),
        [
            "PUT /todos/{id}/done",
            "  finish",
            "    BEGIN",
            "    UPDATE todos",
            "    INSERT history",
            "    COMMIT"
        ]
    );
    // Nothing was updated: the function failed, and the transaction was rolled back when it was dropped.
    assert_eq!(
        tree(agent, 5, 4),
        [
            "PUT /todos/{id}/done",
            "  finish error",
            "    BEGIN",
            "    UPDATE todos"
        ]
    );
    assert_eq!(
        tree(agent, 6, 2),
        ["POST /todos error", "  INSERT todos error"]
    );
}

/// The operations of a trace, indented, once it has that many spans. Those of connects are left out: the pool makes one
/// when the connection of the request before is not back yet.
fn tree(agent: &Agent, id: u128, spans: usize) -> Vec<String> {
    let id: TraceId = format!("{id:032x}").parse().unwrap();
    let limit = Duration::from_secs(10);
    let mut awaited = spans;
    loop {
        let trace = agent.store().wait_for_spans(id, awaited, limit).unwrap();
        let mut rows = rows(&trace);
        rows.retain(|row| row.trim() != "CONNECT");
        if rows.len() >= spans {
            return rows;
        }
        awaited = trace.len() + 1;
    }
}

fn rows(trace: &Trace) -> Vec<String> {
    let tree = Tree::of(trace);
    let rows = tree.rows().iter();
    rows.map(|row| {
        let failed = row.span.tag("error").is_some();
        let mark = if failed { " error" } else { "" };
        format!("{}{}{mark}", "  ".repeat(row.depth), row.span.operation)
    })
    .collect()
}

struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(program: &str, database: &str, agent: u16, flush_interval: Duration) -> Self {
        let mut process = Command::new(program)
            .env("DATABASE_URL", database)
            .env("LISTEN", "127.0.0.1:0")
            .env("JAEGER_AGENT_HOST", "127.0.0.1")
            .env("JAEGER_AGENT_PORT", agent.to_string())
            .env(
                "JAEGER_REPORTER_FLUSH_INTERVAL",
                flush_interval.as_millis().to_string(),
            )
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ");
        let url = url.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { process, url }
    }

    /// Status and body of the answer; the trace has the id.
    fn ask(&self, method: &str, path: &str, body: &str, trace: u128) -> (u16, String) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .header("traceparent", format!("00-{trace:032x}-{trace:016x}-01"))
            .body(body.to_owned())
            .unwrap();
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut answer = agent.run(request).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
