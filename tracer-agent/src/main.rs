//! The command `tracer-agent`: see `tracer-agent --help`, or the library of the same name.

mod cli;

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use cli::Command;
use terminal_size::terminal_size_of;
use tracer_agent::show::{self, AskError, Wanted, Waterfall};
use tracer_agent::{Agent, AgentBuilder};

/// A command line that cannot be understood; 1 is a failure to do what it says.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(builder)) => run(builder),
        Ok(Command::Show { agent, wanted }) => show_trace(&agent, wanted),
        Ok(Command::Help) => print(cli::HELP),
        Ok(Command::Version) => print(concat!("tracer-agent ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => {
            say(format_args!(
                "tracer-agent: {error} (see tracer-agent --help)"
            ));
            ExitCode::from(USAGE)
        }
    }
}

fn run(builder: AgentBuilder) -> ExitCode {
    // Fails only when there is a logger already.
    let _ = log::set_logger(&Stderr).map(|()| log::set_max_level(log::LevelFilter::Info));
    let agent = match builder.start() {
        Ok(agent) => agent,
        Err(error) => {
            return fail(&match error.flag() {
                Some(flag) if error.is_port_taken() => {
                    format!(
                        "{error}; another agent may be running: choose another port with {flag}"
                    )
                }
                Some(flag) => {
                    format!("{error}; choose another with {flag}, or another address with --listen")
                }
                None => error.to_string(),
            });
        }
    };
    if let Err(error) = announce(&agent) {
        // Whoever started it does not listen; the agent works all the same.
        log::debug!("cannot print the addresses: {error}");
    }
    match wait_for_signal() {
        Ok(()) => {
            agent.shutdown();
            ExitCode::SUCCESS
        }
        Err(error) => fail(&format!("cannot wait for a signal: {error}")),
    }
}

fn announce(agent: &Agent) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "tracer-agent {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(
        out,
        "  Jaeger Thrift compact    udp {}",
        agent.compact_addr()
    )?;
    writeln!(
        out,
        "  Jaeger Thrift binary     udp {}",
        agent.binary_addr()
    )?;
    writeln!(
        out,
        "  Jaeger Thrift over HTTP  http://{}/api/traces",
        agent.collector_addr()
    )?;
    if let Some(otlp) = agent.otlp_addr() {
        writeln!(out, "  OTLP over HTTP           http://{otlp}/v1/traces")?;
    }
    writeln!(
        out,
        "  sampling strategies      http://{}/sampling",
        agent.sampling_addr()
    )?;
    if let Some(forward) = agent.stats().forward {
        writeln!(out, "  forwarding to            {}", forward.to)?;
    }
    writeln!(out, "  traces                   {}", agent.url())?;
    if !agent.query_addr().ip().is_loopback() {
        let ip = agent.query_addr().ip();
        say(format_args!(
            "warning: listening on {ip}: whoever reaches this machine can read the traces and add to them"
        ));
    }
    out.flush()
}

/// Blocks until Ctrl-C, or SIGTERM where there is such a thing.
fn wait_for_signal() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        #[cfg(unix)]
        {
            let mut term =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted,
                _ = term.recv() => Ok(()),
            }
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    })
}

fn show_trace(agent: &str, wanted: Wanted) -> ExitCode {
    let trace = match show::ask(agent, wanted) {
        Ok(trace) => trace,
        Err(error @ AskError::Unreachable { .. }) => {
            return fail(&format!("{error}; start one with tracer-agent"));
        }
        Err(error) => return fail(&error.to_string()),
    };
    // Shells know it, and rarely pass it on.
    let columns = std::env::var("COLUMNS").ok();
    let width = columns
        .and_then(|columns| columns.parse().ok())
        .or_else(|| Some(terminal_size_of(io::stdout())?.0.0.into()))
        .unwrap_or(100);
    let colour = io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    print(
        &Waterfall::new(&trace)
            .width(width)
            .colour(colour)
            .to_string(),
    )
}

/// A reader that went away, as `head` does, is no failure.
fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("cannot print: {error}"))
        }
        _ => ExitCode::SUCCESS,
    }
}

fn fail(reason: &str) -> ExitCode {
    say(format_args!("tracer-agent: {reason}"));
    ExitCode::FAILURE
}

/// Writes a line to standard error. That nobody reads there is no reason to end, as `eprintln` would.
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes what the library logs to standard error.
struct Stderr;

impl log::Log for Stderr {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info && metadata.target().starts_with("tracer_agent")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            say(format_args!(
                "tracer-agent: {}: {}",
                record.level().as_str().to_ascii_lowercase(),
                record.args()
            ));
        }
    }

    fn flush(&self) {}
}
