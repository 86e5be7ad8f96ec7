//! The command line: what it says, and what is wrong with it.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::str::FromStr;

use axum::http::Uri;
use lexopt::prelude::*;
use tracer_agent::{Agent, AgentBuilder, TraceId, show::Wanted};

pub(crate) const HELP: &str = "\
Receives traces of Jaeger clients and OpenTelemetry SDKs, keeps the newest, shows them.

Usage: tracer-agent [OPTIONS]
       tracer-agent show [TRACE_ID | --last] [--agent URL]

Options:
      --listen IP             Address to listen on [127.0.0.1]
      --compact-port N        UDP port of Jaeger Thrift compact [6831]
      --binary-port N         UDP port of Jaeger Thrift binary [6832]
      --collector-port N      TCP port of Jaeger Thrift over HTTP [14268]
      --otlp-port N           TCP port of OTLP over HTTP [4318]
      --query-port N          TCP port of pages and queries [16686]
      --sampling-port N       TCP port of sampling strategies [5778]
      --ephemeral-ports       Let the system choose all ports not given
      --memory SIZE           Memory for traces, such as 256MB or 1GB [256MB]
      --spans-per-trace N     Most spans kept of one trace [200000]
      --sampling P            Share of traces clients are told to sample, 0 to 1 [1]
      --forward URL           Also send every span to a collector: http://host:4318/v1/traces
                              (OTLP) or http://host:14268/api/traces (Jaeger)
      --forward-queue SIZE    Memory for spans a collector has not taken yet [32MB]
      --forward-headers FILE  Headers for that collector, such as Authorization: one on each
                              line, as Name: value
      --allow-host NAME       Also serve requests that name this host; may repeat
  -h, --help                  Show this
  -V, --version               Show the version

OTLP is received over HTTP, not over gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf where an
SDK's exporter uses gRPC (port 4317). Where a collector has the port 4318, the agent leaves it alone.

tracer-agent show prints a trace as a waterfall, by default the newest:
      TRACE_ID                1 to 32 hexadecimal digits
      --last                  The newest trace
      --agent URL             The agent to ask [http://127.0.0.1:16686]
";

/// One of the builder's methods that set a port.
type SetPort = fn(AgentBuilder, u16) -> AgentBuilder;

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Run(AgentBuilder),
    Show { agent: String, wanted: Wanted },
    Help,
    Version,
}

/// What is wrong with a command line, in one line.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut parser = lexopt::Parser::from_args(args);
    let mut builder = Agent::builder();
    // Given ports win over `--ephemeral-ports`, in whatever order.
    let mut ports: Vec<(SetPort, u16)> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long("listen") => {
                builder = builder.listen(value(&mut parser, "--listen", "an IP address")?);
            }
            Long("compact-port") => ports.push((
                AgentBuilder::compact_port,
                port(&mut parser, "--compact-port")?,
            )),
            Long("binary-port") => ports.push((
                AgentBuilder::binary_port,
                port(&mut parser, "--binary-port")?,
            )),
            Long("collector-port") => {
                ports.push((
                    AgentBuilder::collector_port,
                    port(&mut parser, "--collector-port")?,
                ));
            }
            Long("otlp-port") => {
                ports.push((AgentBuilder::otlp_port, port(&mut parser, "--otlp-port")?));
            }
            Long("query-port") => {
                ports.push((AgentBuilder::query_port, port(&mut parser, "--query-port")?));
            }
            Long("sampling-port") => ports.push((
                AgentBuilder::sampling_port,
                port(&mut parser, "--sampling-port")?,
            )),
            Long("ephemeral-ports") => builder = builder.ephemeral_ports(),
            Long("memory") => builder = builder.memory_limit(size(&mut parser, "--memory")?),
            Long("forward") => {
                let url = parser.value()?.string()?;
                let forwards = builder.forward(&url);
                builder = forwards.map_err(|error| UsageError(format!("--forward: {error}")))?;
            }
            Long("forward-queue") => {
                builder = builder.forward_queue(size(&mut parser, "--forward-queue")?);
            }
            Long("forward-headers") => {
                let file = parser.value()?;
                let read = forward_headers(builder, Path::new(&file));
                builder = read.map_err(|reason| {
                    UsageError(format!("--forward-headers {file:?}: {reason}"))
                })?;
            }
            Long("spans-per-trace") => {
                let spans: NonZeroUsize =
                    value(&mut parser, "--spans-per-trace", "a number over 0")?;
                builder = builder.spans_per_trace(spans.get());
            }
            Long("sampling") => {
                let share: Share = value(&mut parser, "--sampling", "a number from 0 to 1")?;
                builder = builder.sampling_probability(share.0);
            }
            Long("allow-host") => builder = builder.allow_host(parser.value()?.string()?),
            Value(word) if word == "show" => return show(&mut parser),
            Value(word) => {
                return Err(UsageError(format!(
                    "unknown command {word:?}; the only one is show"
                )));
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    Ok(Command::Run(
        ports
            .into_iter()
            .fold(builder, |builder, (set, port)| set(builder, port)),
    ))
}

