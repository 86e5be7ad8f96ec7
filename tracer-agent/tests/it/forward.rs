//! Sending on: to a second agent, and to collectors that are away, busy, silent, or refuse.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tracer_agent::{Agent, ForwardStats, TraceId, trace_json};

use crate::client::{PATIENCE, report, send, start};
use crate::datagram::{Span, Tag, message};

/// A collector that answers as it is told, and with 200 when it is told nothing more.
struct Collector {
    addr: SocketAddr,
    requests: Receiver<Request>,
}

struct Request {
    head: String,
    body: Vec<u8>,
}

impl Collector {
    fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (seen, requests) = mpsc::channel();
        thread::spawn(move || {
            let mut answers = answers.iter();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&stream);
                if seen.send(request).is_err() {
                    return;
                }
                let answer = answers.next().unwrap_or(&"200 OK\r\n");
                let head =
                    format!("HTTP/1.1 {answer}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}");
                let _ = stream.write_all(head.as_bytes());
            }
        });
        Self { addr, requests }
    }

    fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    Request { head, body }
}

fn forwarding_to(url: &str) -> Agent {
    Agent::builder()
        .ephemeral_ports()
        .forward(url)
        .unwrap()
        .start()
        .unwrap()
}

fn counts(agent: &Agent) -> ForwardStats {
    agent.stats().forward.unwrap()
}

fn wait_until(agent: &Agent, reached: impl Fn(&ForwardStats) -> bool) -> ForwardStats {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let counts = counts(agent);
        if reached(&counts) {
            let all = counts.spans_sent + counts.spans_waiting + counts.spans_dropped;
            let all = all + counts.spans_refused + counts.spans_unsent;
            assert_eq!(counts.spans_accepted, all, "{counts:?}");
            return counts;
        }
        assert!(Instant::now() < deadline, "{counts:?}");
        thread::yield_now();
    }
}

fn one(trace: u128) -> [Span; 1] {
    [Span::new(trace, 1, 0, "op", 1, 1)]
}

#[test]
fn a_second_agent_gets_what_the_first_one_has() {
    let second = start();
    let first = forwarding_to(&format!("http://{}/api/traces", second.collector_addr()));
    let mut child = Span::new(1 << 70, 2, 1, "charge", 2_000, 3_000)
        .tag("text", "visa".into())
        .tag("float", Tag::Double(0.5))
        .tag("bool", Tag::Bool(true))
        .tag("int", Tag::Long(-7))
        .tag("bytes", Tag::Binary(vec![0, 255]));
    child.logs = vec![(2_500, vec![("event".into(), "declined".into())])];
    child.references = vec![(0, 1 << 70, 1), (1, 9, 8)];
    report(
        &first,
        "shop",
        &[Span::new(1 << 70, 1, 0, "checkout", 1_000, 6_000)],
    );
    report(&first, "pay", &[child.clone()]);
    // Once more, as the network may bring it.
    send(first.binary_addr(), &message("pay", &[child], None));
    let id = TraceId::new(1 << 70);
    let got = second.store().wait_for_spans(id, 2, PATIENCE).unwrap();
    assert_eq!(
        trace_json(&got),
        trace_json(&first.store().trace(id).unwrap())
    );

    report(&first, "shop", &one(2));
    second
        .store()
        .wait_for_spans(TraceId::new(2), 1, PATIENCE)
        .unwrap();
    let counts = wait_until(&first, |counts| counts.spans_sent == 3 && counts.bytes == 0);
    assert_eq!(counts.spans_accepted, 3);
    assert_eq!(second.stats().store.spans_received, 3);
}

#[test]
fn spans_go_out_as_otlp_by_the_form_of_the_url() {
    let collector = Collector::start(&[]);
    let agent = forwarding_to(&format!("http://{}/v1/traces", collector.addr));
    report(&agent, "shop", &one(1));
    let request = collector.next();
    assert!(
        request.head.starts_with("POST /v1/traces HTTP/1.1\r\n"),
        "{}",
        request.head
    );
    assert!(
        request.head.contains("application/x-protobuf"),
        "{}",
        request.head
    );
    let read = ExportTraceServiceRequest::decode(&request.body[..]).unwrap();
    assert_eq!(read.resource_spans[0].scope_spans[0].spans[0].name, "op");
}

