//! All contenders on all rows: each run in a process of its own, contenders next to each other in every round.

use std::collections::HashSet;
use std::error::Error;
use std::process::{Command, Stdio};

use crate::contender::NAMES;
use crate::figure::{Figures, Results, lost};
use crate::machine;
use crate::report::{json, table};
use crate::row::{ROWS, Row};

/// What to compare, and how to print it.
#[derive(Debug)]
pub(crate) struct Compare {
    json: bool,
    only: Vec<String>,
    rounds: usize,
}

impl Compare {
    /// The words after `compare` on the command line.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut compare = Self {
            json: false,
            only: Vec::new(),
            rounds: 5,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--json" => compare.json = true,
                "--only" => compare.only = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => compare.rounds = value()?.parse()?,
                unknown => {
                    return Err(format!(
                        "compare knows --json, --only and --rounds, not {unknown}"
                    )
                    .into());
                }
            }
        }
        Ok(compare)
    }

    /// Runs everything and prints it; progress goes to standard error.
    pub(crate) fn run(&self) -> Result<(), Box<dyn Error>> {
        let rows: Vec<&Row> = ROWS.iter().filter(|row| self.wants(row.name)).collect();
        if rows.is_empty() {
            return Err(format!("no row has any of {:?} in its name", self.only).into());
        }
        let machine = machine::describe(self.rounds);
        if machine.load.is_some_and(|load| load > 0.5) {
            eprintln!("the machine is busy with something else: do not quote these figures");
        }
        let mut results = Results::default();
        let mut cannot = HashSet::new();
        for round in 0..self.rounds {
            for row in rows.iter().filter(|row| round == 0 || !row.once) {
                eprintln!("round {} of {}: {}", round + 1, self.rounds, row.name);
                // Another one begins each time, so that none always follows the same.
                for place in 0..NAMES.len() {
                    let contender = NAMES[(place + round) % NAMES.len()];
                    if cannot.contains(&(row.name, contender)) {
                        continue;
                    }
                    match run(contender, row.name)? {
                        Some(figures) => {
                            let lost = lost(&figures);
                            if lost != 0.0 {
                                eprintln!(
                                    "{contender} lost {lost} spans in this run of {}",
                                    row.name
                                );
                            }
                            results.add(round, row.name, contender, figures);
                        }
                        None => drop(cannot.insert((row.name, contender))),
                    }
                }
            }
        }
        let rows: Vec<&'static str> = rows.iter().map(|row| row.name).collect();
        if self.json {
            println!(
                "{}",
                serde_json::to_string_pretty(&json::comparison(&machine, &results, &rows))?
            );
        } else {
            print!("{}", table::table(&machine, &results, &rows));
        }
        Ok(())
    }

    /// Rows are chosen by any part of their name.
    fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| row.contains(part.as_str()))
    }
}

/// One run in a process of its own.
fn run(contender: &str, row: &str) -> Result<Option<Figures>, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?)
        .args(["run", contender, row])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{contender} failed in row {row}: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::Compare;

    #[test]
    fn rows_are_chosen_by_parts_of_their_names() {
        let words = ["--only", "axum,flat10", "--rounds", "2"].map(str::to_owned);
        let compare = Compare::parse(&words).unwrap();
        assert!(compare.wants("axum_100") && compare.wants("flat1000"));
        assert!(!compare.wants("root"));
        assert_eq!(compare.rounds, 2);
    }

    #[test]
    fn unknown_words_are_named() {
        let error = Compare::parse(&["--fast".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("--fast"));
    }
}
