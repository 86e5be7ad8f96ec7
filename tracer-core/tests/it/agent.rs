//! The side of an agent that answers questions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// An agent that gives one answer to all that is asked, and remembers the last question.
pub(crate) struct Agent {
    address: SocketAddr,
    answer: Arc<Mutex<String>>,
    asked: Arc<Mutex<String>>,
}

impl Agent {
    pub(crate) fn new(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let agent = Self {
            address: listener.local_addr().unwrap(),
            answer: Arc::new(Mutex::new(answer.to_owned())),
            asked: Arc::default(),
        };
        let (answer, asked) = (Arc::clone(&agent.answer), Arc::clone(&agent.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &answer.lock().unwrap(), &asked);
            }
        });
        agent
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn answer(&self, answer: &str) {
        *self.answer.lock().unwrap() = answer.to_owned();
    }

    pub(crate) fn asked(&self) -> String {
        self.asked.lock().unwrap().clone()
    }
}

/// Who asked may be gone: a tracer ends without waiting for an answer.
fn serve(stream: TcpStream, answer: &str, asked: &Mutex<String>) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    let mut line = String::new();
    while stream.read_line(&mut line).is_ok_and(|len| len > 2) {
        lines.push(std::mem::take(&mut line));
    }
    *asked.lock().unwrap() = lines.first().cloned().unwrap_or_default();
    let body = lines.iter().find_map(|line| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix("content-length:")?.trim().parse().ok()
    });
    let _ = stream.read_exact(&mut vec![0; body.unwrap_or(0)]);
    let len = answer.len();
    let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{answer}");
    let _ = stream.get_mut().write_all(reply.as_bytes());
}
