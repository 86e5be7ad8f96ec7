//! The tracer of the process, and that of a thread.

use std::marker::PhantomData;
use std::sync::OnceLock;

use crate::error::InitError;
use crate::local;
use crate::registry;
use crate::tracer::{self, Tracer};

static INSTALLED: OnceLock<Tracer> = OnceLock::new();

/// The tracer installed for this process, or the one that does nothing.
#[must_use]
pub fn tracer() -> Tracer {
    installed().unwrap_or(Tracer::disabled())
}

/// The installed tracer.
pub(crate) fn installed() -> Option<Tracer> {
    INSTALLED.get().cloned()
}

/// The installed tracer, borrowed.
#[inline]
pub(crate) fn installed_ref() -> Option<&'static Tracer> {
    INSTALLED.get()
}

/// Installs a tracer, once per process.
pub(crate) fn install(tracer: Tracer) -> Result<(), InitError> {
    let id = tracer.id();
    INSTALLED.set(tracer).map(|()| registry::set_installed(id)).map_err(|refused| {
        let installed = tracer_name();
        let refused = refused.service_name();
        InitError::new(format_args!(
            "a tracer is installed already, for service {installed:?}; {refused:?} cannot be installed beside it \
             (use `build` for more than one tracer in a process)"
        ))
    })
}

fn tracer_name() -> &'static str {
    installed_ref().map_or("", Tracer::service_name)
}

impl Tracer {
    /// The tracer of the active span, else this thread's default, else the installed one, else the one that does nothing.
    /// For instrumentation that was not given a tracer.
    #[must_use]
    pub fn current() -> Self {
        match local::tracer() {
            // The tracer that does nothing was made this thread's default.
            Some(0) => Self::disabled(),
            known => known
                .and_then(tracer::registered)
                .or_else(installed)
                .unwrap_or(Self::disabled()),
        }
    }

    /// Makes this the tracer of the calling thread, until the guard is dropped, for roots made by `#[traced]` functions
    /// and by integrations without a tracer of their own.
    pub fn set_default(&self) -> DefaultGuard {
        DefaultGuard::new(self.clone())
    }
}

/// Prepares the child of a `fork` without `exec`: to be called first thing in the child, by its only thread.
///
/// The child gets ids of its own; spans that were open or queued at the fork stay the parent's, who reports them. Reporter
/// threads do not survive a fork, so tracers of the parent report nothing in the child: build a new one there.
pub fn after_fork() {
    local::after_fork();
}

/// Keeps a tracer the default of the calling thread; see [`Tracer::set_default`].
#[derive(Debug)]
#[must_use = "the default holds only as long as the guard lives: bind it to a variable"]
pub struct DefaultGuard {
    /// Keeps the tracer alive as long as it is the default.
    tracer: Tracer,
    /// Not `Send`: the default is this thread's.
    thread: PhantomData<*const ()>,
}

impl DefaultGuard {
    pub(crate) fn new(tracer: Tracer) -> Self {
        local::push_default(tracer.id());
        Self {
            tracer,
            thread: PhantomData,
        }
    }
}

impl Drop for DefaultGuard {
    fn drop(&mut self) {
        local::pop_default(self.tracer.id());
    }
}
