//! A request that passes through several processes, some of which know one header only: one trace, each parent right.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tracer_agent::{Agent, SpanId, Trace};

const PATIENCE: Duration = Duration::from_secs(30);

/// A process of `src/bin/hop.rs`. It ends when dropped, with its standard input.
struct Hop {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Hop {
    fn start(agent: &Agent, arguments: &[&str]) -> Self {
        let address = agent.compact_addr();
        let mut process = Command::new(env!("CARGO_BIN_EXE_hop"))
            .args(arguments)
            .env("JAEGER_AGENT_HOST", address.ip().to_string())
            .env("JAEGER_AGENT_PORT", address.port().to_string())
            .env("JAEGER_SAMPLER_TYPE", "const")
            .env("JAEGER_SAMPLER_PARAM", "1")
            .env("JAEGER_REPORTER_FLUSH_INTERVAL", "10ms")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it says something").unwrap()
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

/// A span that is not in the trace, for its tracer reports elsewhere.
struct Unreported {
    name: String,
    span: SpanId,
    parent: SpanId,
}

/// The spans as indented text, those of the relay among them.
fn tree(trace: &Trace, relayed: Option<&Unreported>) -> String {
    let mut spans: Vec<(SpanId, Option<SpanId>, String)> = trace
        .spans()
        .map(|span| {
            let text = format!("{} {}", span.service(), span.operation);
            (span.span_id, span.parent(), text)
        })
        .collect();
    spans.extend(relayed.map(|relay| (relay.span, Some(relay.parent), relay.name.clone())));
    let mut text = String::new();
    write_children(&spans, None, 0, &mut text);
    text
}

fn write_children(
    spans: &[(SpanId, Option<SpanId>, String)],
    parent: Option<SpanId>,
    depth: usize,
    text: &mut String,
) {
    for (id, _, line) in spans.iter().filter(|(_, other, _)| *other == parent) {
        text.push_str(&format!("{:1$}{line}\n", "", 2 * depth));
        write_children(spans, Some(*id), depth + 1, text);
    }
}

/// The tree of a request: client, front, perhaps a relay that knows only `header`, back.
fn ask(header: Option<&str>) -> String {
    let agent = Agent::builder().ephemeral_ports().start().unwrap();
    let mut back = Hop::start(&agent, &["service", "back"]);
    let mut next = back.line();
    let mut relay = header.map(|header| Hop::start(&agent, &["relay", header, &next]));
    if let Some(relay) = &mut relay {
        next = relay.line();
    }
    let mut front = Hop::start(&agent, &["service", "front", &next]);
    let mut client = Hop::start(&agent, &["client", &front.line()]);

    let id = client.line().parse().expect("back tells the trace's id");
    let relayed = relay.as_mut().map(|relay| {
        let line = relay.line();
        let (span, parent) = line.split_once(' ').unwrap();
        Unreported {
            name: format!("relay that knows {}", header.unwrap()),
            span: span.parse().unwrap(),
            parent: parent.parse().unwrap(),
        }
    });
    let trace = agent.store().wait_for_spans(id, 4, PATIENCE).unwrap();
    assert_eq!(agent.store().stats().spans_received, 4, "one trace");
    tree(&trace, relayed.as_ref())
}

#[test]
fn two_services_and_a_client_in_processes_of_their_own_make_one_trace() {
    assert_eq!(
        ask(None),
        "\
client GET
  front GET /ask
    front GET
      back GET /ask
"
    );
}

#[test]
fn a_service_between_that_knows_only_traceparent_keeps_the_parents_right() {
    assert_eq!(
        ask(Some("traceparent")),
        "\
client GET
  front GET /ask
    front GET
      relay that knows traceparent
        back GET /ask
"
    );
}

#[test]
fn a_service_between_that_knows_only_uber_trace_id_keeps_the_parents_right() {
    assert_eq!(
        ask(Some("uber-trace-id")),
        "\
client GET
  front GET /ask
    front GET
      relay that knows uber-trace-id
        back GET /ask
"
    );
}
