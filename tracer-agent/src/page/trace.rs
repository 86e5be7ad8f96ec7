//! The page of one trace: a waterfall, each row of which opens to its tags and logs.
//!
//! All of it is here without a script. `trace.js` adds what changes the view of it: zoom, folding, the critical path alone. The
//! bars are drawn in microseconds from the start of the trace, so that a zoom is another view box.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use maud::{Markup, PreEscaped, html};

use super::{DEPTHS, colour, minimap, names};
use crate::critical_path::CriticalPath;
use crate::model::{RefType, Reference, Span, SpanId, Tag, Trace};
use crate::text;
use crate::tree::{Row, Tree};

/// Rows a browser still lays out without a pause.
const MAX_ROWS: usize = 5_000;

/// Names of services above the rows, which have them again.
const MAX_NAMES: usize = 50;
/// Bytes of a key beyond which it may be broken.
const LONG_KEY: usize = 40;

/// Writes it row by row, `MAX_ROWS` of them: that of a large trace is megabytes.
pub(super) fn write(
    out: &mut impl io::Write,
    trace: &Trace,
    tree: &Tree<'_>,
    services: &[String],
    from: usize,
) -> io::Result<()> {
    let all = tree.rows().len();
    let from = from.min(all);
    let rows = &tree.rows()[from..all.min(from + MAX_ROWS)];
    let axis = Axis::of(trace);
    let mut page = Page {
        services,
        view: axis.view(),
        axis,
        path: CriticalPath::of(tree),
        here: rows.iter().map(|row| row.span.span_id).collect(),
        placed: HashSet::with_capacity(rows.len()),
    };
    let part = part(from, rows.len(), all);
    let mut put = |markup: Markup| out.write_all(markup.0.as_bytes());
    put(head(trace, tree, services))?;
    put(html! { (part) (tools()) (minimap::strip(tree.rows(), &page.axis)) })?;
    // In pieces, so that the page is never held whole.
    let length = page.axis.length;
    put(html! { (PreEscaped(format!(r#"<div class="waterfall" data-length="{length}">"#))) })?;
    put(html! {
        div.axis aria-hidden="true" {
            @for quarter in 0..4u32 {
                span { (text::duration(trace.duration() * quarter / 4)) }
            }
        }
    })?;
    for (index, row) in rows.iter().enumerate() {
        let has_children = tree.rows().get(from + index + 1);
        let has_children = has_children.is_some_and(|next| next.depth > row.depth);
        put(page.row(row, from + index, has_children))?;
    }
    put(html! { (PreEscaped("</div>")) (part) })
}

/// What the script of the page can do, each with its key. Hidden until the script is there.
fn tools() -> Markup {
    let tool = |action: &str, key: &str, name: &str| {
        html! {
            button type="button" data-do=(action) data-key=(key) { (name) " " kbd { (key) } }
        }
    };
    html! {
        div.tools hidden {
            div role="group" aria-label="Zoom" {
                (tool("in", "+", "Zoom in"))
                (tool("out", "-", "Zoom out"))
                (tool("earlier", "a", "Earlier"))
                (tool("later", "d", "Later"))
                (tool("whole", "0", "Whole trace"))
            }
            div role="group" aria-label="Levels" {
                (tool("less", "p", "Fewer levels"))
                (tool("more", "o", "More levels"))
                (tool("none", "]", "Fold all"))
                (tool("all", "[", "Unfold all"))
            }
            div role="group" aria-label="Critical path" {
                (tool("marks", "c", "Critical path"))
                (tool("only", "x", "Only critical path"))
            }
            div role="group" aria-label="Spans" {
                (tool("previous", "b", "Previous span"))
                (tool("next", "f", "Next span"))
            }
        }
        p.quiet role="status" {}
    }
}

/// Which rows these are, and the ways to the others.
fn part(from: usize, len: usize, all: usize) -> Markup {
    let next = from + len;
    let to =
        |from: usize, name: &str| html! { a href={ "?from=" (from) } data-from=(from) { (name) } };
    html! {
        @if len < all {
            p.message {
                @if len == 0 { "There is no span " (from + 1) ": the trace has " (all) "." }
                @else { "Spans " (from + 1) " to " (next) " of " (all) "." }
                @if from > 0 { " " (to(from.saturating_sub(MAX_ROWS), "Previous")) }
                @if next < all { " " (to(next, "Next")) }
            }
        }
    }
}

fn head(trace: &Trace, tree: &Tree<'_>, services: &[String]) -> Markup {
    let errors = trace.spans().filter(|span| span.is_error()).count();
    html! {
        h1 {
            @if let Some(root) = tree.rows().first() { bdi { (text::headline(root.span.service())) } " " strong { (text::headline(&root.span.operation)) } }
            " " span.id { (trace.id()) }
        }
        p {
            (text::time(trace.start())) " UTC, " (text::duration(trace.duration())) ", "
            (trace.len()) (if trace.len() == 1 { " span" } else { " spans" })
            @if errors > 0 { ", " span.error { "! " (errors) (if errors == 1 { " error" } else { " errors" }) } }
            ". " a href={ "/api/traces/" (trace.id()) } { "JSON" }
        }
        p { (names(&trace.services(), services, MAX_NAMES)) }
        @if trace.refused() > 0 {
            p.message { (trace.refused()) " further spans were not kept: the trace is too large." }
        }
    }
}

/// What the rows of a page share.
struct Page<'p> {
    services: &'p [String],
    axis: Axis,
    /// The view box of each bar.
    view: String,
    path: CriticalPath,
    /// The spans on it, which links lead to.
    here: HashSet<SpanId>,
    /// Those written so far: of two with one id, the first is where links lead.
    placed: HashSet<SpanId>,
}

impl Page<'_> {
    fn row(&mut self, row: &Row<'_>, index: usize, has_children: bool) -> Markup {
        let span = row.span;
        let colour = colour(self.services, span.service());
        let (x, width) = self.axis.bar(span);
        let critical = self.path.sections(index);
        let anchor = self
            .placed
            .insert(span.span_id)
            .then(|| format!("s{}", span.span_id));
        html! {
            div.row.critical[critical.is_some()] data-depth=(row.depth) {
                @if has_children {
                    button.fold type="button" hidden aria-expanded="true" aria-label={ "what " (text::headline(&span.operation)) " calls" } {}
                }
                details.span {
                    summary {
                        span class={ "name d" (row.depth.min(DEPTHS - 1)) } {
                            span.hidden { "level " (row.depth + 1) " " }
                            @if row.depth >= DEPTHS { span.quiet aria-hidden="true" title="levels deeper than drawn" { "+" (row.depth + 1 - DEPTHS) " " } }
                            @if span.is_error() { span.error title="failed" { "! " } }
                            @if row.orphan { span.quiet title="its parent has not arrived" { "(parent missing) " } }
                            @if critical.is_some() { span.hidden { "on the critical path " } }
                            span class={ "service " (colour) } { (text::named(span.service())) } " " (text::named(&span.operation))
                        }
                        span.number { (text::duration(span.duration())) }
                        svg.bar aria-hidden="true" viewBox=(self.view) preserveAspectRatio="none" {
                            rect class={ (colour) @if span.is_error() { " failed" } } x=(x) width=(width) y="2" height="5" {}
                            @for section in critical.unwrap_or_default() {
                                rect.path x=(section.start - self.axis.start) width=(section.end - section.start) y="9" height="1" {}
                            }
                        }
                    }
                    div.detail id=[anchor] { (self.detail(span, index)) }
                }
            }
        }
    }

    fn detail(&self, span: &Span, index: usize) -> Markup {
        let at = |micros| text::duration(self.axis.after_start(micros));
        html! {
            p { span class={ "service " (colour(self.services, span.service())) } { (text::named(span.service())) } " " (text::named(&span.operation)) }
            p.quiet {
                "span " (self.link(span.span_id))
                @if let Some(parent) = span.parent() { ", parent " (self.link(parent)) }
                ", starts at " (at(span.start_micros))
                ", takes " (text::duration(span.duration()))
                @if self.path.sections(index).is_some() {
                    ", of which " (text::duration(Duration::from_micros(self.path.micros(index)))) " are its own on the critical path"
                }
            }
            @for reference in &span.references { (self.reference(span, reference)) }
            (tags("Tags", &span.tags))
            @if !span.logs.is_empty() {
                h2 { "Logs" }
                @for log in &span.logs {
                    table.tags {
                        caption { "at " (at(log.micros)) }
                        (rows(&log.fields))
                    }
                }
            }
            (tags("Process", &span.process.tags))
        }
    }

    /// A reference, unless it says no more than that there is a parent.
    fn reference(&self, span: &Span, reference: &Reference) -> Markup {
        let word = match reference.ref_type {
            RefType::ChildOf => "child of ",
            RefType::FollowsFrom => "follows from ",
        };
        let here = reference.trace_id == span.trace_id;
        let is_parent = here && Some(reference.span_id) == span.parent();
        html! {
            @if !(is_parent && reference.ref_type == RefType::ChildOf) {
                p.quiet {
                    (word)
                    @if here { (self.link(reference.span_id)) }
                    @else {
                        "span " (reference.span_id) " of trace "
                        a href={ "/trace/" (reference.trace_id) "#s" (reference.span_id) } { (reference.trace_id) }
                    }
                }
            }
        }
    }

    /// The id of a span, and the way to it if it is on this page.
    fn link(&self, id: SpanId) -> Markup {
        html! {
            @if self.here.contains(&id) { a href={ "#s" (id) } { (id) } } @else { (id) }
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
            tr { th.long[tag.key.len() > LONG_KEY] { (tag.key) } td { (tag.value.to_string()) } }
        }
    }
}

/// The time axis, whose left end is the start of the trace, in microseconds.
pub(super) struct Axis {
    start: u64,
    length: u64,
}

impl Axis {
    pub(super) fn of(trace: &Trace) -> Self {
        Self {
            start: trace.start_micros(),
            length: u64::try_from(trace.duration().as_micros())
                .unwrap_or(u64::MAX)
                .max(1),
        }
    }

    fn view(&self) -> String {
        format!("0 0 {} 10", self.length)
    }

    /// The place of a span's bar: (left end, width).
    fn place(&self, span: &Span) -> (u64, u64) {
        (
            span.start_micros - self.start,
            span.duration_micros.min(self.length),
        )
    }

    /// The same, drawn: nothing is seen of a bar that has no width, or lies behind the end.
    fn bar(&self, span: &Span) -> (u64, u64) {
        let (x, width) = self.place(span);
        (x.min(self.length - 1), width.max(1))
    }

    /// Where on the axis a span begins and ends, from 0 to 1.
    pub(super) fn shares(&self, span: &Span) -> (f64, f64) {
        let (x, width) = self.place(span);
        let share = |micros: u64| micros as f64 / self.length as f64;
        (share(x), share(x.saturating_add(width)))
    }

    /// Logs may be older than the trace: their time is the client's word.
    fn after_start(&self, micros: u64) -> Duration {
        Duration::from_micros(micros.saturating_sub(self.start))
    }
}
