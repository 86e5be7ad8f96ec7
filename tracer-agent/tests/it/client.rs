//! A client of the agent: datagrams out, HTTP by hand so that tests choose every header.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use serde_json::Value;
use tracer_agent::{Agent, TraceId};

use crate::datagram::{Span, message};

/// Long enough for a loaded machine; nothing waits this long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn start() -> Agent {
    Agent::builder().ephemeral_ports().start().unwrap()
}

pub(crate) fn send(to: SocketAddr, datagram: &[u8]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(socket.send_to(datagram, to).unwrap(), datagram.len());
}

/// Sends the spans of one service and waits until all of their traces have them.
pub(crate) fn report(agent: &Agent, service: &str, spans: &[Span]) {
    let store = agent.store();
    let count = |id: u128| store.trace(TraceId::new(id)).map_or(0, |trace| trace.len());
    let mut awaited: Vec<(u128, usize)> = Vec::new();
    for span in spans {
        match awaited.iter_mut().find(|(id, _)| *id == span.trace) {
            Some((_, count)) => *count += 1,
            None => awaited.push((span.trace, count(span.trace) + 1)),
        }
    }
    send(agent.binary_addr(), &message(service, spans, None));
    for (id, count) in awaited {
        store
            .wait_for_spans(TraceId::new(id), count, PATIENCE)
            .unwrap();
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

pub(crate) fn get(addr: SocketAddr, path: &str) -> Answer {
    request(addr, "GET", path, &[("Host", "localhost")], b"")
}

pub(crate) fn request(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses a body may close before it has all.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let body = match head.contains("transfer-encoding: chunked") {
        true => unchunked(body),
        false => body.to_owned(),
    };
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body,
    }
}

/// The text of a body that is sent in pieces, each behind its length.
fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n").unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        text.push_str(&rest[..length]);
        body = rest[length..].strip_prefix("\r\n").unwrap();
        if length == 0 {
            return text;
        }
    }
}