#[test]
fn headers_go_with_every_request_and_are_not_shown() {
    let collector = Collector::start(&["503 Service Unavailable\r\n"]);
    let url = format!("http://{}/v1/traces", collector.addr);
    let builder = Agent::builder().ephemeral_ports().forward(&url).unwrap();
    let builder = builder.forward_header("Authorization", "Bearer s3cret");
    let builder = builder.and_then(|builder| builder.forward_header("x-scope", "one"));
    let builder = builder.and_then(|builder| builder.forward_header("X-Scope", "two"));
    let builder = builder.unwrap();
    assert!(!format!("{builder:?}").contains("s3cret"), "{builder:?}");
    let agent = builder.start().unwrap();
    report(&agent, "shop", &one(1));
    for _ in 0..2 {
        let head = collector.next().head;
        for line in [
            "authorization: Bearer s3cret\r\n",
            "x-scope: one\r\n",
            "x-scope: two\r\n",
            "content-type: application/x-protobuf\r\n",
        ] {
            assert_eq!(head.matches(line).count(), 1, "{head}");
        }
    }
    wait_until(&agent, |counts| counts.spans_sent == 1);
    for path in ["/health", "/"] {
        let page = crate::client::get(agent.query_addr(), path).body;
        assert!(!page.contains("s3cret"), "{page}");
    }
}

#[test]
fn headers_that_cannot_be_sent_are_refused_and_secrets_not_repeated() {
    for (name, value, reason) in [
        (
            "s3cret key",
            "v",
            "cannot forward with such a header: expected a name like x-api-key",
        ),
        (
            "",
            "s3cret",
            "cannot forward with such a header: expected a name like x-api-key",
        ),
        (
            "Content-Type",
            "s3cret",
            "cannot forward with the header content-type: expected one that does not go by what is sent",
        ),
        (
            "Authorization",
            "s3cret\r\nHost: evil",
            "cannot forward with the header authorization: expected visible characters of ASCII",
        ),
    ] {
        let refused = Agent::builder().forward_header(name, value).unwrap_err();
        assert_eq!(refused.to_string(), reason);
    }
}

#[test]
fn a_trace_too_large_to_be_kept_is_sent_on_whole() {
    let second = start();
    let first = Agent::builder()
        .ephemeral_ports()
        .spans_per_trace(10)
        .forward(&format!("http://{}/api/traces", second.collector_addr()))
        .unwrap()
        .start()
        .unwrap();
    let spans: Vec<_> = (1..=25).map(|id| Span::new(1, id, 0, "op", 1, 1)).collect();
    send(first.binary_addr(), &message("shop", &spans, None));
    second
        .store()
        .wait_for_spans(TraceId::new(1), 25, PATIENCE)
        .unwrap();
    assert_eq!(first.stats().store.spans_refused, 15);
}

#[test]
fn a_collector_that_comes_later_gets_what_came_before() {
    let place = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = place.local_addr().unwrap().port();
    drop(place);
    let agent = forwarding_to(&format!("http://127.0.0.1:{port}/api/traces"));
    report(&agent, "shop", &one(1));
    wait_until(&agent, |counts| counts.retries > 0);
    let builder = Agent::builder().ephemeral_ports().collector_port(port);
    let collector = builder.start().unwrap();
    collector
        .store()
        .wait_for_spans(TraceId::new(1), 1, PATIENCE)
        .unwrap();
    let counts = wait_until(&agent, |counts| counts.spans_sent == 1);
    assert_eq!((counts.spans_waiting, counts.spans_dropped), (0, 0));
}

