//! What the process has used: CPU time of all its threads, and memory.

use std::time::Duration;

/// CPU time of all threads of this process so far, in the kernel and out of it; zero where the system does not tell.
#[cfg(unix)]
pub(crate) fn cpu() -> Duration {
    of(nix::sys::resource::UsageWho::RUSAGE_SELF)
}

/// CPU time of all processes this one has started and waited for, and of theirs; zero where the system does not tell.
#[cfg(unix)]
pub(crate) fn children() -> Duration {
    of(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)
}

#[cfg(unix)]
fn of(who: nix::sys::resource::UsageWho) -> Duration {
    let Ok(usage) = nix::sys::resource::getrusage(who) else {
        return Duration::ZERO;
    };
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| {
            Duration::from_micros(
                u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or(0),
            )
        })
        .sum()
}

/// CPU time of all threads of this process so far: not told by this system.
#[cfg(not(unix))]
pub(crate) fn cpu() -> Duration {
    Duration::ZERO
}

/// CPU time of other processes: not told by this system.
#[cfg(not(unix))]
pub(crate) fn children() -> Duration {
    Duration::ZERO
}

/// Resident memory of this process in bytes, where `/proc` tells.
pub(crate) fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
