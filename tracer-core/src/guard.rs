//! The guard of an installed tracer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::FlushError;
use crate::tracer::Tracer;

/// How long dropping the guard may wait for the reporter thread.
const DROP_DEADLINE: Duration = Duration::from_secs(5);

/// Sends what is left when it is dropped: keep it until the end of `main`.
///
/// A signal ends a process without the end of `main`, and so do `exit` and a panic with `panic = "abort"`: what was finished
/// since the last flush is lost with them. Services wait for the signals they are stopped by, and let `main` return:
///
/// ```no_run
/// # #[cfg(not(unix))] fn main() {}
/// # #[cfg(unix)]
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let _guard = tracer_core::Tracer::builder("shop").install()?;
///     let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
///     tokio::select! {
///         () = serve() => {}
///         _ = tokio::signal::ctrl_c() => {}
///         _ = terminated.recv() => {}
///     }
///     Ok(())
/// } // the guard sends what is left
/// # async fn serve() {}
/// ```
#[derive(Debug)]
#[must_use = "dropping the guard shuts the tracer down: bind it to a variable in `main`"]
pub struct TracerGuard {
    tracer: Tracer,
    /// It was shut down, within a time of the caller's.
    was_shut_down: AtomicBool,
}

impl TracerGuard {
    pub(crate) fn new(tracer: Tracer) -> Self {
        Self {
            tracer,
            was_shut_down: AtomicBool::new(false),
        }
    }

    /// The installed tracer.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// As [`Tracer::flush`].
    ///
    /// # Errors
    /// When it takes longer than `within`, or the tracer was shut down.
    pub fn flush(&self, within: Duration) -> Result<(), FlushError> {
        self.tracer.flush(within)
    }

    /// As [`Tracer::shutdown`]. Dropping the guard then waits no more.
    ///
    /// # Errors
    /// When it takes longer than `within`.
    pub fn shutdown(&self, within: Duration) -> Result<(), FlushError> {
        self.was_shut_down.store(true, Ordering::Relaxed);
        self.tracer.shutdown(within)
    }
}

impl Drop for TracerGuard {
    fn drop(&mut self) {
        if !*self.was_shut_down.get_mut() {
            // Nothing to do about a deadline that passed: the losses are counted, and `main` must end.
            let _ = self.tracer.shutdown(DROP_DEADLINE);
        }
    }
}
