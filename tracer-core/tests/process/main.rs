//! Scenarios in processes of their own: ends of threads and of the process, panic hooks, forks, the installed tracer, the log.
//!
//! Without an argument, or with a part of a name, runs the scenarios as tests: this program starts itself for each, with the
//! scenario's name in the environment, and checks how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::exit,
    reason = "each scenario is a program, and fails as tests do"
)]

mod exit;
#[cfg(unix)]
mod forks;
mod hooks;
mod installed;
#[cfg(unix)]
mod kill;
mod logs;
mod many_names;
#[cfg(unix)]
mod names;
#[cfg(unix)]
mod shutdown;
mod thread_end;

use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than anything takes that is not stuck.
const PATIENCE: Duration = Duration::from_secs(60);
const VARIABLE: &str = "TRACER_TEST_SCENARIO";

/// What a scenario does in its process, and what it must print. A panic in it makes it fail.
struct Scenario {
    name: &'static str,
    run: fn(),
    prints: &'static str,
    succeeds: bool,
}

impl Scenario {
    const fn new(name: &'static str, run: fn()) -> Self {
        Self {
            name,
            run,
            prints: "",
            succeeds: true,
        }
    }

    const fn printing(name: &'static str, run: fn(), prints: &'static str) -> Self {
        Self {
            name,
            run,
            prints,
            succeeds: true,
        }
    }

    const fn failing(name: &'static str, run: fn(), prints: &'static str) -> Self {
        Self {
            name,
            run,
            prints,
            succeeds: false,
        }
    }

    /// `Err` says what went wrong.
    fn check(&self) -> Result<(), String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .env(VARIABLE, self.name)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let printed = read(child.stdout.take().unwrap());
        let complained = read(child.stderr.take().unwrap());
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    let _ = child.kill();
                    return Err("it did not end".to_owned());
                }
                None => std::thread::yield_now(),
            }
        };
        let (printed, complained) = (printed.join().unwrap(), complained.join().unwrap());
        if status.success() != self.succeeds || status.code().is_none() || printed != self.prints {
            return Err(format!(
                "it ended with {status}\nprinted:\n{printed}\ncomplained:\n{complained}"
            ));
        }
        Ok(())
    }
}

/// Reads to the end, on a thread: a process that finds its pipe full would wait for us.
fn read(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

fn main() -> ExitCode {
    let scenarios = scenarios();
    if let Ok(name) = std::env::var(VARIABLE) {
        #[cfg(unix)]
        for (service, run) in [
            (shutdown::SERVICE, shutdown::service as fn()),
            (kill::SERVICE, kill::service),
            (names::SERVICE, names::service),
        ] {
            if name == service {
                run();
                return ExitCode::SUCCESS;
            }
        }
        let scenario = scenarios
            .iter()
            .find(|scenario| scenario.name == name)
            .unwrap();
        (scenario.run)();
        return ExitCode::SUCCESS;
    }
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let mut failed = 0;
    let mut test = |name: &str, check: &dyn Fn() -> Result<(), String>| {
        if filter.as_ref().is_some_and(|part| !name.contains(part)) {
            return;
        }
        match check() {
            Ok(()) => println!("test {name} ... ok"),
            Err(error) => {
                failed += 1;
                println!("test {name} ... FAILED: {error}");
            }
        }
    };
    for scenario in &scenarios {
        test(scenario.name, &|| scenario.check());
    }
    #[cfg(unix)]
    {
        test(shutdown::NAME, &shutdown::check);
        test(kill::NAME, &kill::check);
        if std::env::var_os(names::ASKED).is_some() {
            test(names::NAME, &names::check);
        }
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    all.extend(exit::SCENARIOS);
    #[cfg(unix)]
    all.extend(forks::SCENARIOS);
    all.extend(hooks::SCENARIOS);
    all.extend(installed::SCENARIOS);
    all.extend(many_names::SCENARIOS);
    all.extend(logs::SCENARIOS);
    all.extend(thread_end::SCENARIOS);
    all
}
