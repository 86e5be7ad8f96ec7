//! The reporter against a server on a socket, well-behaved and not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use super::*;
use crate::wire::reading::{self, Value};
use crate::wire::sample::{process, usual};

struct Request {
    head: String,
    body: Vec<u8>,
    connection: usize,
}

/// Reads a request; `None` when the other side has gone.
fn read_request(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?
        .parse()
        .ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        head,
        body,
        connection,
    })
}

/// A server that answers each request by `answer`, and the requests it got.
fn serve(
    answer: impl Fn(&mut TcpStream) + Send + Sync + 'static,
) -> (SocketAddr, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, received) = mpsc::channel();
    thread::spawn(move || {
        for (connection, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while let Some(request) = read_request(&mut reader, connection) {
                if requests.send(request).is_err() {
                    return;
                }
                answer(&mut stream);
            }
        }
    });
    (address, received)
}

fn accept(stream: &mut TcpStream) {
    stream
        .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
}

fn send(reporter: &mut HttpReporter, spans: u64) -> Result<(), ReportError> {
    let spans: Vec<_> = (1..=spans).map(usual).collect();
    reporter.report(&process("svc"), &spans)?;
    reporter.flush()
}

fn spans_in(request: &Request) -> usize {
    reading::batch::<Binary>(&request.body, Framing::Bare)
        .field(2)
        .unwrap()
        .list()
        .len()
}

#[test]
fn a_batch_is_a_post_of_bare_binary_thrift() {
    let (address, requests) = serve(accept);
    let mut reporter = HttpReporter::to(format!("http://{address}")).unwrap();
    send(&mut reporter, 3).unwrap();
    send(&mut reporter, 2).unwrap();
    let [first, second] = [requests.recv().unwrap(), requests.recv().unwrap()];
    let head = first.head.to_lowercase();
    assert!(head.starts_with("post /api/traces http/1.1\r\n"), "{head}");
    assert!(
        head.contains("\r\ncontent-type: application/x-thrift\r\n"),
        "{head}"
    );
    assert!(!head.contains("authorization"), "{head}");
    assert_eq!((spans_in(&first), spans_in(&second)), (3, 2));
    let sequence = |request: &Request| {
        reading::batch::<Binary>(&request.body, Framing::Bare)
            .field(3)
            .map(Value::i64)
    };
    assert_eq!((sequence(&first), sequence(&second)), (Some(1), Some(2)));
    assert_eq!(second.connection, 0, "the connection is used again");
}

#[test]
fn a_path_and_query_are_kept() {
    let (address, requests) = serve(accept);
    let url = format!("http://{address}/x/api/traces?format=jaeger.thrift");
    send(&mut HttpReporter::to(url).unwrap(), 1).unwrap();
    let head = requests.recv().unwrap().head;
    assert!(
        head.starts_with("POST /x/api/traces?format=jaeger.thrift HTTP/1.1\r\n"),
        "{head}"
    );
}

#[test]
fn credentials_go_in_a_header_and_nowhere_else() {
    let (address, requests) = serve(accept);
    let plain = || HttpReporter::to(format!("http://{address}")).unwrap();
    let basic = plain().basic_auth("Aladdin", "open sesame").unwrap();
    let bearer = plain().bearer_auth("open.sesame").unwrap();
    for (mut reporter, header) in [
        (
            basic,
            "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n",
        ),
        (bearer, "authorization: Bearer open.sesame\r\n"),
    ] {
        let debug = format!("{reporter:?}");
        assert!(
            !debug.contains("sesame") && !debug.contains("QWxhZ"),
            "{debug}"
        );
        send(&mut reporter, 1).unwrap();
        let head = requests.recv().unwrap().head;
        assert!(head.contains(header), "{head}");
    }
    for error in [
        plain().basic_auth("a:b", "sesame").unwrap_err(),
        plain().bearer_auth("sesame\r\nX: y").unwrap_err(),
        HttpReporter::to("http://user:sesame@collector:14268").unwrap_err(),
    ] {
        assert!(!error.to_string().contains("sesame"), "{error}");
    }
}

#[test]
fn batches_are_bounded_in_bytes() {
    let (address, requests) = serve(accept);
    let mut reporter = HttpReporter::to(format!("http://{address}"))
        .unwrap()
        .max_batch_size(20_000);
    send(&mut reporter, 500).unwrap();
    drop(reporter);
    let mut spans = 0;
    while spans < 500 {
        let request = requests.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(request.body.len() <= 20_000, "{}", request.body.len());
        spans += spans_in(&request);
    }
    assert_eq!(spans, 500);
}

