//! `--cfg tracer_off`: the attribute is compiled out.
//!
//! The flag is for a whole build, so the program is built apart, with the lock file of the workspace.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(flags: &str, target: &str) -> Output {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("off");
    fs::create_dir_all(copy.join("src")).unwrap();
    let toml = fs::read_to_string(manifest.join("tests/off/Cargo.toml")).unwrap();
    let core = manifest.join("../tracer-core").canonicalize().unwrap();
    fs::write(
        copy.join("Cargo.toml"),
        toml.replace("../../../tracer-core", core.to_str().unwrap()),
    )
    .unwrap();
    fs::copy(
        manifest.join("tests/off/src/main.rs"),
        copy.join("src/main.rs"),
    )
    .unwrap();
    fs::copy(manifest.join("../Cargo.lock"), copy.join("Cargo.lock")).unwrap();
    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--manifest-path"])
        .arg(copy.join("Cargo.toml"))
        .env("RUSTFLAGS", flags)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_TARGET_DIR", copy.join(target))
        .output()
        .unwrap()
}

#[test]
fn nothing_is_left_of_the_attribute() {
    let output = run("--cfg tracer_off", "target-off");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert_eq!(output.stdout, b"off\n", "{error}");
}
