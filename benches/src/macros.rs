//! What attribute macros cost to compile: a crate of many small functions under each, and under none.

mod package;

use std::error::Error;
use std::fmt::Write;

use crate::figure::median;
use package::Workspace;

/// How much to compile, and how often.
#[derive(Debug)]
pub(crate) struct Macros {
    functions: usize,
    rounds: usize,
}

/// An attribute, and the crate it comes from.
#[derive(Debug)]
struct Attribute {
    name: &'static str,
    /// What is written above each function.
    text: &'static str,
    /// A dependency of this package.
    dependency: Option<&'static str>,
}

const NONE: usize = 0;
const OURS: usize = 1;
/// The one the bar compares with.
const INSTRUMENT: usize = 2;

const ATTRIBUTES: [Attribute; 4] = [
    Attribute {
        name: "none",
        text: "",
        dependency: None,
    },
    Attribute {
        name: "ours",
        text: "#[tracer_core::traced]",
        dependency: Some("tracer-core"),
    },
    Attribute {
        name: "instrument",
        text: "#[tracing::instrument(skip_all)]",
        dependency: Some("tracing"),
    },
    Attribute {
        name: "fastrace",
        text: "#[fastrace::trace]",
        dependency: Some("fastrace"),
    },
];

/// Most that ours may take, as a ratio to `#[instrument]`.
const BAR: f64 = 1.15;

/// Cargo's commands, timed apart: the first expands and checks types, the second makes code too.
const COMMANDS: [&str; 2] = ["check", "build"];

/// Processor seconds of each attribute, and of each round those of all.
type Rounds = Vec<[f64; ATTRIBUTES.len()]>;

impl Macros {
    /// The words after `macros` on the command line.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut macros = Self {
            functions: 1000,
            rounds: 3,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--functions" => macros.functions = value()?.parse()?,
                "--rounds" => macros.rounds = value()?.parse()?,
                unknown => {
                    return Err(
                        format!("macros knows --functions and --rounds, not {unknown}").into(),
                    );
                }
            }
        }
        Ok(macros)
    }

    /// Compiles, and prints a table; progress goes to standard error.
    pub(crate) fn run(&self) -> Result<(), Box<dyn Error>> {
        let workspace = Workspace::create(&ATTRIBUTES, self.functions)?;
        let mut text = format!(
            "{} functions, half of them async, {}; processor seconds, medians of {} rounds\n\n{:20}{:>10}{:>12}{:>14}\n",
            self.functions,
            env!("BENCHES_RUSTC"),
            self.rounds,
            "",
            "seconds",
            "over none",
            "/ instrument"
        );
        for command in COMMANDS {
            eprintln!("{command}: dependencies");
            for attribute in &ATTRIBUTES {
                workspace.compile(command, attribute)?;
            }
            let mut rounds = Rounds::new();
            for round in 0..self.rounds {
                eprintln!("{command}: round {} of {}", round + 1, self.rounds);
                let mut seconds = [0.0; ATTRIBUTES.len()];
                // Another one begins each time, so that none always follows the same.
                for place in 0..ATTRIBUTES.len() {
                    let place = (place + round) % ATTRIBUTES.len();
                    seconds[place] = workspace.compile(command, &ATTRIBUTES[place])?;
                }
                rounds.push(seconds);
            }
            // Writing to a string cannot fail.
            let _ = write_rows(&mut text, command, &rounds);
        }
        print!("{text}");
        Ok(())
    }
}

/// The lines of a command. Ratios are medians of each round's, since what is compared ran side by side in it.
fn write_rows(text: &mut String, command: &str, rounds: &Rounds) -> std::fmt::Result {
    let middle = |of: &dyn Fn(&[f64; ATTRIBUTES.len()]) -> f64| {
        median(rounds.iter().map(of).collect()).unwrap_or(f64::NAN)
    };
    for (place, attribute) in ATTRIBUTES.iter().enumerate() {
        writeln!(
            text,
            "{:20}{:>10.2}{:>12.2}{:>14.2}",
            format!("{command} {}", attribute.name),
            middle(&|seconds| seconds[place]),
            middle(&|seconds| seconds[place] - seconds[NONE]),
            middle(&|seconds| seconds[place] / seconds[INSTRUMENT]),
        )?;
    }
    let ratio = middle(&|seconds| seconds[OURS] / seconds[INSTRUMENT]);
    let verdict = if ratio <= BAR { "holds" } else { "MISSED" };
    writeln!(
        text,
        "{command}: ours / instrument at most {BAR}: {verdict}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{Macros, write_rows};

    #[test]
    fn unknown_words_are_named() {
        let error = Macros::parse(&["--fast".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("--fast"));
    }

    #[test]
    fn the_bar_is_held_against_the_median_of_the_rounds() {
        let mut text = String::new();
        let rounds = vec![
            [1.0, 2.0, 2.0, 2.0],
            [1.0, 9.0, 2.0, 2.0],
            [1.0, 2.2, 2.0, 2.0],
        ];
        write_rows(&mut text, "check", &rounds).unwrap();
        assert!(text.contains("at most 1.15: holds"), "{text}");
        text.clear();
        write_rows(&mut text, "check", &rounds[1..2].to_vec()).unwrap();
        assert!(text.contains("at most 1.15: MISSED"), "{text}");
    }
}
