//! Which core does what: the caller alone on one, everything in the background on another.

use core_affinity::{CoreId, get_core_ids, set_for_current};

/// Moves this thread, and threads it starts from now on, to the caller's core. Without affinity in the system nothing happens.
pub(crate) fn caller() {
    pin(0);
}

/// Moves this thread, and threads it starts from now on, to the background's core.
pub(crate) fn background() {
    pin(usize::MAX);
}

/// Moves this thread to the core of that number, counted round.
pub(crate) fn number(n: usize) {
    pin(n % count());
}

/// Cores this process may use.
pub(crate) fn count() -> usize {
    allowed().len().max(1)
}

fn pin(n: usize) {
    let cores = allowed();
    if let Some(core) = cores.get(n.min(cores.len().saturating_sub(1))) {
        set_for_current(*core);
    }
}

/// Asked once, by the first thread: a pinned thread is allowed one core only.
fn allowed() -> &'static [CoreId] {
    static ALLOWED: std::sync::OnceLock<Vec<CoreId>> = std::sync::OnceLock::new();
    ALLOWED.get_or_init(|| get_core_ids().unwrap_or_default())
}
