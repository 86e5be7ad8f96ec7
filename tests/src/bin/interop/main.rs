//! `interop v1|v2 PROGRAM [PYTHON]`: starts a Jaeger, sends it spans, and checks what it makes of them. `ci/interop` has the
//! servers, and a Python with Jaeger's client. `interop otel PYTHON`: a Python with OpenTelemetry's SDK, and our own agent.
//!
//! What goes in is what applications use: a tracer with the UDP or the HTTP reporter, perhaps by way of an agent of ours that
//! sends on, or the remote sampler. What comes out
//! is what people see: the JSON of the query API and the agent's metrics.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program talks to its terminal"
)]

mod client_stats;
mod forwarded;
mod mixed;
mod opentelemetry;
mod query;
mod sampling;
mod sent;
mod server;
mod span;

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use server::Server;
use span::Backend;

/// How long anything may take that a server does.
const PATIENCE: Duration = Duration::from_secs(60);

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    match run(&std::env::args_os().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("interop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[OsString]) -> Outcome {
    let [name, program, python @ ..] = arguments else {
        return Err("interop v1|v2 PROGRAM [PYTHON], or interop otel PYTHON".into());
    };
    if name == "otel" {
        return opentelemetry::check(program);
    }
    let backend = match name.to_str() {
        Some("v1") => Backend::V1,
        Some("v2") => Backend::V2,
        _ => return Err(format!("{} is none of v1, v2 and otel", name.display()).into()),
    };
    let server = Server::start(backend, program)?;
    sent::check(backend, &server)?;
    forwarded::check(backend, &server)?;
    sampling::check(&server)?;
    match &server.metrics {
        Some(metrics) => client_stats::check(&server, metrics)?,
        None => println!("client stats: no agent to ask"),
    }
    if let [python] = python {
        mixed::check(&server, python)?;
    }
    Ok(())
}

/// Where the servers' settings are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/interop.d")
}

/// Asks until there is an answer: servers take in what they are sent when they please.
fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) if Instant::now() > deadline => {
                return Err(format!("{what}: {error}, after {PATIENCE:?}"));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The body of an answer that is a success.
fn get(url: &str) -> Result<String, String> {
    ureq::get(url)
        .call()
        .and_then(|mut answer| answer.body_mut().read_to_string())
        .map_err(|error| format!("GET {url}: {error}"))
}
