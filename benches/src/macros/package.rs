//! The crates that are compiled, in a workspace of their own.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Attribute;
use crate::usage;

/// A directory with a package for each attribute and a target directory; it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Workspace {
    directory: TempDir,
}

impl Workspace {
    /// Writes the packages. Their dependencies are this package's, features too, in the versions of the lock file.
    pub(super) fn create(
        attributes: &[Attribute],
        functions: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let workspace = Self {
            directory: tempfile::tempdir()?,
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        fs::write(
            workspace.path().join("Cargo.toml"),
            "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\nexclude = [\"target\"]\n",
        )?;
        fs::copy(root.join("Cargo.lock"), workspace.path().join("Cargo.lock"))?;
        for attribute in attributes {
            let dependency = attribute
                .dependency
                .map_or_else(String::new, |name| dependency(name, &root));
            let source = workspace.source(attribute);
            fs::create_dir_all(source.with_file_name(""))?;
            fs::write(
                workspace.path().join(attribute.name).join("Cargo.toml"),
                format!(
                    "[package]\nname = \"macros-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependency}",
                    attribute.name
                ),
            )?;
            fs::write(source, generated(attribute.text, functions))?;
        }
        Ok(workspace)
    }

    /// Processor seconds of a compilation of one package. The first with a command compiles its dependencies as well;
    /// later ones are of the package alone, whole, and what cargo takes to see that the rest is fresh.
    pub(super) fn compile(
        &self,
        command: &str,
        attribute: &Attribute,
    ) -> Result<f64, Box<dyn Error>> {
        // A newer source is compiled again.
        let source = self.source(attribute);
        fs::write(&source, fs::read(&source)?)?;
        let before = usage::children();
        let status = Command::new("cargo")
            .args([command, "--quiet", "--package"])
            .arg(format!("macros-{}", attribute.name))
            .current_dir(self.path())
            .env("CARGO_TARGET_DIR", self.path().join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .stdin(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("cargo {command} of {} failed: {status}", attribute.name).into());
        }
        Ok((usage::children() - before).as_secs_f64())
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn source(&self, attribute: &Attribute) -> PathBuf {
        self.path().join(attribute.name).join("src/lib.rs")
    }
}

/// The line of a manifest for a dependency of this package: ours by its path, others as the manifest has them.
fn dependency(name: &str, root: &Path) -> String {
    let manifest = include_str!("../../Cargo.toml");
    let line = |line: &&str| line.split(" = ").next() == Some(name);
    match manifest.lines().find(line) {
        Some(line) if !line.contains("workspace = true") => format!("{line}\n"),
        _ => format!("{name} = {{ path = {:?} }}\n", root.join(name)),
    }
}

/// Groups of ten functions, five of them async, each awaiting the one before. `all` polls the last of every group: what
/// nobody polls is not compiled.
fn generated(attribute: &str, functions: usize) -> String {
    let groups = functions.div_ceil(10);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_groups(&mut text, attribute, groups);
    text
}

fn write_groups(text: &mut String, attribute: &str, groups: usize) -> std::fmt::Result {
    for group in 0..groups {
        writeln!(text, "pub mod group{group} {{")?;
        for n in 0..5 {
            writeln!(
                text,
                "    {attribute}\n    pub fn call{n}(id: u64, name: &str) -> Result<u64, String> {{
        if name.is_empty() {{
            return Err(format!(\"{{id}} has no name\"));
        }}
        Ok(id.wrapping_mul({}) + name.len() as u64)
    }}",
                group + n + 1
            )?;
            let before = match n {
                0 => "id".to_owned(),
                n => format!("wait{}(id, name).await?", n - 1),
            };
            writeln!(
                text,
                "    {attribute}\n    pub async fn wait{n}(id: u64, name: &str) -> Result<u64, String> {{
        let before = {before};
        call{n}(before, name)
    }}"
            )?;
        }
        writeln!(text, "}}")?;
    }
    writeln!(
        text,
        "\npub fn all(id: u64, name: &str) {{\n    let mut context = std::task::Context::from_waker(std::task::Waker::noop());"
    )?;
    for group in 0..groups {
        writeln!(
            text,
            "    let _ = (Box::pin(group{group}::wait4(id, name)) as std::pin::Pin<Box<dyn Future<Output = _>>>).as_mut().poll(&mut context);"
        )?;
    }
    writeln!(text, "}}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{dependency, generated};

    #[test]
    fn as_many_functions_as_asked_for_half_of_them_async() {
        let text = generated("#[traced]", 1000);
        assert_eq!(text.matches("#[traced]\n").count(), 1000);
        assert_eq!(text.matches("    pub async fn ").count(), 500);
    }

    #[test]
    fn dependencies_are_those_of_this_package() {
        let of = |name| dependency(name, Path::new("/root"));
        assert_eq!(
            of("tracer-core"),
            "tracer-core = { path = \"/root/tracer-core\" }\n"
        );
        assert!(of("fastrace").contains("features = [\"enable\"]"));
        assert!(of("tracing").starts_with("tracing = \"0."));
    }
}
