//! Spans as indented text, the same for both peers.

use std::fmt::Write;

/// What is compared of a finished span.
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) parent: u64,
    /// Without the path of the module.
    pub(crate) name: String,
    /// Attributes, events and status in the order they are given: whatever tells more than that the span was there.
    pub(crate) marks: Vec<String>,
}

/// The children of `root`, and theirs: a line each, siblings in the order of the alphabet, since times can be equal.
pub(crate) fn tree(records: &[Record], root: u64) -> String {
    let mut text = String::new();
    write(&mut text, records, root, 0);
    text
}

fn write(text: &mut String, records: &[Record], parent: u64, depth: usize) {
    let mut children: Vec<_> = records
        .iter()
        .filter(|record| record.parent == parent)
        .map(|record| {
            let mut child = format!("{:1$}{2}", "", depth * 2, record.name);
            if !record.marks.is_empty() {
                let _ = write!(child, " {{{}}}", record.marks.join(", "));
            }
            child.push('\n');
            write(&mut child, records, record.id, depth + 1);
            child
        })
        .collect();
    children.sort();
    text.extend(children);
}

/// The expected text without the indentation of the test around it.
pub(crate) fn dedent(text: &str) -> String {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let indent = |line: &str| line.len() - line.trim_start().len();
    let least = lines().map(indent).min().unwrap_or(0);
    lines()
        .map(|line| format!("{}\n", &line[least..]))
        .collect()
}

/// Compares what [`crate::peer`] gave with the expected tree.
macro_rules! assert_tree {
    ($spans:expr, $expected:expr) => {
        assert_eq!($spans, $crate::tree::dedent($expected))
    };
}
pub(crate) use assert_tree;
