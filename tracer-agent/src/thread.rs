//! The agent's own threads: named, some with a runtime of their own, joined within a bound.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime;

/// Threads of a runtime for work that takes its time: so many answers are written at once.
const MAX_BLOCKING: usize = 4;

/// A running thread of the agent.
#[derive(Debug)]
pub(crate) struct Thread {
    handle: thread::JoinHandle<()>,
    /// Disconnected at the end of the thread: a join with a deadline, which the standard library lacks.
    finished: mpsc::Receiver<()>,
}

impl Thread {
    /// Starts a thread. Names longer than 15 bytes are cut by Linux.
    pub(crate) fn start(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (done, finished) = mpsc::channel();
        let body = move || {
            body();
            drop(done);
        };
        let handle = thread::Builder::new().name(name.into()).spawn(body)?;
        Ok(Self { handle, finished })
    }

    /// Starts a thread that runs a future on a runtime of its own, and returns when the runtime is there. The future is
    /// made on the thread: it never has to move.
    pub(crate) fn start_async<F: Future>(
        name: &str,
        make: impl FnOnce() -> F + Send + 'static,
    ) -> io::Result<Self> {
        let (ready, started) = mpsc::channel();
        let body = move || {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(MAX_BLOCKING)
                .build();
            match runtime {
                Ok(runtime) => {
                    drop(ready.send(Ok(())));
                    runtime.block_on(make());
                    runtime.shutdown_timeout(Duration::from_millis(200));
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        let thread = Self::start(name, body)?;
        started
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("it ended at once")))?;
        Ok(thread)
    }

    /// Waits for the end of the thread until `deadline`; returns whether it came.
    pub(crate) fn join(self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let ended = self.finished.recv_timeout(left) != Err(mpsc::RecvTimeoutError::Timeout);
        if ended {
            // A panic of the thread has been printed by the hook already.
            drop(self.handle.join());
        }
        ended
    }
}
