//! What a statement is called, and what of its text may be shown. Pure functions over text: no database, no span.
//!
//! This is a tokenizer, not a parser: it knows where literals, comments and quoted names begin and end in each dialect
//! and takes everything else for words and symbols. Any text gives an answer; text that no database would accept gives a
//! dull one.

mod lexer;
mod obfuscate;
mod operation;
mod table;

pub(crate) use lexer::Dialect;
pub(crate) use obfuscate::{obfuscate, obfuscate_message};
pub(crate) use operation::Operation;

/// Statements are read up to here, so that a dump of megabytes costs no more than a page of text.
pub(crate) const MAX_READ: usize = 16 * 1024;

/// The beginning of a text, cut where a character begins.
pub(crate) fn prefix(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
