//! Real ways from a reporter to a decoder: sockets on the loopback interface.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tracer_agent::{Batch, receive};
use tracer_core::{HttpReporter, Process, Reporter, SpanRecord, UdpReporter};

/// Long enough for a loaded machine; nothing waits this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A reporter and what it sends to.
pub(crate) struct Link {
    reporter: Box<dyn Reporter>,
    receive: Box<dyn FnMut() -> Batch>,
}

impl Link {
    /// Thrift compact over UDP, in datagrams of at most that length.
    pub(crate) fn udp(limit: usize) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("it is a time");
        let address = socket.local_addr().expect("it is bound").to_string();
        let mut datagram = vec![0; 65_536];
        let receive = move || {
            let len = socket.recv(&mut datagram).expect("a datagram comes");
            assert!(len <= limit, "{len} bytes where {limit} are allowed");
            receive::decode_compact(&datagram[..len]).expect("what was encoded is decoded")
        };
        let reporter = UdpReporter::to(&address)
            .expect("it is an address")
            .max_packet_size(limit);
        Self {
            reporter: Box::new(reporter),
            receive: Box::new(receive),
        }
    }

    /// Thrift binary over HTTP, in bodies of at most that length.
    pub(crate) fn http(limit: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (sender, bodies) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, |body| sender.send(body).is_ok());
            }
        });
        let receive = move || {
            let bodies: &Receiver<Vec<u8>> = &bodies;
            let body = bodies.recv_timeout(PATIENCE).expect("a body comes");
            assert!(
                body.len() <= limit,
                "{} bytes where {limit} are allowed",
                body.len()
            );
            receive::decode_batch_binary(&body).expect("what was encoded is decoded")
        };
        let reporter =
            HttpReporter::to(format!("http://{address}/api/traces")).expect("it is a URL");
        Self {
            reporter: Box::new(reporter.max_batch_size(limit).timeout(PATIENCE)),
            receive: Box::new(receive),
        }
    }

    /// Reports spans, and gives the batches that arrive of them.
    pub(crate) fn pass(&mut self, process: &Process, records: &[SpanRecord]) -> Vec<Batch> {
        self.reporter
            .report(process, records)
            .expect("nothing is lost");
        self.reporter.flush().expect("nothing is lost");
        let (mut batches, mut spans) = (Vec::new(), 0);
        while spans < records.len() {
            let batch = (self.receive)();
            assert!(!batch.spans.is_empty(), "an empty message");
            spans += batch.spans.len();
            batches.push(batch);
        }
        batches
    }
}

/// A collector: takes every body and accepts it, until the connection ends or nobody takes the bodies.
fn serve(mut stream: TcpStream, take: impl Fn(Vec<u8>) -> bool) {
    let Ok(mut input) = stream.try_clone().map(BufReader::new) else {
        return;
    };
    let (mut line, mut length) = (String::new(), 0);
    while matches!(input.read_line(&mut line), Ok(1..)) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line == "\r\n" {
            let mut body = vec![0; length];
            let read = input.read_exact(&mut body).is_ok();
            if !read
                || !take(body)
                || stream
                    .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                    .is_err()
            {
                return;
            }
        }
        line.clear();
    }
}