#[test]
fn an_error_of_the_collector_is_a_refusal_and_says_why() {
    for status in ["302 Found", "400 Bad Request", "503 Service Unavailable"] {
        let (address, _requests) = serve(move |stream| {
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: 13\r\n\r\nno \x1b[31m room"
            )
            .unwrap();
        });
        let mut reporter = HttpReporter::to(format!("http://{address}")).unwrap();
        let error = send(&mut reporter, 3).unwrap_err();
        assert_eq!((error.lost(), error.cause()), (3, LossCause::Refused));
        let text = error.to_string();
        assert!(
            text.contains(&status[..3]) && text.contains("no \\u{1b}[31m room"),
            "{text}"
        );
    }
}

#[test]
fn that_nobody_listens_is_a_refusal_until_somebody_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut reporter = HttpReporter::to(format!("http://{address}")).unwrap();
    let error = send(&mut reporter, 3).unwrap_err();
    assert_eq!(
        (error.lost(), error.cause()),
        (3, LossCause::Refused),
        "{error}"
    );
    let listener = TcpListener::bind(address).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut BufReader::new(stream.try_clone().unwrap()), 0).unwrap();
        accept(&mut stream);
        spans_in(&request)
    });
    send(&mut reporter, 2).unwrap();
    assert_eq!(server.join().unwrap(), 2);
}

#[test]
fn a_collector_that_stalls_costs_the_timeout_and_no_more() {
    let (address, _requests) = serve(|_| {});
    let mut reporter = HttpReporter::to(format!("http://{address}"))
        .unwrap()
        .timeout(Duration::from_millis(100));
    let began = Instant::now();
    let error = send(&mut reporter, 3).unwrap_err();
    assert_eq!((error.lost(), error.cause()), (3, LossCause::Io), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_timeout_may_be_as_long_as_can_be() {
    let (address, _requests) = serve(accept);
    let reporter = HttpReporter::to(format!("http://{address}")).unwrap();
    send(&mut reporter.timeout(Duration::MAX), 3).unwrap();
}

#[test]
fn a_reply_without_end_is_not_read_to_its_end() {
    let (written, total) = mpsc::channel();
    let (address, _requests) = serve(move |stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            .unwrap();
        let mut sent = 0;
        while sent < 1_000_000_000 && stream.write_all(&[b'x'; 65_536]).is_ok() {
            sent += 65_536;
        }
        written.send(sent).unwrap();
    });
    let mut reporter = HttpReporter::to(format!("http://{address}")).unwrap();
    send(&mut reporter, 3).unwrap();
    let sent = total.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(
        sent < 50_000_000,
        "{sent} bytes: what the system's buffers hold, and no gigabyte"
    );
}

#[test]
fn urls_are_read_strictly() {
    for wrong in [
        "",
        "collector:14268",
        "/api/traces",
        "ftp://collector/",
        "http://",
        "http://a b/",
        "http://collector:99999/",
        "http://collector:0/",
        "http://[::1]:142680/",
    ] {
        let error = HttpReporter::to(wrong).unwrap_err().to_string();
        assert!(
            error.contains("URL") && error.contains(&format!("{wrong:?}")),
            "{error}"
        );
    }
    let https = HttpReporter::to("https://collector:14268/api/traces");
    assert_eq!(https.is_ok(), cfg!(feature = "tls"));
    if let Err(error) = https {
        assert!(error.to_string().contains("`tls`"), "{error}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn over_https_nothing_goes_in_the_clear_and_a_failed_handshake_is_a_loss() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The head of a record of TLS, and what it says of its length.
        let mut hello = vec![0; 5];
        stream.read_exact(&mut hello).unwrap();
        let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
        hello.resize(5 + length, 0);
        stream.read_exact(&mut hello[5..]).unwrap();
        // A fatal alert: handshake_failure.
        stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).unwrap();
        hello
    });
    let reporter = HttpReporter::to(format!("https://{address}")).unwrap();
    let mut reporter = reporter.bearer_auth("secret").unwrap();
    let error = send(&mut reporter, 3).unwrap_err();
    assert_eq!((error.cause(), error.lost()), (LossCause::Io, 3), "{error}");
    let hello = server.join().unwrap();
    assert_eq!((hello[0], hello[5]), (22, 1), "a handshake, a hello");
    let clear = |text: &[u8]| hello.windows(text.len()).any(|at| at == text);
    assert!(!clear(b"secret") && !clear(b"svc") && !clear(b"POST"));
}
