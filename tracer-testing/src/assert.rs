//! Comparing a tree with the one expected.

use similar::{ChangeTag, TextDiff};
use tracer_core::SpanRecord;

use crate::test_tracer::TestTracer;
use crate::tree::render;

/// Compares the spans so far with the expected tree, and panics with the difference if there is one.
///
/// The first argument is a [`TestTracer`], whose spans it takes, or spans or a rendered tree: anything that is
/// [`ToTree`]. Blank lines around the expected text, and the indentation its lines have in common, do not count.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// test.tracer().start_span("order").set_tag("id", 7);
/// tracer_testing::assert_trace!(test, "order {id=7}");
/// ```
///
/// ```should_panic
/// # let test = tracer_testing::TestTracer::new("shop");
/// test.tracer().start_span("order").set_tag("id", 7);
/// tracer_testing::assert_trace!(test, "order {id=8}");
/// ```
#[macro_export]
macro_rules! assert_trace {
    ($spans:expr, $expected:expr $(,)?) => {
        $crate::assert_tree(&$crate::ToTree::to_tree(&$spans), $expected)
    };
}

/// What has a tree as text.
///
/// ```
/// # use tracer_testing::{TestTracer, ToTree, assert_trace};
/// /// Two services of a test, each with its own tree.
/// struct Both(TestTracer, TestTracer);
///
/// impl ToTree for Both {
///     fn to_tree(&self) -> String {
///         format!("{}--\n{}", self.0.tree(), self.1.tree())
///     }
/// }
///
/// let both = Both(TestTracer::new("shop"), TestTracer::new("bank"));
/// both.1.tracer().start_span("transfer").finish();
/// assert_trace!(both, "--\ntransfer");
/// ```
pub trait ToTree {
    /// The tree. A [`TestTracer`] gives up its spans, which count as looked at.
    fn to_tree(&self) -> String;
}

impl ToTree for TestTracer {
    fn to_tree(&self) -> String {
        self.tree()
    }
}

impl ToTree for [SpanRecord] {
    fn to_tree(&self) -> String {
        render(self)
    }
}

impl ToTree for Vec<SpanRecord> {
    fn to_tree(&self) -> String {
        render(self)
    }
}

impl ToTree for str {
    fn to_tree(&self) -> String {
        self.to_owned()
    }
}

impl ToTree for String {
    fn to_tree(&self) -> String {
        self.clone()
    }
}

impl<T: ToTree + ?Sized> ToTree for &T {
    fn to_tree(&self) -> String {
        (**self).to_tree()
    }
}

/// What [`assert_trace!`] does with a rendered tree.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// test.tracer().start_span("order").finish();
/// tracer_testing::assert_tree(&test.tree().to_uppercase(), "ORDER");
/// ```
///
/// # Panics
/// When the trees differ.
#[track_caller]
pub fn assert_tree(found: &str, expected: &str) {
    let expected = dedent(expected);
    let found = dedent(found);
    assert!(
        found == expected,
        "the spans are not those expected\n{}\nall spans:\n{found}\n",
        diff(&expected, &found)
    );
}

/// The text without blank lines around it, without trailing spaces, and without the indentation all lines have.
fn dedent(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let common = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| indent(line))
        .min()
        .unwrap_or(0);
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(0);
    let end = lines
        .iter()
        .rposition(|line| !line.is_empty())
        .map_or(first, |last| last + 1);
    let kept: Vec<_> = lines[first..end]
        .iter()
        .map(|line| line.get(common..).unwrap_or(""))
        .collect();
    kept.join("\n")
}

/// The lines of both: `-` expected and missing, `+` not expected.
fn diff(expected: &str, found: &str) -> String {
    let (expected, found) = (format!("{expected}\n"), format!("{found}\n"));
    let mut text = String::from("(- expected, + found)\n");
    for change in TextDiff::from_lines(&expected, &found).iter_all_changes() {
        text.push_str(match change.tag() {
            ChangeTag::Delete => "- ",
            ChangeTag::Insert => "+ ",
            ChangeTag::Equal => "  ",
        });
        text.push_str(change.value());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_in_common_and_blank_lines_around_do_not_count() {
        assert_eq!(dedent("\n    a\n      b\n\n    c  \n    "), "a\n  b\n\nc");
        assert_eq!(dedent("a"), "a");
        assert_eq!(dedent(""), "");
        assert_eq!(dedent(" \n "), "");
    }

    #[test]
    fn difference_names_the_lines() {
        let text = diff("a\n  b", "a\n  c");
        assert_eq!(text, "(- expected, + found)\n  a\n-   b\n+   c\n");
    }

    #[test]
    #[should_panic(expected = "-   charge\n+   charge {cents=5}")]
    fn different_trees_fail() {
        assert_tree("order\n  charge {cents=5}", "order\n  charge");
    }
}
