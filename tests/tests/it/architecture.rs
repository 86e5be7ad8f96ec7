//! The rules of ARCHITECTURE.md that can be read off the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A crate may depend on these of ours, and on no other.
const CRATES: [(&str, &[&str]); 8] = [
    ("tracer-macros", &[]),
    ("tracer-core", &["tracer-macros"]),
    ("tracer-tower", &["tracer-core"]),
    ("tracer-axum", &["tracer-core", "tracer-tower"]),
    ("tracer-reqwest", &["tracer-core", "tracer-tower"]),
    ("tracer-sqlx", &["tracer-core"]),
    ("tracer-testing", &["tracer-core"]),
    ("tracer-agent", &["tracer-core"]),
];

/// The modules of tracer-core from the bottom up. One may use those of lines above its own, and of its own line.
const LEVELS: [&[&str]; 17] = [
    &[
        "hex", "id", "tag", "tags", "kind", "fields", "callsite", "name", "error", "process",
        "clock", "sync", "hint", "short", "guarded", "bell",
    ],
    // A context leads to its local trace, which holds records.
    &[
        "baggage", "context", "descent", "details", "template", "record", "keep", "room", "held",
        "inquiry",
    ],
    &["counts"],
    &["report", "wire"],
    &["registry"],
    &["edit"],
    &["part", "stack", "pending", "local"],
    &["poll"],
    &["sampler", "propagation"],
    &["baggage_policy", "debug_throttle", "policies"],
    &["stats"],
    &["tracer", "fork", "span_builder", "span", "scope", "active"],
    &["slot"],
    &["future", "carry"],
    &["guard", "global"],
    &["env", "builder"],
    &["private", "traced_fn", "tree"],
];

/// The reporter thread is a thread like others: it marks itself as not traced.
const EXCEPTIONS: [(&str, &str); 1] = [("report/worker.rs", "local")];

/// Public to the compiler only: they cannot be named outside, or are hidden.
const UNNAMED: [&str; 5] = ["Callsite", "Shown", "SiteNumber", "TextEntries", "set"];

/// Lines of a library file, tests apart.
const LONGEST_FILE: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below `folder`, without those that hold only tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn crates_know_only_those_below_them() {
    for (name, allowed) in CRATES {
        let manifest = fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let dependencies = manifest
            .split("[dependencies]")
            .nth(1)
            .unwrap_or("")
            .split("\n[")
            .next()
            .unwrap_or("");
        let ours: BTreeSet<&str> = dependencies
            .lines()
            .filter(|line| line.starts_with("tracer-"))
            .filter_map(|line| line.split([' ', '.', '=']).next())
            .collect();
        for dependency in ours {
            assert!(
                allowed.contains(&dependency),
                "{name} must not know {dependency}"
            );
        }
    }
}

#[test]
fn published_crates_take_the_lints_of_the_workspace() {
    for (name, _) in CRATES {
        let manifest = fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{name} has lints of its own"
        );
    }
}

#[test]
fn modules_of_the_core_use_only_what_is_below_them() {
    let level = |module: &str| LEVELS.iter().position(|line| line.contains(&module));
    let folder = root().join("tracer-core/src");
    for file in sources(&folder) {
        let path = file
            .strip_prefix(&folder)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let module = path
            .split('/')
            .next()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned();
        if module == "lib" {
            continue;
        }
        let own = level(&module)
            .unwrap_or_else(|| panic!("the module {module} has no level: add it to this test"));
        let source = fs::read_to_string(&file).unwrap();
        let code = ["#[cfg(test)]", "#[cfg(all(test"]
            .into_iter()
            .filter_map(|tests| source.split(tests).next())
            .min_by_key(|code| code.len())
            .unwrap();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for used in code.split("crate::").skip(1) {
            let used: String = used
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            let Some(other) = level(&used) else { continue };
            let excepted = EXCEPTIONS.contains(&(path.as_str(), used.as_str()));
            assert!(
                other <= own || excepted,
                "{path} uses `{used}`, which is above it"
            );
        }
    }
}

#[test]
fn files_hold_one_noun() {
    for (name, _) in CRATES {
        for file in sources(&root().join(name).join("src")) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(
                lines <= LONGEST_FILE,
                "{} has {lines} lines: look for a second noun",
                file.display()
            );
        }
    }
}

#[test]
fn documents_keep_their_length() {
    for (name, longest) in [("ARCHITECTURE.md", 150), ("CONTRIBUTING.md", 120)] {
        let lines = fs::read_to_string(root().join(name))
            .unwrap()
            .lines()
            .count();
        assert!(
            lines <= longest,
            "{name} has {lines} lines, more than {longest}"
        );
    }
}

#[test]
fn public_items_of_the_core_and_of_the_test_kit_have_an_example() {
    let mut lacking = Vec::new();
    for path in ["tracer-core/src", "tracer-testing/src"]
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .filter(|path| !path.iter().any(|part| part == "private"))
    {
        let text = fs::read_to_string(&path).unwrap();
        let mut documentation = String::new();
        for line in text.lines() {
            if line.starts_with("///") {
                documentation.push_str(line);
            } else if let Some(name) = public_item(line) {
                if !documentation.contains("```") && !UNNAMED.contains(&name) {
                    lacking.push(format!("{}: {name}", path.display()));
                }
                documentation.clear();
            } else if line.is_empty() || line == "}" {
                documentation.clear();
            }
        }
    }
    assert!(lacking.is_empty(), "without an example: {lacking:#?}");
}

/// The name of an item that a line at the margin begins.
fn public_item(line: &str) -> Option<&str> {
    let item = line.strip_prefix("pub ")?;
    let kinds = [
        "struct ",
        "enum ",
        "trait ",
        "fn ",
        "async fn ",
        "type ",
        "const fn ",
        "const ",
    ];
    let name = kinds.iter().find_map(|kind| item.strip_prefix(kind))?;
    name.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .next()
}
