//! Clients that take more than they may, over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{self, SocketAddr};
use std::sync::mpsc;

use axum::body::Bytes;
use axum::routing::{get, post};
use futures_util::stream;

use super::*;
use crate::thread::Thread;

/// Never reached in a test that passes.
const PATIENCE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_millis(20);
const LIMITS: Limits = Limits {
    connections: 1,
    head: PATIENCE,
    request: PATIENCE,
    connection: PATIENCE,
    linger: SOON,
};

/// A server that ends with its test.
struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<Thread>,
}

impl Server {
    fn start(limits: Limits, router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let serve = move || serve_within(limits, listener, router, stopped);
        let thread = Thread::start_async("test-http", serve).unwrap();
        Self {
            addr,
            stop,
            thread: Some(thread),
        }
    }

    /// Connects and says something.
    fn say(&self, text: &str) -> net::TcpStream {
        let mut stream = net::TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let ended = self.thread.take().unwrap();
        assert!(ended.join(std::time::Instant::now() + PATIENCE));
    }
}

/// All that comes until the connection is closed.
fn rest(mut stream: net::TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

const GET: &str = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";

#[test]
fn a_head_that_does_not_end_is_not_waited_for() {
    let limits = Limits {
        head: SOON,
        ..LIMITS
    };
    let server = Server::start(limits, hello());
    for begun in ["", "GET / HTTP/1.1\r\nX: "] {
        assert!(!rest(server.say(begun)).contains("200 OK"));
    }
}

#[test]
fn a_connection_beyond_the_cap_is_served_when_there_is_a_place() {
    let limits = Limits {
        head: SOON,
        ..LIMITS
    };
    let server = Server::start(limits, hello());
    let idle: Vec<_> = (0..8).map(|_| server.say("")).collect();
    assert!(rest(server.say(GET)).ends_with("hello"));
    drop(idle);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let limits = Limits {
        request: SOON,
        ..LIMITS
    };
    let server = Server::start(
        limits,
        Router::new().route("/", post(async |_: Bytes| "hello")),
    );
    let answer = rest(server.say("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell"));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\nthe request took too long\n"),
        "{answer}"
    );
}

#[test]
fn who_is_refused_in_the_middle_of_a_body_can_send_the_rest_and_reads_the_answer() {
    let limits = Limits {
        linger: PATIENCE,
        ..LIMITS
    };
    let refuse = async || (StatusCode::SERVICE_UNAVAILABLE, "later");
    let server = Server::start(limits, Router::new().route("/", post(refuse)));
    let mut stream = server.say("POST / HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n");
    // More than the kernel would keep for a reader.
    stream.write_all(&vec![b'x'; 8_000_000]).unwrap();
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.ends_with("later"), "{answer}");
}

#[test]
fn who_sends_without_end_after_the_last_answer_is_cut_off() {
    let server = Server::start(LIMITS, hello());
    let mut endless = server.say("POST / HTTP/1.1\r\nContent-Length: 8000000000\r\n\r\n");
    while endless.write_all(&[b'x'; 4096]).is_ok() {}
    assert!(
        rest(server.say(GET)).ends_with("hello"),
        "the place is free"
    );
}

#[test]
fn who_says_that_nothing_more_comes_is_answered() {
    let server = Server::start(LIMITS, hello());
    let stream = server.say(&"GET / HTTP/1.1\r\n\r\n".repeat(2));
    stream.shutdown(Shutdown::Write).unwrap();
    let answers = rest(stream);
    assert_eq!(answers.matches("hello").count(), 2, "{answers}");
}

#[test]
fn an_old_connection_is_closed_between_two_requests() {
    let limits = Limits {
        connection: SOON,
        ..LIMITS
    };
    let server = Server::start(limits, hello());
    let answer = rest(server.say("GET / HTTP/1.1\r\n\r\n"));
    assert!(answer.ends_with("hello"), "{answer}");
}

#[test]
fn a_reader_that_does_not_read_loses_its_place() {
    let (dropped, ended) = mpsc::channel::<()>();
    let endless = move || {
        let kept = dropped.clone();
        let pieces = stream::repeat_with(move || {
            let _ = &kept;
            Ok::<_, Infallible>(Bytes::from_static(&[b' '; 4096]))
        });
        async move { Body::from_stream(pieces) }
    };
    let limits = Limits {
        request: SOON,
        connection: SOON,
        ..LIMITS
    };
    let server = Server::start(limits, hello().route("/endless", get(endless)));
    let unread = server.say("GET /endless HTTP/1.1\r\n\r\n");
    assert!(
        rest(server.say(GET)).ends_with("hello"),
        "the place is free"
    );
    drop((unread, server));
    assert_eq!(
        ended.recv_timeout(PATIENCE),
        Err(mpsc::RecvTimeoutError::Disconnected)
    );
}