fn show(parser: &mut lexopt::Parser) -> Result<Command, UsageError> {
    let mut agent = String::from("http://127.0.0.1:16686");
    let (mut id, mut last) = (None, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("agent") => {
                agent = value::<Url>(
                    parser,
                    "--agent",
                    "a URL without TLS, such as http://127.0.0.1:16686",
                )?
                .0;
            }
            Long("last") => last = true,
            Value(text) if id.is_none() => {
                let text = text.string()?;
                let read = text.parse::<TraceId>();
                id = Some(read.map_err(|error| UsageError(format!("trace id {text:?}: {error}")))?);
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    match id {
        Some(_) if last => Err(UsageError(String::from(
            "give a trace id or --last, not both",
        ))),
        Some(id) => Ok(Command::Show {
            agent,
            wanted: Wanted::Id(id),
        }),
        None => Ok(Command::Show {
            agent,
            wanted: Wanted::Last,
        }),
    }
}

/// From a file, for arguments and variables of a process are there for others to see. What is wrong is told by its line alone.
fn forward_headers(builder: AgentBuilder, file: &Path) -> Result<AgentBuilder, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let lines = text.lines().enumerate();
    let mut lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines.try_fold(builder, |builder, (at, line)| {
        let wrong = |reason: &str| format!("line {}: {reason}", at + 1);
        let header = line.split_once(':');
        let (name, value) = header.ok_or_else(|| wrong("expected Name: value"))?;
        builder
            .forward_header(name.trim(), value.trim())
            .map_err(|error| wrong(&error.to_string()))
    })
}

fn port(parser: &mut lexopt::Parser, flag: &str) -> Result<u16, UsageError> {
    value(parser, flag, "a port from 0 to 65535")
}

fn size(parser: &mut lexopt::Parser, flag: &str) -> Result<usize, UsageError> {
    value::<Size>(parser, flag, "a size of 1MB or more, such as 256MB").map(|size| size.0)
}

fn value<T: FromStr>(
    parser: &mut lexopt::Parser,
    flag: &str,
    expected: &str,
) -> Result<T, UsageError> {
    let text = parser.value()?.string()?;
    text.parse()
        .map_err(|_| UsageError(format!("{flag} {text:?}: expected {expected}")))
}

/// Bytes, written with a unit; units are powers of 1024.
struct Size(usize);

impl FromStr for Size {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit: usize = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" | "kib" => 1 << 10,
            "m" | "mb" | "mib" => 1 << 20,
            "g" | "gb" | "gib" => 1 << 30,
            _ => return Err(()),
        };
        number
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            // With less no trace would stay to be seen.
            .filter(|bytes| *bytes >= 1 << 20)
            .map(Self)
            .ok_or(())
    }
}

/// Where an agent answers.
struct Url(String);

impl FromStr for Url {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let uri: Uri = text.parse().map_err(|_| ())?;
        let plain = uri.scheme_str() == Some("http") && uri.host().is_some_and(|h| !h.is_empty());
        plain.then(|| Self(text.to_owned())).ok_or(())
    }
}

struct Share(f64);

impl FromStr for Share {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse()
            .ok()
            .filter(|share| (0.0..=1.0).contains(share))
            .map(Self)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (line, error) in [
            (
                "--compact-port 70000",
                "--compact-port \"70000\": expected a port from 0 to 65535",
            ),
            ("--query-port", "missing argument for option '--query-port'"),
            ("--listen here", "--listen \"here\": expected an IP address"),
            (
                "--memory 12TB",
                "--memory \"12TB\": expected a size of 1MB or more, such as 256MB",
            ),
            (
                "--memory 99999999999GB",
                "--memory \"99999999999GB\": expected a size of 1MB or more, such as 256MB",
            ),
            (
                "--sampling 2",
                "--sampling \"2\": expected a number from 0 to 1",
            ),
            (
                "--memory 0",
                "--memory \"0\": expected a size of 1MB or more, such as 256MB",
            ),
            (
                "--spans-per-trace 0",
                "--spans-per-trace \"0\": expected a number over 0",
            ),
            (
                "show --agent localhost:16686",
                "--agent \"localhost:16686\": expected a URL without TLS, such as http://127.0.0.1:16686",
            ),
            (
                "show --agent https://h:1",
                "--agent \"https://h:1\": expected a URL without TLS, such as http://127.0.0.1:16686",
            ),
            (
                "--forward collector:4318",
                "--forward: cannot forward to \"collector:4318\": expected http://host:4318/v1/traces for OTLP, or http://host:14268/api/traces for Jaeger",
            ),
            (
                "--forward-queue 5",
                "--forward-queue \"5\": expected a size of 1MB or more, such as 256MB",
            ),
            ("--color", "invalid option '--color'"),
            ("start", "unknown command \"start\"; the only one is show"),
            (
                "show xyz",
                "trace id \"xyz\": expected 1 to 32 hexadecimal digits, not all zero",
            ),
            ("show 1 --last", "give a trace id or --last, not both"),
            ("show 1 2", "unexpected argument \"2\""),
        ] {
            assert_eq!(read(line).unwrap_err(), error, "{line}");
        }
    }

    #[test]
    fn arguments_set_the_agent_up() {
        let Ok(Command::Run(builder)) = read(
            "--query-port 7 --ephemeral-ports --listen ::1 --memory 64mb --sampling 0.5 --forward http://c:4318 --forward-queue 8MB",
        ) else {
            panic!("it runs")
        };
        let expected = Agent::builder()
            .ephemeral_ports()
            .query_port(7)
            .listen("::1".parse().unwrap())
            .memory_limit(64 << 20)
            .sampling_probability(0.5)
            .forward("http://c:4318/v1/traces")
            .unwrap()
            .forward_queue(8 << 20);
        assert_eq!(format!("{builder:?}"), format!("{expected:?}"));

        let Ok(Command::Show { agent, wanted }) = read("show --agent http://h:1 00ab") else {
            panic!("it shows")
        };
        assert_eq!(
            (agent.as_str(), wanted),
            ("http://h:1", Wanted::Id(TraceId::new(0xab)))
        );
        assert!(matches!(
            read("show"),
            Ok(Command::Show {
                wanted: Wanted::Last,
                ..
            })
        ));
    }
}
