//! A network in memory, where everything that can go wrong does.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::super::UdpReporter;
use crate::report::peer::Target;
use crate::report::socket::{Network, Socket};

/// A network in memory.
#[derive(Debug, Default)]
pub(super) struct Net(Mutex<State>, pub(super) Condvar);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) passed: Duration,
    pub(super) began: Option<Instant>,
    pub(super) names: HashMap<String, Vec<SocketAddr>>,
    pub(super) listening: HashSet<SocketAddr>,
    /// Errors that the next sends meet.
    pub(super) faults: VecDeque<i32>,
    pub(super) arrived: Vec<(SocketAddr, Vec<u8>)>,
    pub(super) connects: usize,
    pub(super) lookups: usize,
    /// Whether the resolver hangs.
    pub(super) hung: bool,
}

#[derive(Debug)]
struct Wire {
    net: Arc<Net>,
    to: SocketAddr,
    /// News of a refusal.
    refused: Mutex<bool>,
}

impl Net {
    pub(super) fn new(listening: &[&str]) -> Arc<Self> {
        let net = Arc::new(Self::default());
        net.state().began = Some(Instant::now());
        net.state().listening = listening
            .iter()
            .map(|address| address.parse().unwrap())
            .collect();
        net
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn reporter(self: &Arc<Self>, to: &str) -> UdpReporter {
        UdpReporter::over(
            Arc::new(Shared(Arc::clone(self))),
            Target::parse(to).unwrap(),
        )
    }
}

#[derive(Debug)]
struct Shared(Arc<Net>);

impl Network for Shared {
    fn resolve(&self, host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        let mut state = self.0.state();
        state.lookups += 1;
        self.0.1.notify_all();
        let state = self.0.1.wait_while(state, |state| state.hung).unwrap();
        state
            .names
            .get(host)
            .cloned()
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn connect(&self, to: SocketAddr) -> io::Result<Box<dyn Socket>> {
        self.0.state().connects += 1;
        Ok(Box::new(Wire {
            net: Arc::clone(&self.0),
            to,
            refused: Mutex::new(false),
        }))
    }

    fn now(&self) -> Instant {
        let state = self.0.state();
        state.began.unwrap() + state.passed
    }
}

impl Socket for Wire {
    fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut *self.refused.lock().unwrap()) {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        let mut state = self.net.state();
        if let Some(fault) = state.faults.pop_front() {
            return Err(io::Error::from_raw_os_error(fault));
        }
        if state.listening.contains(&self.to) {
            state.arrived.push((self.to, datagram.to_vec()));
        } else {
            *self.refused.lock().unwrap() = true;
        }
        Ok(datagram.len())
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        let refused = std::mem::take(&mut *self.refused.lock().unwrap());
        Ok(refused.then(|| ErrorKind::ConnectionRefused.into()))
    }
}
