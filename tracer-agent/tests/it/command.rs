//! The binary: its output, its errors, its end.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::client::{get, report, send, start};
use crate::datagram::{Span, message};

fn tracer_agent() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracer-agent"));
    command.env_remove("COLUMNS").env_remove("NO_COLOR");
    command
}

fn show(args: &[&str]) -> Output {
    tracer_agent()
        .arg("show")
        .args(args)
        .env("COLUMNS", "60")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_waterfall_is_as_wide_as_its_terminal() {
    use std::fs::File;

    use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    let agent = start();
    report(
        &agent,
        "shop",
        &[Span::new(1, 1, 0, "GET /orders", 1, 5_000)],
    );
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new())
        .unwrap()
        .into_string()
        .unwrap();
    let end = File::options().read(true).write(true).open(name).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 60,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&end, size).unwrap();
    let args = ["--last", "--agent", &agent.url()];
    let mut command = tracer_agent();
    command
        .arg("show")
        .args(args)
        .env("NO_COLOR", "1")
        .stdout(end);
    assert!(command.status().unwrap().success());
    let mut shown = [0; 4096];
    let len = File::from(terminal).read(&mut shown).unwrap();
    let expected = show(&args).stdout;
    assert_eq!(text(&shown[..len]).replace("\r\n", "\n"), text(&expected));
}

#[test]
fn headers_to_forward_with_are_read_from_a_file() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("headers");
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut agent = tracer_agent();
        agent.args(["--ephemeral-ports", "--forward-headers"]);
        agent.arg(&file).arg("--help").output().unwrap()
    };
    let good = run("Authorization: Bearer s3cret\n\n  x-scope:one\n");
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    for (wrong, reason) in [
        (
            "x-scope: one\nBearer s3cret\n",
            "line 2: expected Name: value",
        ),
        (
            "Host: s3cret",
            "line 1: cannot forward with the header host: expected one that does not go by what is sent",
        ),
    ] {
        let output = run(wrong);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let expected = format!(
            "tracer-agent: --forward-headers {file:?}: {reason} (see tracer-agent --help)\n"
        );
        assert_eq!(text(&output.stderr), expected);
    }
    std::fs::remove_file(&file).unwrap();
    let absent = tracer_agent().arg("--forward-headers").arg(&file).output();
    assert_eq!(absent.unwrap().status.code(), Some(2));
}

#[test]
fn show_prints_the_wanted_trace() {
    let agent = start();
    let url = agent.url();
    let none = show(&["--agent", &url]);
    assert_eq!(
        (none.status.code(), text(&none.stderr)),
        (Some(1), "tracer-agent: the agent keeps no trace yet\n")
    );

    report(&agent, "shop", &[Span::new(1, 1, 0, "older", 1_000, 2_000)]);
    report(&agent, "shop", &[Span::new(2, 1, 0, "newer", 5_000, 2_000)]);
    for (args, id, operation) in [
        (&["--last", "--agent", &url][..], 2, "newer"),
        (&["--agent", &url], 2, "newer"),
        (&["1", "--agent", &url], 1, "older"),
    ] {
        let output = show(args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let expected = format!("shop {operation}     2.00ms  █");
        assert!(
            text(&output.stdout).starts_with(&format!(
                "trace {id:016x}: 1 span, 1 service, 2.00ms, at 1970-01-01 "
            )),
            "{output:?}"
        );
        assert!(text(&output.stdout).contains(&expected), "{output:?}");
        assert!(
            !text(&output.stdout).contains('\u{1b}'),
            "colours in a pipe"
        );
    }
    let unknown = show(&["abc", "--agent", &url]);
    let expected = "tracer-agent: trace not found: it did not arrive, or was evicted\n";
    assert_eq!(
        (unknown.status.code(), text(&unknown.stderr)),
        (Some(1), expected)
    );

    let addr = agent.query_addr();
    agent.shutdown();
    let gone = show(&["--agent", &format!("http://{addr}")]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(
        text(&gone.stderr).starts_with(&format!("tracer-agent: no agent at http://{addr}: ")),
        "{gone:?}"
    );
    assert!(
        text(&gone.stderr).ends_with("; start one with tracer-agent\n"),
        "{gone:?}"
    );
    assert_eq!(text(&gone.stderr).lines().count(), 1);
}

#[test]
fn wrong_flags_exit_with_2_and_help_with_0() {
    let wrong = tracer_agent().arg("--prot").output().unwrap();
    let expected = "tracer-agent: invalid option '--prot' (see tracer-agent --help)\n";
    assert_eq!(
        (wrong.status.code(), text(&wrong.stderr)),
        (Some(2), expected)
    );
    let help = tracer_agent().arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("--compact-port N"), "{help:?}");
}

#[test]
fn a_taken_port_is_named_with_the_flag_that_changes_it() {
    let agent = start();
    let port = agent.query_addr().port().to_string();
    let output = tracer_agent()
        .args(["--ephemeral-ports", "--query-port", &port])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    let expected =
        format!("tracer-agent: cannot listen on tcp 127.0.0.1:{port} for pages and queries: ");
    assert!(
        error.starts_with(&expected) && error.contains("choose another port with --query-port"),
        "{error}"
    );
}

#[test]
fn an_error_of_starting_reads_the_same_by_debug() {
    let agent = start();
    let taken = tracer_agent::Agent::builder()
        .ephemeral_ports()
        .query_port(agent.query_addr().port());
    let error = taken.start().unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
}

/// A running binary that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the binary. Its port for Thrift binary, and that of its pages.
fn run(args: &[&str]) -> (Running, SocketAddr, SocketAddr) {
    let child = tracer_agent()
        .arg("--ephemeral-ports")
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut last_word = |name: &str| {
        let line = lines.find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("no line of {name}"));
        line.rsplit(' ').next().unwrap().to_owned()
    };
    let binary: SocketAddr = last_word("Jaeger Thrift binary").parse().unwrap();
    let url = last_word("  traces  ");
    let query = url.strip_prefix("http://").unwrap().parse().unwrap();
    (running, ([127, 0, 0, 1], binary.port()).into(), query)
}

fn wait_for_trace(query: SocketAddr) {
    let deadline = std::time::Instant::now() + crate::client::PATIENCE;
    while get(query, "/api/traces/1").status != 200 {
        assert!(
            std::time::Instant::now() < deadline,
            "the span did not arrive"
        );
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn it_works_on_when_nobody_reads_what_it_says() {
    let (mut running, binary, query) = run(&[]);
    drop(running.0.stderr.take());
    send(binary, b"no message, which it warns of");
    send(
        binary,
        &message("shop", &[Span::new(1, 1, 0, "op", 1, 1)], None),
    );
    wait_for_trace(query);
    let stderr = std::fs::File::options().write(true).open("/dev/full");
    let wrong = tracer_agent()
        .arg("--prot")
        .stderr(stderr.unwrap())
        .status();
    assert_eq!(wrong.unwrap().code(), Some(2));
}

#[cfg(unix)]
#[test]
fn it_runs_until_it_is_told_to_stop() {
    let (mut running, binary, query) =
        run(&["--listen", "0.0.0.0", "--allow-host", "agent.internal"]);
    send(
        binary,
        &message("shop", &[Span::new(1, 1, 0, "op", 1, 1)], None),
    );
    wait_for_trace(query);
    let stopped = Command::new("kill")
        .args(["-TERM", &running.0.id().to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let mut errors = String::new();
    running
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert!(
        errors.starts_with("warning: listening on 0.0.0.0: whoever reaches this machine"),
        "{errors}"
    );
}
