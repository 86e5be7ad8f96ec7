//! A small load generator: keep-alive HTTP/1.1 over blocking sockets, from a process of its own.
//!
//! One thread goes round its connections: it reads the answer of one, writes the next request to it, and goes on to the next.
//! All other connections have a request under way meanwhile, so a server on another core always has work, at two system calls a request.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::affinity;

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// The server.
    pub(crate) address: SocketAddr,
    /// Connections, all with a request under way at any time.
    pub(crate) connections: usize,
    /// How long.
    pub(crate) duration: Duration,
    /// Every how many requests the caller's `traceparent` says that its trace is sampled.
    pub(crate) sampled_every: u64,
}

/// What was answered.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// Answered requests.
    pub(crate) requests: u64,
    /// Those whose caller was sampled.
    pub(crate) sampled: u64,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// The time from request to answer that 99 of 100 requests kept, in microseconds; means something with one connection only.
    pub(crate) p99_us: f64,
}

impl Load {
    /// Runs the load in a process of its own, on the background's core.
    pub(crate) fn spawn(self) -> Result<Answered, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("load")
            .arg(self.address.to_string())
            .arg(self.connections.to_string())
            .arg(self.duration.as_millis().to_string())
            .arg(self.sampled_every.to_string())
            .stderr(std::process::Stdio::inherit());
        // A process may use the cores of the thread that starts it, and this one is the caller.
        let output = std::thread::spawn(move || {
            affinity::background();
            command.output()
        });
        let output = output
            .join()
            .map_err(|_| "the thread that starts the load panicked")??;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The four words after `load` on the command line.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Box<dyn Error>> {
        let [address, connections, millis, sampled_every] = words else {
            return Err("load takes an address, connections, milliseconds, and every how many requests is sampled".into());
        };
        Ok(Self {
            address: address.parse()?,
            connections: connections.parse()?,
            duration: Duration::from_millis(millis.parse()?),
            sampled_every: sampled_every.parse()?,
        })
    }

    /// Runs the load in this process.
    pub(crate) fn run(self) -> Result<Answered, Box<dyn Error>> {
        let mut connections = (0..self.connections)
            .map(|_| Connection::open(self.address))
            .collect::<Result<Vec<_>, _>>()?;
        let mut answered = Answered {
            requests: 0,
            sampled: 0,
            seconds: 0.0,
            p99_us: 0.0,
        };
        let mut latencies = Vec::with_capacity(1 << 20);
        let mut sent = 0;
        let start = Instant::now();
        for connection in &mut connections {
            answered.sampled += u64::from(connection.ask(sent, self.sampled_every)?);
            sent += 1;
        }
        while start.elapsed() < self.duration {
            for connection in &mut connections {
                latencies.push(connection.read_answer()?);
                answered.sampled += u64::from(connection.ask(sent, self.sampled_every)?);
                sent += 1;
            }
        }
        for connection in &mut connections {
            latencies.push(connection.read_answer()?);
        }
        answered.seconds = start.elapsed().as_secs_f64();
        answered.requests = latencies.len() as u64;
        let place = latencies.len() * 99 / 100;
        let (_, p99, _) = latencies.select_nth_unstable(place);
        answered.p99_us = p99.as_nanos() as f64 / 1e3;
        Ok(answered)
    }
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    asked: Instant,
    answer: Vec<u8>,
}

/// Where the trace id's low half and the flags stand in [`REQUEST`].
const REQUEST: &str = "GET /hello HTTP/1.1\r\nhost: bench\r\ntraceparent: 00-0af7651916cd43dd0000000000000000-b7ad6b7169203331-01\r\n\r\n";

impl Connection {
    fn open(address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self {
            stream,
            request: REQUEST.into(),
            asked: Instant::now(),
            answer: Vec::with_capacity(4096),
        })
    }

    /// Sends request `n`, with a trace id of its own, and says whether its caller is sampled.
    fn ask(&mut self, n: u64, sampled_every: u64) -> Result<bool, Box<dyn Error>> {
        let sampled = n.is_multiple_of(sampled_every);
        let id = REQUEST.find("0000000000000000").unwrap_or(0);
        let flags = REQUEST.find("-01").unwrap_or(0) + 1;
        write!(&mut self.request[id..id + 16], "{:016x}", n + 1)?;
        write!(
            &mut self.request[flags..flags + 2],
            "{:02x}",
            u8::from(sampled)
        )?;
        self.asked = Instant::now();
        self.stream.write_all(&self.request)?;
        Ok(sampled)
    }

    /// Reads one answer whole and returns how long it took.
    fn read_answer(&mut self) -> Result<Duration, Box<dyn Error>> {
        self.answer.clear();
        let mut part = [0; 4096];
        loop {
            let n = self.stream.read(&mut part)?;
            if n == 0 {
                return Err("the server closed the connection".into());
            }
            self.answer.extend_from_slice(&part[..n]);
            if let Some(length) = answer_length(&self.answer)?
                && self.answer.len() >= length
            {
                return Ok(self.asked.elapsed());
            }
        }
    }
}

/// Length of head and body together, once the head is there.
fn answer_length(answer: &[u8]) -> Result<Option<usize>, Box<dyn Error>> {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..head])?;
    if !text.starts_with("HTTP/1.1 200") {
        return Err(format!("not the answer of the work: {text}").into());
    }
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .ok_or("an answer without a length")?;
    Ok(Some(head + 4 + length.parse::<usize>()?))
}

#[cfg(test)]
mod tests {
    use super::answer_length;

    #[test]
    fn answer_is_whole_with_the_last_byte_of_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(answer_length(answer).unwrap(), Some(answer.len()));
        assert_eq!(answer_length(&answer[..20]).unwrap(), None);
    }

    #[test]
    fn answer_of_another_status_is_an_error() {
        assert!(answer_length(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
