//! What the figures were taken on: a ratio from one machine means little on another.

use serde::Serialize;

/// The machine, the compiler and the versions of the contenders.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Processor, as it calls itself.
    pub(crate) cpu: String,
    /// Cores this process may use.
    pub(crate) cores: usize,
    /// Operating system and architecture.
    pub(crate) system: String,
    /// Compiler.
    pub(crate) rustc: &'static str,
    /// Crates the contenders are made of, as locked.
    pub(crate) versions: Vec<String>,
    /// Rounds the medians are taken over.
    pub(crate) rounds: usize,
}

const CRATES: &[&str] = &[
    "axum",
    "fastant",
    "fastrace",
    "fastrace-axum",
    "fastrace-jaeger",
    "opentelemetry_sdk",
    "rustracing",
    "rustracing_jaeger",
    "tower-http",
    "tracer-axum",
    "tracer-core",
    "tracing",
    "tracing-opentelemetry",
];

/// Asks the system.
pub(crate) fn describe(rounds: usize) -> Machine {
    let lock = include_str!("../../Cargo.lock");
    Machine {
        cpu: processor().unwrap_or_else(|| "unknown".to_owned()),
        cores: crate::affinity::count(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        rustc: env!("BENCHES_RUSTC"),
        versions: CRATES
            .iter()
            .flat_map(|name| versions(lock, name))
            .collect(),
        rounds,
    }
}

fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// `name version` for each version of the crate in the lock file.
fn versions(lock: &str, name: &str) -> Vec<String> {
    let lines: Vec<&str> = lock.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == format!("name = \"{name}\""))
        .filter_map(|pair| pair[1].strip_prefix("version = \"")?.strip_suffix('"'))
        .map(|version| format!("{name} {version}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::versions;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"ab\"\nversion = \"2.0.0\"\n";
        assert_eq!(versions(lock, "a"), ["a 1.2.3"]);
        assert_eq!(versions(lock, "b"), [""; 0]);
    }
}
