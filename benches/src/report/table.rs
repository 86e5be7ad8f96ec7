//! The comparison as a table.

use std::fmt::Write;

use crate::bar::{Against, BARS, OURS};
use crate::contender::NAMES;
use crate::figure::{Figure, Results};
use crate::machine::Machine;

/// Width of the column with the names, and of the others.
const NAME: usize = 42;
const COLUMN: usize = 14;

/// All figures of `rows`, with ours as a ratio to the floor and to fastrace, then the bars.
pub(crate) fn table(machine: &Machine, results: &Results, rows: &[&'static str]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_head(&mut text, machine);
    let _ = write_figures(&mut text, results, rows);
    let _ = write_bars(&mut text, results, rows);
    text
}

fn write_head(text: &mut String, machine: &Machine) -> std::fmt::Result {
    writeln!(
        text,
        "{}, {} cores, {}, {}",
        machine.cpu, machine.cores, machine.system, machine.rustc
    )?;
    writeln!(text, "{}", machine.versions.join(", "))?;
    writeln!(
        text,
        "load before: {}; medians of {} rounds, without runs that lost spans; `lost`: most of them did\n",
        machine.load.map_or_else(|| "unknown".to_owned(), number),
        machine.rounds
    )
}

fn write_figures(text: &mut String, results: &Results, rows: &[&str]) -> std::fmt::Result {
    write!(text, "{:NAME$}", "")?;
    for name in NAMES {
        write!(text, "{name:>COLUMN$}")?;
    }
    writeln!(
        text,
        "{:>COLUMN$}{:>COLUMN$}",
        "ours/floor", "ours/fastrace"
    )?;
    for row in rows {
        for figure in results.figures(row) {
            write!(
                text,
                "{:NAME$}",
                format!("{row} {}, {}", figure.title(), figure.unit())
            )?;
            for name in NAMES {
                write!(text, "{:>COLUMN$}", cell(results, row, name, figure))?;
            }
            for peer in ["floor", "fastrace"] {
                let ratio = results
                    .get(row, OURS, figure)
                    .zip(results.get(row, peer, figure));
                write!(
                    text,
                    "{:>COLUMN$}",
                    ratio
                        .map(|(ours, peer)| number(ours / peer))
                        .unwrap_or_default()
                )?;
            }
            writeln!(text)?;
        }
    }
    Ok(())
}

fn cell(results: &Results, row: &str, contender: &str, figure: Figure) -> String {
    if !results.is_valid(row, contender) {
        return "lost".to_owned();
    }
    results
        .get(row, contender, figure)
        .map_or_else(|| "-".to_owned(), number)
}

fn write_bars(text: &mut String, results: &Results, rows: &[&str]) -> std::fmt::Result {
    writeln!(
        text,
        "\n{:62}{:>12}{:>12}{:>12}",
        "bar", "ours", "value", "at most"
    )?;
    let (mut bars, mut held) = (0, 0);
    for bar in BARS.iter().filter(|bar| bar.is_within(rows)) {
        let value = bar.value(results);
        let holds = value.is_some_and(|value| value <= bar.bar);
        bars += 1;
        held += usize::from(holds);
        let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
        let verdict = match (holds, value, bar.against) {
            (true, ..) => "",
            (false, None, Against::Contender(peer)) if (bar.of)(results, OURS).is_some() => {
                &format!("  not measured: {peer}")
            }
            (false, None, _) => "  not measured",
            (false, Some(_), _) => "  MISSED",
        };
        let ours = show((bar.of)(results, OURS));
        writeln!(
            text,
            "{:62}{ours:>12}{:>12}{:>12}{verdict}",
            bar.name,
            show(value),
            number(bar.bar)
        )?;
    }
    writeln!(text, "{held} of {bars} bars hold")
}

/// Three significant digits, whole from a hundred on.
fn number(value: f64) -> String {
    let size = value.abs();
    let digits = match size {
        _ if size == 0.0 || size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_about_three_digits() {
        assert_eq!(
            [0.0, 0.0012, 0.5, 20.44, 123.4].map(number),
            ["0", "0.0012", "0.50", "20.4", "123"]
        );
    }
}
