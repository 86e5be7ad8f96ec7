//! The page of one trace: a waterfall, each row of which opens to its tags and logs.

use std::io;
use std::time::Duration;

use maud::{Markup, PreEscaped, html};

use super::{DEPTHS, colour};
use crate::model::{Span, Tag, Trace};
use crate::text;
use crate::tree::{Row, Tree};

/// Rows a browser still lays out without a pause.
const MAX_ROWS: usize = 5_000;

/// Writes it row by row: that of a large trace is megabytes.
pub(super) fn write(out: &mut impl io::Write, trace: &Trace) -> io::Result<()> {
    let tree = Tree::of(trace);
    let services = trace.services();
    let axis = Axis {
        start: trace.start_micros(),
        length: micros(trace.duration()).max(1),
    };
    let mut put = |markup: Markup| out.write_all(markup.0.as_bytes());
    put(head(trace, &tree, &services))?;
    put(PreEscaped(r#"<div class="waterfall">"#.into()))?;
    put(html! {
        div.axis {
            @for quarter in 0..4u32 {
                span { (text::duration(trace.duration() * quarter / 4)) }
            }
        }
    })?;
    for row in tree.rows().iter().take(MAX_ROWS) {
        put(self::row(row, &services, &axis))?;
    }
    put(PreEscaped("</div>".into()))?;
    put(html! {
        @if tree.rows().len() > MAX_ROWS {
            p.message { "The first " (MAX_ROWS) " of " (tree.rows().len()) " spans are shown; the JSON has all." }
        }
    })
}

fn head(trace: &Trace, tree: &Tree<'_>, services: &[&str]) -> Markup {
    let errors = trace.spans().filter(|span| span.is_error()).count();
    html! {
        h1 {
            @if let Some(root) = tree.rows().first() { (root.span.service()) " " strong { (root.span.operation) } }
            " " span.id { (trace.id()) }
        }
        p {
            (text::time(trace.start())) " UTC, " (text::duration(trace.duration())) ", " (trace.len()) " spans"
            @if errors > 0 { ", " span.error { "! " (errors) (if errors == 1 { " error" } else { " errors" }) } }
            ". " a href={ "/api/traces/" (trace.id()) } { "JSON" }
        }
        p {
            @for (n, service) in services.iter().enumerate() {
                span class={ "service " (colour(n)) } { (service) } " "
            }
        }
        @if trace.refused() > 0 {
            p.message { (trace.refused()) " further spans were not kept: the trace is too large." }
        }
    }
}

fn row(row: &Row<'_>, services: &[&str], axis: &Axis) -> Markup {
    let span = row.span;
    let colour = colour(services.binary_search(&span.service()).unwrap_or(0));
    let (x, width) = axis.place(span);
    html! {
        details.span {
            summary {
                span class={ "name d" (row.depth.min(DEPTHS - 1)) } {
                    @if span.is_error() { span.error title="failed" { "! " } }
                    @if row.orphan { span.quiet title="its parent has not arrived" { "(parent missing) " } }
                    span class={ "service " (colour) } { (span.service()) } " " (span.operation)
                }
                span.number { (text::duration(span.duration())) }
                svg.bar aria-hidden="true" {
                    rect class={ (colour) @if span.is_error() { " failed" } } x={ (x) "%" } width={ (width) "%" } y="25%" height="50%" {}
                }
            }
            div.detail {
                p.quiet {
                    "span " (span.span_id)
                    @if let Some(parent) = span.parent() { ", parent " (parent) }
                    ", starts at " (text::duration(axis.after_start(span.start_micros)))
                    ", takes " (text::duration(span.duration()))
                }
                (tags("Tags", &span.tags))
                @if !span.logs.is_empty() {
                    h2 { "Logs" }
                    @for log in &span.logs {
                        table.tags {
                            caption { (text::duration(axis.after_start(log.micros))) }
                            (rows(&log.fields))
                        }
                    }
                }
                (tags("Process", &span.process.tags))
            }
        }
    }
}

fn tags(title: &str, tags: &[Tag]) -> Markup {
    html! {
        @if !tags.is_empty() {
            h2 { (title) }
            table.tags { (rows(tags)) }
        }
    }
}

fn rows(tags: &[Tag]) -> Markup {
    html! {
        @for tag in tags {
            tr { th { (tag.key) } td { (tag.value.to_string()) } }
        }
    }
}

/// The time axis, whose left end is the start of the trace.
struct Axis {
    start: u64,
    length: u64,
}

impl Axis {
    /// The place of a span's bar, in percent of the axis: (left end, width).
    fn place(&self, span: &Span) -> (String, String) {
        let percent = |micros: u64| micros as f64 / self.length as f64 * 100.0;
        let (x, width) = (
            percent(span.start_micros - self.start),
            percent(span.duration_micros),
        );
        // Wide enough to be seen, and no wider than the axis.
        let width = width.clamp(0.2, 100.0);
        (
            format!("{:.3}", x.min(100.0 - width)),
            format!("{width:.3}"),
        )
    }

    /// Logs may be older than the trace: their time is the client's word.
    fn after_start(&self, micros: u64) -> Duration {
        Duration::from_micros(micros.saturating_sub(self.start))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
