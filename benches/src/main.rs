//! The comparison of this project's tracer with the floor and its peers, on equal work. See the README beside this package.
//!
//! `compare` and `macros` are for people. The other verbs are what it starts itself as: `run` measures one row with one contender and prints a JSON line,
//! `sink` and `load` are the two ends of the rows with sockets. `loop` does a row's work a given number of times and nothing else, for profilers.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up must stop, and its parent says which row it was"
)]

mod affinity;
mod allocation;
mod bar;
mod compare;
mod contender;
mod database;
mod figure;
mod harness;
mod load;
mod machine;
mod macros;
mod receiver;
mod report;
mod row;
mod sink;
mod usage;
mod work;

use std::error::Error;
use std::process::ExitCode;

use crate::compare::Compare;
use crate::load::Load;
use crate::macros::Macros;

const USAGE: &str = "\
benches compare [--json] [--only NAMES] [--rounds N]   everything, or rows whose names contain one of NAMES (with commas between)
benches macros [--functions N] [--rounds N]            what attribute macros cost to compile
benches run CONTENDER ROW                              one row with one contender, as a JSON line
benches loop CONTENDER ROW ITERATIONS                  the work of a row and nothing else";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benches: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[String]) -> Result<(), Box<dyn Error>> {
    let (verb, rest) = words.split_first().ok_or(USAGE)?;
    match (verb.as_str(), rest) {
        ("compare", options) => Compare::parse(options)?.run(),
        ("macros", options) => Macros::parse(options)?.run(),
        ("run", [contender, row]) => {
            let figures = contender::run(contender, row::find(row)?)?;
            println!("{}", serde_json::to_string(&figures)?);
            Ok(())
        }
        ("loop", [contender, row, iterations]) => {
            contender::repeat(contender, row::find(row)?, iterations.parse()?)
        }
        ("sink", [core]) => sink::serve(core),
        ("load", options) => {
            println!("{}", serde_json::to_string(&Load::parse(options)?.run()?)?);
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}
