//! A process with a UDP socket that counts what arrives, so that receiving is on nobody's account.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use socket2::SockRef;

use crate::affinity;
use crate::work::MARK;

/// What has arrived at the socket.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Arrived {
    /// Datagrams.
    pub(crate) datagrams: u64,
    /// Their payload.
    pub(crate) bytes: u64,
    /// Spans in them, counted by the mark in their operation names.
    pub(crate) spans: u64,
    /// Spans in the fullest datagram.
    pub(crate) fullest: u64,
}

/// The process, from outside. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    answers: BufReader<ChildStdout>,
    // Closing it tells the process to end, so it is dropped before the process is waited for.
    questions: Option<ChildStdin>,
    process: Child,
}

impl Sink {
    /// Starts the process on the caller's core, for rows whose caller waits while the background sends, and waits until its socket is open.
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        Self::start_on("caller")
    }

    /// The same on the background's core, for rows whose caller never waits.
    pub(crate) fn start_aside() -> Result<Self, Box<dyn Error>> {
        Self::start_on("background")
    }

    fn start_on(core: &str) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["sink", core])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().ok_or("the sink has no output")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        Ok(Self {
            address: line.trim().parse()?,
            answers,
            questions,
            process,
        })
    }

    /// Where to send to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has arrived so far.
    pub(crate) fn arrived(&mut self) -> Result<Arrived, Box<dyn Error>> {
        let questions = self.questions.as_mut().ok_or("the sink has no input")?;
        questions.write_all(b"?\n")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Waits until `spans` have arrived in all, or until nothing more comes.
    pub(crate) fn wait(&mut self, spans: u64) -> Result<Arrived, Box<dyn Error>> {
        let mut last = self.arrived()?;
        let mut changed = Instant::now();
        while last.spans < spans && changed.elapsed() < Duration::from_millis(50) {
            std::thread::sleep(Duration::from_micros(200));
            let now = self.arrived()?;
            if now.datagrams != last.datagrams {
                changed = Instant::now();
            }
            last = now;
        }
        Ok(last)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.process.wait();
    }
}

/// The process itself: prints its address, then an [`Arrived`] for each line it reads, and ends when there are no more.
pub(crate) fn serve(core: &str) -> Result<(), Box<dyn Error>> {
    match core {
        "caller" => affinity::caller(),
        _ => affinity::background(),
    }
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    SockRef::from(&socket).set_recv_buffer_size(8 << 20)?;
    println!("{}", socket.local_addr()?);
    let arrived = Arc::new(Mutex::new(Arrived::default()));
    let counted = Arc::clone(&arrived);
    std::thread::spawn(move || {
        let mut datagram = vec![0; 65_536];
        while let Ok(bytes) = socket.recv(&mut datagram) {
            let spans = memchr::memmem::find_iter(&datagram[..bytes], MARK).count() as u64;
            let mut arrived = counted.lock().unwrap_or_else(PoisonError::into_inner);
            arrived.datagrams += 1;
            arrived.bytes += bytes as u64;
            arrived.spans += spans;
            arrived.fullest = arrived.fullest.max(spans);
        }
    });
    for line in std::io::stdin().lock().lines() {
        line?;
        println!(
            "{}",
            serde_json::to_string(&*arrived.lock().unwrap_or_else(PoisonError::into_inner))?
        );
    }
    Ok(())
}
