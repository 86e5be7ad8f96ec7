//! The tracer of the process, and that of a thread.

use std::marker::PhantomData;
use std::sync::OnceLock;

use crate::error::InitError;
use crate::fork;
use crate::local::{self, Mode};
use crate::registry;
use crate::tracer::{self, Tracer};

static INSTALLED: OnceLock<Tracer> = OnceLock::new();

/// The tracer installed for this process, or the one that does nothing.
///
/// ```
/// // Without an installed tracer this does nothing.
/// tracer_core::tracer().start_active_span("work").set_tag("n", 1);
/// ```
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
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// use tracer_core::Tracer;
    ///
    /// let _scope = tracer.start_active_span("order");
    /// assert_eq!(Tracer::current().service_name(), "shop"); // that of the active span
    /// # drop(_scope);
    /// # test.forget();
    /// ```
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

    /// Runs `work` with the [current](Self::current) tracer, which takes less where that is the installed one: for what is
    /// done with every request.
    ///
    /// ```
    /// # use tracer_core::Tracer;
    /// let service = Tracer::with_current(|tracer| tracer.service_name().to_owned());
    /// assert_eq!(service, ""); // none is installed
    /// ```
    pub fn with_current<R>(work: impl FnOnce(&Self) -> R) -> R {
        match (local::mode(), installed_ref()) {
            (Mode::Idle, Some(tracer)) => work(tracer),
            _ => work(&Self::current()),
        }
    }

    /// Makes this the tracer of the calling thread, until the guard is dropped, for roots made by `#[traced]` functions
    /// and by integrations without a tracer of their own.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// #[tracer_core::traced]
    /// fn charge() {}
    ///
    /// let default = test.tracer().set_default();
    /// charge();
    /// drop(default);
    /// charge(); // no tracer any more: traced by nobody
    /// tracer_testing::assert_trace!(test, "charge");
    /// ```
    pub fn set_default(&self) -> DefaultGuard {
        DefaultGuard::new(self.clone())
    }
}

/// Prepares the child of a `fork` without `exec`: to be called first thing in the child, by its only thread.
///
/// Tracers go on in the child, with ids, queues, threads and counters of their own, and reporters as
/// [`Reporter::for_child`](crate::Reporter::for_child) makes them; a tracer that was shut down stays so. Spans that were
/// open or queued at the fork stay the parent's, who reports them: what is done to them in the child goes nowhere
/// ([`Stats::left_to_parent`](crate::Stats::left_to_parent) counts the queued ones). Their contexts can be parents of new
/// spans. Without this call the child reports nothing, gives out the ids its parent does, and a flush fails at once.
///
/// Starts threads and allocates, which the child of a process with many threads may do on the usual systems, but which
/// POSIX does not promise.
///
/// ```no_run
/// # fn fork() -> i32 { 0 }
/// if fork() == 0 {
///     tracer_core::after_fork();
///     tracer_core::tracer().start_active_span("work of the child");
/// }
/// ```
pub fn after_fork() {
    fork::begin_child();
    if let Some(tracer) = installed_ref() {
        registry::set_installed(tracer.id());
    }
}

/// Keeps a tracer the default of the calling thread; see [`Tracer::set_default`].
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// use tracer_core::Tracer;
///
/// let guard = tracer.set_default();
/// assert_eq!(Tracer::current().service_name(), "shop");
/// drop(guard);
/// assert!(!Tracer::current().is_enabled());
/// ```
#[derive(Debug)]
#[must_use = "the default holds only as long as the guard lives: bind it to a variable"]
pub struct DefaultGuard {
    /// Keeps the tracer alive as long as it is the default.
    _tracer: Tracer,
    /// The number it had at that time.
    id: u32,
    /// Not `Send`: the default is this thread's.
    thread: PhantomData<*const ()>,
}

impl DefaultGuard {
    pub(crate) fn new(tracer: Tracer) -> Self {
        let id = tracer.id();
        local::push_default(id);
        Self {
            _tracer: tracer,
            id,
            thread: PhantomData,
        }
    }
}

impl Drop for DefaultGuard {
    fn drop(&mut self) {
        local::pop_default(self.id);
    }
}
