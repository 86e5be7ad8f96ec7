//! Spans as text: the tree that tests compare.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;

use tracer_core::{Process, ReferenceKind, SpanId, SpanRecord, TagValue, TraceId};

/// Renders spans as a tree in the default style; see the [front page](crate) for the form.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// test.tracer().start_span("order").set_tag("id", 7);
/// assert_eq!(tracer_testing::render(&test.spans()), "order {id=7}");
/// ```
#[must_use]
pub fn render(spans: &[SpanRecord]) -> String {
    TreeStyle::new().render(spans)
}

/// Which tags and fields of a span are rendered, and how.
///
/// A pattern is a name, a beginning (`code.*`) or an ending (`*_us`). [`show`](Self::show) wins over the other two.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// test.tracer().start_span("GET").set_tag("peer.port", 49_152).set_tag("http.method", "GET");
/// let style = tracer_testing::TreeStyle::new().mask("*.port").hide("http.*");
/// assert_eq!(style.render(&test.spans()), "GET {peer.port=_}");
/// ```
#[derive(Clone, Debug)]
pub struct TreeStyle {
    hidden: Vec<String>,
    masked: Vec<String>,
    shown: Vec<String>,
}

/// A span to be rendered.
#[derive(Clone, Copy)]
struct Node<'a> {
    span: &'a SpanRecord,
    service: Option<&'a str>,
}

impl TreeStyle {
    /// The default: hides `code.*` and `sampler.*`, masks `*_us`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hidden: vec!["code.*".to_owned(), "sampler.*".to_owned()],
            masked: vec!["*_us".to_owned()],
            shown: Vec::new(),
        }
    }

    /// Leaves out tags and log fields of that name.
    #[must_use]
    pub fn hide(mut self, pattern: impl Into<String>) -> Self {
        self.hidden.push(pattern.into());
        self
    }

    /// Writes `_` for the value of tags and log fields of that name: they must be there, but differ from run to run.
    #[must_use]
    pub fn mask(mut self, pattern: impl Into<String>) -> Self {
        self.masked.push(pattern.into());
        self
    }

    /// Renders tags and log fields of that name in full, whatever else was said.
    #[must_use]
    pub fn show(mut self, pattern: impl Into<String>) -> Self {
        self.shown.push(pattern.into());
        self
    }

    /// Renders spans of one service.
    #[must_use]
    pub fn render(&self, spans: &[SpanRecord]) -> String {
        self.render_nodes(
            spans
                .iter()
                .map(|span| Node {
                    span,
                    service: None,
                })
                .collect(),
        )
    }

    /// Renders spans with the processes they are of, as
    /// [`MemoryReporter::take_with_process`](tracer_core::MemoryReporter::take_with_process) gives them. The services are
    /// named if there are several.
    #[must_use]
    pub fn render_services(&self, spans: &[(Arc<Process>, SpanRecord)]) -> String {
        let first = spans.first().map(|(process, _)| process.service_name());
        let several = spans
            .iter()
            .any(|(process, _)| Some(process.service_name()) != first);
        let node = |(process, span)| {
            let (process, span): (&Arc<Process>, _) = (process, span);
            Node {
                span,
                service: several.then(|| process.service_name()),
            }
        };
        self.render_nodes(
            spans
                .iter()
                .map(|(process, span)| node((process, span)))
                .collect(),
        )
    }

    fn render_nodes(&self, mut nodes: Vec<Node<'_>>) -> String {
        nodes.sort_by_key(|node| (node.span.start_order(), node.span.span_id()));
        let mut known = HashMap::new();
        for (at, node) in nodes.iter().enumerate() {
            known
                .entry((node.span.trace_id(), node.span.span_id()))
                .or_insert(at);
        }
        let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for (at, node) in nodes.iter().enumerate() {
            let parent = known.get(&(node.span.trace_id(), node.span.parent_id()));
            children
                .entry(parent.copied().filter(|&parent| parent != at))
                .or_default()
                .push(at);
        }
        let names = Names {
            known: &known,
            nodes: &nodes,
        };
        let mut text = String::new();
        let mut written = vec![false; nodes.len()];
        // Spans under a parent that is not there come first; what is left then are circles, which have no top.
        let tops = children.get(&None).cloned().unwrap_or_default();
        for top in tops.into_iter().chain(0..nodes.len()) {
            // Not by recursion: a trace may be deeper than the stack of a test's thread.
            let mut pending = vec![(top, 0)];
            while let Some((at, depth)) = pending.pop() {
                if std::mem::replace(&mut written[at], true) {
                    continue;
                }
                self.write_line(&mut text, nodes[at], depth, &names);
                let under = children.get(&Some(at)).into_iter().flatten();
                pending.extend(under.rev().map(|&child| (child, depth + 1)));
            }
        }
        text
    }

    fn write_line(&self, text: &mut String, node: Node<'_>, depth: usize, names: &Names<'_, '_>) {
        let span = node.span;
        if !text.is_empty() {
            text.push('\n');
        }
        text.extend(std::iter::repeat_n("  ", depth));
        text.push_str(&plain_line(span.operation_name()));
        let tags: BTreeMap<_, _> = span.tags().filter(|(key, _)| !self.hides(key)).collect();
        if !tags.is_empty() {
            self.write_pairs(text, '{', tags, '}');
        }
        for log in span.logs() {
            self.write_pairs(
                text,
                '[',
                log.fields.into_iter().filter(|(key, _)| !self.hides(key)),
                ']',
            );
        }
        let mut notes = Vec::new();
        if depth == 0 && !span.parent_id().is_none() {
            notes.push("parent elsewhere".to_owned());
        }
        for reference in span.references() {
            let kind = match reference.kind {
                ReferenceKind::ChildOf => "child_of",
                ReferenceKind::FollowsFrom => "follows_from",
            };
            notes.push(format!("{kind} {}", names.name(&reference.context)));
        }
        if !notes.is_empty() {
            // Writing to a `String` cannot fail.
            let _ = write!(text, " ({})", notes.join(", "));
        }
        if let Some(service) = node.service {
            let _ = write!(text, " @{service}");
        }
    }

    fn write_pairs<'v>(
        &self,
        text: &mut String,
        open: char,
        pairs: impl IntoIterator<Item = (&'v str, TagValue<'v>)>,
        close: char,
    ) {
        text.push(' ');
        text.push(open);
        for (position, (key, value)) in pairs.into_iter().enumerate() {
            let value = if self.masks(key) {
                "_".to_owned()
            } else {
                value_text(&value)
            };
            let comma = if position == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}{}={value}", plain_line(key));
        }
        text.push(close);
    }

    fn hides(&self, key: &str) -> bool {
        matches_any(&self.hidden, key) && !matches_any(&self.shown, key)
    }

    fn masks(&self, key: &str) -> bool {
        matches_any(&self.masked, key) && !matches_any(&self.shown, key)
    }
}

