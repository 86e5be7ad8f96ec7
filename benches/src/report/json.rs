//! The comparison as JSON: a row for each bar, then a row for each figure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bar::{BARS, OURS};
use crate::contender::NAMES;
use crate::figure::Results;
use crate::machine::Machine;

/// The document.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison<'a> {
    machine: &'a Machine,
    rows: Vec<Line>,
}

/// A row. Where there is a bar, `value <= bar` means that it holds; a bar whose value could not be taken does not hold.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    unit: &'static str,
    ours: Option<f64>,
    peers: BTreeMap<&'static str, f64>,
    #[serde(flatten)]
    verdict: Option<Verdict>,
}

#[derive(Debug, Serialize)]
struct Verdict {
    value: Option<f64>,
    bar: f64,
    holds: bool,
}

/// Everything measured in `rows`.
pub(crate) fn comparison<'a>(
    machine: &'a Machine,
    results: &Results,
    rows: &[&'static str],
) -> Comparison<'a> {
    let bars = BARS.iter().filter(|bar| bar.is_within(rows)).map(|bar| {
        let value = bar.value(results);
        let verdict = Verdict {
            value,
            bar: bar.bar,
            holds: value.is_some_and(|value| value <= bar.bar),
        };
        line(bar.name.to_owned(), bar.unit, Some(verdict), |contender| {
            (bar.of)(results, contender)
        })
    });
    let figures = rows.iter().flat_map(|row| {
        results.figures(row).into_iter().map(move |figure| {
            line(
                format!("{row} {}", figure.title()),
                figure.unit(),
                None,
                |contender| results.get(row, contender, figure),
            )
        })
    });
    Comparison {
        machine,
        rows: bars.chain(figures).collect(),
    }
}

fn line(
    name: String,
    unit: &'static str,
    verdict: Option<Verdict>,
    of: impl Fn(&str) -> Option<f64>,
) -> Line {
    Line {
        name,
        unit,
        ours: of(OURS),
        peers: NAMES
            .iter()
            .filter(|name| **name != OURS)
            .filter_map(|name| Some((*name, of(name)?)))
            .collect(),
        verdict,
    }
}
