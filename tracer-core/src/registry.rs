//! The tracers of this process by the number that records name them with: a record is to be small, and to count no
//! references.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwapOption;

use crate::report::queue::{Hub, HubCounts};
use crate::sync::AtomicU64;

/// Without a lock: one that another thread held at a fork would be held in the child for ever.
static HUBS: ArcSwapOption<BTreeMap<u32, Arc<Hub>>> = ArcSwapOption::const_empty();
static INSTALLED: AtomicU32 = AtomicU32::new(0);

/// Replaces a map by a changed copy.
pub(crate) fn change<T: Clone>(
    map: &ArcSwapOption<BTreeMap<u32, T>>,
    change: impl Fn(&mut BTreeMap<u32, T>),
) {
    map.rcu(|old| {
        let mut new = old.as_deref().cloned().unwrap_or_default();
        change(&mut new);
        Some(Arc::new(new))
    });
}

/// Makes a tracer known to all threads, by a number that is not used again. 0 is the tracer that does nothing.
pub(crate) fn register(hub: &Arc<Hub>) -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    change(&HUBS, |hubs| {
        hubs.insert(id, Arc::clone(hub));
    });
    id
}

/// Forgets a tracer that nobody holds any more.
pub(crate) fn unregister(id: u32) {
    change(&HUBS, |hubs| {
        hubs.remove(&id);
    });
}

/// Says which tracer is the installed one.
pub(crate) fn set_installed(id: u32) {
    INSTALLED.store(id, Ordering::Relaxed);
}

/// The hub of a tracer.
pub(crate) fn hub(id: u32) -> Option<Arc<Hub>> {
    HUBS.load().as_ref()?.get(&id).cloned()
}

/// Counts something that was set where no span records it; of a span that is gone, for the installed tracer.
#[cold]
pub(crate) fn count_ignored(id: u32) {
    let id = if id == 0 {
        INSTALLED.load(Ordering::Relaxed)
    } else {
        id
    };
    count(id, |counts| &counts.tags_ignored);
}

/// Counts something that is rare.
#[cold]
pub(crate) fn count(id: u32, counter: impl FnOnce(&HubCounts) -> &AtomicU64) {
    if let Some(hub) = hub(id) {
        counter(&hub.counts).fetch_add(1, Ordering::Relaxed);
    }
}
