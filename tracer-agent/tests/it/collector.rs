//! The HTTP collector: what it takes, and what it does not hold.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use tracer_agent::TraceId;

use crate::client::{PATIENCE, request, start};
use crate::datagram::{Span, body};

#[test]
fn collector_takes_a_batch_over_http() {
    let agent = start();
    let addr = agent.collector_addr();
    let batch = body("web", &[Span::new(5, 6, 0, "posted", 10, 20)]);
    let post = |kind: &str, body: &[u8]| {
        request(
            addr,
            "POST",
            "/api/traces?format=jaeger.thrift",
            &[("Host", "localhost"), ("Content-Type", kind)],
            body,
        )
    };
    assert_eq!(post("application/x-thrift", &batch).status, 202);
    assert_eq!(
        post("application/vnd.apache.thrift.binary; charset=x", &batch).status,
        202
    );
    assert_eq!(agent.store().trace(TraceId::new(5)).unwrap().len(), 1);

    let answer = post("application/json", b"{}");
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .body
            .starts_with("content type \"application/json\" is not supported"),
        "{}",
        answer.body
    );
    let answer = post("application/x-thrift", &batch[..20]);
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.starts_with("not a Thrift binary Batch: "),
        "{}",
        answer.body
    );
    assert_eq!(post("application/x-thrift", &vec![0; 9 << 20]).status, 413);
    assert_eq!(
        request(addr, "GET", "/api/traces", &[("Host", "localhost")], b"").status,
        405
    );
    let http = agent.stats().received.http;
    assert_eq!((http.ok, http.refused()), (2, 1));
}

#[test]
fn nothing_is_decompressed() {
    let agent = start();
    let headers = [
        ("Host", "localhost"),
        ("Content-Type", "application/x-thrift"),
        ("Content-Encoding", "gzip"),
    ];
    let answer = request(agent.collector_addr(), "POST", "/api/traces", &headers, b"");
    let expected = "content encoding \"gzip\" is not supported: send the batch uncompressed\n";
    assert_eq!((answer.status, answer.body.as_str()), (415, expected));
}

/// Begins to post: the head, with the header that says how long the body is, and so much of the body.
fn begin(addr: SocketAddr, length: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /api/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-thrift\r\n{length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses a body may close before it has all.
    let _ = stream.write_all(body);
    stream
}

fn status(mut stream: &TcpStream) -> String {
    let mut line = [0; 12];
    let _ = stream.read_exact(&mut line);
    String::from_utf8_lossy(&line).into_owned()
}

#[test]
fn a_body_that_does_not_tell_its_length_has_the_same_bound() {
    let agent = start();
    let endless = [b"a00000\r\n".as_slice(), &vec![0; 9 << 20]].concat();
    let stream = begin(
        agent.collector_addr(),
        "Transfer-Encoding: chunked",
        &endless,
    );
    assert_eq!(status(&stream), "HTTP/1.1 413");
}

#[test]
fn a_body_that_stops_coming_gives_its_room_back() {
    let agent = start();
    let stalled = vec![0; (8 << 20) - 8];
    let stream = begin(agent.collector_addr(), "Content-Length: 8388608", &stalled);
    assert_eq!(status(&stream), "HTTP/1.1 408");
    let next = begin(agent.collector_addr(), "Content-Length: 1", b"\0");
    assert_eq!(status(&next), "HTTP/1.1 400");
}

#[test]
fn bodies_being_read_are_bounded_in_all() {
    let agent = start();
    let part = vec![0; 7 << 20];
    let begin = |length: usize| {
        let length = format!("Content-Length: {length}");
        begin(agent.collector_addr(), &length, &part)
    };
    let deadline = Instant::now() + PATIENCE;
    let wait = || {
        assert!(Instant::now() < deadline, "no answer");
        thread::yield_now();
    };

    let begun = [(); 2].map(|()| begin(part.len() + 1));
    let answered = |stream: &&TcpStream| {
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0]).is_ok()
    };
    let refused = loop {
        match begun.iter().find(answered) {
            Some(refused) => break refused,
            None => wait(),
        }
    };
    assert_eq!(status(refused), "HTTP/1.1 503");
    assert_eq!(agent.stats().received.http.overflowed, 1);

    // Who leaves gives its room back.
    drop(begun);
    while status(&begin(part.len())) == "HTTP/1.1 503" {
        wait();
    }
    assert_eq!(agent.stats().received.http.missing_field, 1);
}

#[test]
fn a_client_of_another_protocol_is_told_so() {
    let agent = start();
    let headers = [("Host", "localhost"), ("Content-Type", "application/json")];
    let answer = request(
        agent.collector_addr(),
        "POST",
        "/v1/traces",
        &headers,
        b"{}",
    );
    assert!(
        answer.status == 404 && answer.body.contains("OTLP"),
        "{answer:?}"
    );
}
