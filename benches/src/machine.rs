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
    /// Load average of the minute before, where `/proc` tells: what else the machine was doing.
    pub(crate) load: Option<f64>,
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
            .filter_map(|name| version(lock, name))
            .collect(),
        load: std::fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|text| text.split(' ').next()?.parse().ok()),
        rounds,
    }
}

fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// `name version` as this package depends on it. A lock file names the version at the dependency if there are several.
fn version(lock: &str, name: &str) -> Option<String> {
    let (_, package) = lock.split_once("\nname = \"benches\"\n")?;
    let several = format!("\n \"{name} ");
    if let Some((_, rest)) = package.split_once("\n]")?.0.split_once(&several) {
        return Some(format!("{name} {}", rest.split_once('"')?.0));
    }
    let (_, rest) = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""))?;
    Some(format!("{name} {}", rest.split_once('"')?.0))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_those_this_package_depends_on() {
        let lock = r#"
[[package]]
name = "a"
version = "1.0.0"

[[package]]
name = "a"
version = "2.0.0"

[[package]]
name = "b"
version = "3.0.0"

[[package]]
name = "benches"
version = "0.1.0"
dependencies = [
 "a 2.0.0",
 "b",
]
"#;
        assert_eq!(version(lock, "a").as_deref(), Some("a 2.0.0"));
        assert_eq!(version(lock, "b").as_deref(), Some("b 3.0.0"));
        assert_eq!(version(lock, "c"), None);
    }
}