#[test]
fn a_busy_collector_is_asked_again_when_it_says() {
    let collector = Collector::start(&[
        "503 Service Unavailable\r\nRetry-After: 1\r\n",
        "429 Too Many Requests\r\nRetry-After: 0\r\n",
        "502 Bad Gateway\r\n",
        "504 Gateway Timeout\r\nRetry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
    ]);
    let agent = forwarding_to(&format!("http://{}/v1/traces", collector.addr));
    report(&agent, "shop", &one(1));
    let first = collector.next();
    let begun = Instant::now();
    assert_eq!(collector.next().body, first.body);
    assert!(
        begun.elapsed() > Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
    for _ in 0..3 {
        assert_eq!(collector.next().body, first.body);
    }
    let counts = wait_until(&agent, |counts| counts.spans_sent == 1);
    assert_eq!((counts.retries, counts.spans_refused), (4, 0));
}

#[test]
fn what_is_refused_is_not_sent_again() {
    let collector = Collector::start(&[
        "400 Bad Request\r\n",
        "500 Internal Server Error\r\n",
        "302 Found\r\nLocation: /\r\n",
    ]);
    let agent = forwarding_to(&format!("http://{}/v1/traces", collector.addr));
    for trace in 1..=4 {
        report(&agent, "shop", &one(trace));
        collector.next();
    }
    let counts = wait_until(&agent, |counts| counts.spans_sent == 1);
    assert_eq!((counts.spans_refused, counts.retries), (3, 0));
    let page = crate::client::get(agent.query_addr(), "/").body;
    assert!(
        page.contains("spans that could not be forwarded: 3."),
        "{page}"
    );
}

#[test]
fn a_silent_collector_neither_slows_receiving_nor_fills_the_memory_nor_holds_the_end_up() {
    // Connections are made by the kernel, and nobody reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let agent = Agent::builder()
        .ephemeral_ports()
        .forward(&format!(
            "http://{}/v1/traces",
            silent.local_addr().unwrap()
        ))
        .unwrap()
        .forward_queue(20_000)
        .start()
        .unwrap();
    let begun = Instant::now();
    for trace in 1..=200 {
        report(&agent, "shop", &one(trace));
    }
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "it waited for the collector"
    );
    let counts = wait_until(&agent, |counts| counts.spans_accepted == 200);
    assert!(
        counts.spans_dropped > 0 && counts.spans_waiting > 0,
        "{counts:?}"
    );
    assert!(counts.bytes <= counts.bytes_limit, "{counts:?}");
    assert_eq!(counts.spans_sent, 0);
    let begun = Instant::now();
    agent.shutdown();
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn the_end_sends_what_has_arrived() {
    let second = start();
    let first = forwarding_to(&format!("http://{}/api/traces", second.collector_addr()));
    for trace in 1..=50 {
        report(&first, "shop", &one(trace));
    }
    first.shutdown();
    // No waiting: it has been taken.
    assert_eq!(second.stats().store.spans_received, 50);
}

#[test]
fn an_agent_does_not_send_to_itself() {
    let port = start().collector_addr().port();
    let agent = Agent::builder()
        .ephemeral_ports()
        .collector_port(port)
        .forward(&format!("http://localhost:{port}/api/traces"))
        .unwrap();
    assert_eq!(
        agent.start().unwrap_err().to_string(),
        format!("cannot forward to http://localhost:{port}/api/traces: that is this agent")
    );
}

#[test]
fn agents_that_send_to_each_other_come_to_an_end() {
    let place = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = place.local_addr().unwrap().port();
    drop(place);
    let one = forwarding_to(&format!("http://127.0.0.1:{port}/api/traces"));
    let other = Agent::builder()
        .ephemeral_ports()
        .collector_port(port)
        .forward(&format!("http://{}/api/traces", one.collector_addr()))
        .unwrap()
        .start()
        .unwrap();
    report(&one, "shop", &[Span::new(1, 1, 0, "op", 1, 1)]);
    wait_until(&other, |counts| counts.spans_sent == 1);
    // It came back, and goes nowhere from there.
    assert_eq!(one.stats().store.spans_repeated, 1);
    assert_eq!(counts(&one).spans_accepted, 1);
}

#[test]
fn the_log_has_the_beginning_of_losses_and_their_end() {
    let collector = Collector::start(&["400 Bad Request\r\n", "400 Bad Request\r\n"]);
    let url = format!("http://{}/v1/traces", collector.addr);
    let mut agent = Command::new(env!("CARGO_BIN_EXE_tracer-agent"))
        .args(["--ephemeral-ports", "--forward", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(agent.stdout.take().unwrap()).lines();
    let lines: Vec<_> = lines.map(Result::unwrap).take(7).collect();
    assert!(
        lines.contains(&format!("  forwarding to            {url}")),
        "{lines:?}"
    );
    let binary = lines
        .iter()
        .find(|line| line.contains("Thrift binary"))
        .unwrap();
    let binary = binary.rsplit(' ').next().unwrap().parse().unwrap();
    for trace in 1..=3 {
        send(binary, &message("shop", &one(trace), None));
        collector.next();
    }
    let errors = BufReader::new(agent.stderr.take().unwrap()).lines();
    let errors: Vec<_> = errors.map(Result::unwrap).take(2).collect();
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert_eq!(
        errors,
        [
            format!(
                "tracer-agent: warn: forwarding to {url} loses spans: it answers 400 Bad Request: \"{{}}\"; they are only counted from now on"
            ),
            format!("tracer-agent: info: forwarding to {url} works again; 2 spans were lost"),
        ]
    );
}
