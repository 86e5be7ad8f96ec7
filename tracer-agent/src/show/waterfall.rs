//! A trace as lines of text: the tree of calls, durations, and bars on a common time axis.

use std::fmt::{self, Write as _};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::{Span, Trace};
use crate::text::{duration, named, printable, time};
use crate::tree::{Row, Tree};

/// Writes a trace as a waterfall of lines at most `width` columns wide, without colours. See [`Waterfall`].
#[must_use]
pub fn waterfall(trace: &Trace, width: usize) -> String {
    Waterfall::new(trace).width(width).to_string()
}

/// A trace as lines of text; [`Display`](fmt::Display) writes them.
///
/// Each line has the span's place in the tree, its service and operation, `!` if it failed, its duration, and a bar on
/// a time axis that all lines share. Names are cut, never wrapped, and cannot send control characters to the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Waterfall<'t> {
    trace: &'t Trace,
    width: usize,
    colour: bool,
}

impl<'t> Waterfall<'t> {
    /// The waterfall of a trace, 100 columns wide and without colours.
    #[must_use]
    pub fn new(trace: &'t Trace) -> Self {
        Self {
            trace,
            width: 100,
            colour: false,
        }
    }

    /// The columns to use, at least 40 and at most 10 000.
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns.clamp(40, 10_000);
        self
    }

    /// Whether to use ANSI colours: one per service, red for failures.
    #[must_use]
    pub fn colour(mut self, yes: bool) -> Self {
        self.colour = yes;
        self
    }

    fn paint(&self, f: &mut fmt::Formatter<'_>, colour: u8, text: &str) -> fmt::Result {
        if self.colour {
            write!(f, "\x1b[{colour}m{text}\x1b[0m")
        } else {
            f.write_str(text)
        }
    }

    fn summary(&self) -> String {
        let trace = self.trace;
        let (services, errors) = (
            trace.services().len(),
            trace.spans().filter(|span| span.is_error()).count(),
        );
        let mut line = format!(
            "trace {}: {}, {}",
            trace.id(),
            count(trace.len(), "span"),
            count(services, "service")
        );
        // Writing to a string does not fail.
        let _ = write!(line, ", {}", duration(trace.duration()));
        if errors > 0 {
            let _ = write!(line, ", {}", count(errors, "error"));
        }
        if trace.refused() > 0 {
            let _ = write!(
                line,
                ", {} more not kept",
                count(trace.refused() as usize, "span")
            );
        }
        let _ = write!(line, ", at {} UTC", time(trace.start()));
        line
    }
}

impl fmt::Display for Waterfall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        let tree = Tree::of(self.trace);
        let services = self.trace.services();
        let mut prefix = Prefix::default();
        let labels: Vec<(String, String)> = tree
            .rows()
            .iter()
            .map(|row| (prefix.of(row), name(row.span, row.orphan)))
            .collect();

        let longest = labels
            .iter()
            .map(|(prefix, name)| prefix.width() + name.width())
            .max()
            .unwrap_or(0);
        // The bars get at least two fifths of the line, and what the names leave.
        let names = longest.clamp(10, self.width * 3 / 5 - NUMBERS);
        let bars = self.width - names - NUMBERS;
        let axis = Axis::of(self.trace, bars);
        for (row, (prefix, name)) in tree.rows().iter().zip(&labels) {
            let failed = row.span.is_error();
            // A tree deeper than the column is wide keeps its inner end, next to the name.
            let prefix = keep_end(prefix, names - name.width().min(10));
            let name = cut(name, names - prefix.width());
            let fill = names - prefix.width() - name.width();
            let service = services.binary_search(&row.span.service()).unwrap_or(0);
            let colour = if failed {
                RED
            } else {
                COLOURS[service % COLOURS.len()]
            };
            f.write_str(prefix)?;
            self.paint(f, colour, &name)?;
            write!(f, "{:fill$} ", "")?;
            if failed {
                self.paint(f, RED, "!")?;
            } else {
                f.write_char(' ')?;
            }
            write!(f, " {:>8}  ", duration(row.span.duration()))?;
            self.paint(f, colour, &axis.bar(row.span))?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}

/// Columns between the names and the bars: a space, the mark of failure, a space, the duration, two spaces.
const NUMBERS: usize = 13;
const RED: u8 = 31;
/// Every colour of a terminal that is neither the background's nor the failures'.
const COLOURS: [u8; 8] = [36, 32, 35, 34, 33, 96, 92, 95];

/// The lines of the tree to the left of a name. Ancestors that have further siblings leave a line behind.
#[derive(Default)]
struct Prefix {
    /// For each ancestor and the span itself: is it the last of its siblings?
    last: Vec<bool>,
}

impl Prefix {
    fn of(&mut self, row: &Row<'_>) -> String {
        self.last.truncate(row.depth);
        self.last.push(row.last);
        // Roots stand side by side, without lines; a deep tree is drawn from the depth that can still be seen.
        let from = row.depth.saturating_sub(MAX_DRAWN).max(1);
        let above = self.last.get(from..row.depth).unwrap_or_default();
        let mut text: String = above
            .iter()
            .map(|last| if *last { "   " } else { "│  " })
            .collect();
        if row.depth > 0 {
            text.push_str(if row.last { "└─ " } else { "├─ " });
        }
        text
    }
}

const MAX_DRAWN: usize = 100;

/// Where on the line a moment lies.
struct Axis {
    start: u64,
    length: u64,
    columns: usize,
}

impl Axis {
    fn of(trace: &Trace, columns: usize) -> Self {
        let start = trace.start_micros();
        let end = trace.spans().map(Span::end_micros).max().unwrap_or(start);
        Self {
            start,
            length: (end - start).max(1),
            columns,
        }
    }

    /// The bar of a span, at least one column so that short spans are seen, at most to the end of the axis.
    fn bar(&self, span: &Span) -> String {
        let column = |micros: u64| {
            let share = (micros - self.start) as f64 / self.length as f64;
            (share * self.columns as f64).round() as usize
        };
        let from = column(span.start_micros).min(self.columns - 1);
        let to = column(span.end_micros()).clamp(from + 1, self.columns);
        let half_a_column = self.length / self.columns as u64 / 2;
        let block = if span.duration_micros < half_a_column {
            "▏"
        } else {
            "█"
        };
        format!("{}{}", " ".repeat(from), block.repeat(to - from))
    }
}

fn name(span: &Span, orphan: bool) -> String {
    format!(
        "{}{} {}",
        if orphan { "(parent missing) " } else { "" },
        printable(named(span.service())),
        printable(named(&span.operation))
    )
}

/// The longest beginning of `text` that fits, with an ellipsis when something was left out.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < columns
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// The last `columns` characters; the lines of a tree are one column each.
fn keep_end(text: &str, columns: usize) -> &str {
    let skip = text.chars().count().saturating_sub(columns);
    text.char_indices()
        .nth(skip)
        .map_or("", |(at, _)| &text[at..])
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
