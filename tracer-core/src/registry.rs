//! The tracers of this process by the number that records name them with: a record is to be small, and to count no
//! references.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwapOption;

use crate::details::Limits;
use crate::report::queue::{Hub, HubCounts};
use crate::sync::AtomicU64;

/// Tracers by number: a list, as they are few. Without a lock: one that another thread held at a fork would be held in the
/// child for ever.
pub(crate) type Entries<T> = ArcSwapOption<Vec<(u32, T)>>;

static HUBS: Entries<Arc<Hub>> = ArcSwapOption::const_empty();
/// The numbers that tracers had before a fork, and those they have now.
static NUMBERS: Entries<u32> = ArcSwapOption::const_empty();
static INSTALLED: AtomicU32 = AtomicU32::new(0);

/// Replaces a list by a changed copy.
pub(crate) fn change<T: Clone>(entries: &Entries<T>, change: impl Fn(&mut Vec<(u32, T)>)) {
    entries.rcu(|old| {
        let mut new = old.as_deref().cloned().unwrap_or_default();
        change(&mut new);
        Some(Arc::new(new))
    });
}

/// What `get` makes of the entry of a tracer.
pub(crate) fn find<T, U>(
    entries: &Entries<T>,
    id: u32,
    get: impl FnOnce(&T) -> Option<U>,
) -> Option<U> {
    let entries = entries.load();
    let (_, entry) = entries.as_ref()?.iter().find(|(known, _)| *known == id)?;
    get(entry)
}

/// Makes a tracer known to all threads, by a number that is not used again. 0 is the tracer that does nothing.
pub(crate) fn register(hub: &Arc<Hub>) -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    change(&HUBS, |hubs| {
        hubs.push((id, Arc::clone(hub)));
    });
    id
}

/// Forgets a tracer that nobody holds any more.
pub(crate) fn unregister(id: u32) {
    change(&HUBS, |hubs| {
        hubs.retain(|&(known, _)| known != id);
    });
}

/// Gives a tracer another number, in the child of a fork.
pub(crate) fn renumber(old: u32, new: u32) {
    unregister(old);
    change(&NUMBERS, |numbers| {
        let older = numbers.iter_mut().filter(|(_, now)| *now == old);
        older.for_each(|(_, now)| *now = new);
        numbers.push((old, new));
    });
}

/// The number that a tracer has now which had this one.
pub(crate) fn number_now(id: u32) -> u32 {
    find(&NUMBERS, id, |now| Some(*now)).unwrap_or(id)
}

/// Says which tracer is the installed one.
pub(crate) fn set_installed(id: u32) {
    INSTALLED.store(id, Ordering::Relaxed);
}

/// The hub of a tracer.
pub(crate) fn hub(id: u32) -> Option<Arc<Hub>> {
    find(&HUBS, id, |hub| Some(Arc::clone(hub)))
}

/// What a span of a tracer may hold.
pub(crate) fn limits(id: u32) -> Limits {
    find(&HUBS, id, |hub| Some(hub.limits)).unwrap_or_default()
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