impl Default for TreeStyle {
    fn default() -> Self {
        Self::new()
    }
}

/// The spans that references may name.
struct Names<'n, 'a> {
    known: &'n HashMap<(TraceId, SpanId), usize>,
    nodes: &'n [Node<'a>],
}

impl Names<'_, '_> {
    fn name(&self, context: &tracer_core::SpanContext) -> String {
        match self.known.get(&(context.trace_id(), context.span_id())) {
            Some(&at) => plain_line(self.nodes[at].span.operation_name()),
            None => "elsewhere".to_owned(),
        }
    }
}

fn matches_any(patterns: &[String], key: &str) -> bool {
    patterns.iter().any(
        |pattern| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
            (Some(beginning), _) => key.starts_with(beginning),
            (None, Some(ending)) => key.ends_with(ending),
            (None, None) => key == pattern,
        },
    )
}

/// The text itself where all of it can be seen on one line, else in quotes.
fn plain_line(text: &str) -> String {
    let hidden = |c: char| !matches!(c, '"' | '\'' | '\\') && c.escape_debug().len() > 1;
    if text.is_empty() || text.contains(hidden) {
        format!("{text:?}")
    } else {
        text.to_owned()
    }
}

/// Numbers and truths bare; text in quotes unless it is a word that can be taken for nothing else.
fn value_text(value: &TagValue<'_>) -> String {
    match value {
        TagValue::F64(number) => format!("{number:?}"),
        TagValue::Str(text) if is_word(text) => text.clone().into_owned(),
        TagValue::Str(text) => format!("{text:?}"),
        TagValue::Bytes(_) => format!("0x{value}"),
        other => other.to_string(),
    }
}

fn is_word(text: &str) -> bool {
    let begins = text
        .chars()
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '/');
    let goes_on = text
        .chars()
        .all(|c| c.is_alphanumeric() || "/_.-:*@?&%#+~".contains(c));
    begins && goes_on && !matches!(text, "true" | "false" | "inf" | "NaN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_different_types_read_differently() {
        for (value, text) in [
            (TagValue::from(7), "7"),
            (TagValue::from("7"), "\"7\""),
            (TagValue::from(1.0), "1.0"),
            (TagValue::from(true), "true"),
            (TagValue::from("true"), "\"true\""),
            (TagValue::from("server"), "server"),
            (TagValue::from("/orders/7"), "/orders/7"),
            (TagValue::from("a b"), "\"a b\""),
            (TagValue::from("a=b"), "\"a=b\""),
            (TagValue::from(""), "\"\""),
            (TagValue::from("_"), "\"_\""),
            (TagValue::from(vec![0u8, 255]), "0x00ff"),
            (TagValue::from("0x00ff"), "\"0x00ff\""),
            (TagValue::from(f64::NAN), "NaN"),
            (TagValue::from("NaN"), "\"NaN\""),
        ] {
            assert_eq!(value_text(&value), text);
        }
    }

    #[test]
    fn patterns_match_names_beginnings_and_endings() {
        let matches = |pattern: &str, key| matches_any(&[pattern.to_owned()], key);
        assert!(matches("code.*", "code.line") && !matches("code.*", "codes"));
        assert!(matches("*_us", "http.ttfb_us") && !matches("*_us", "us"));
        assert!(matches("error", "error") && !matches("error", "error.kind"));
        assert!(matches("*", "anything"));
    }
}
