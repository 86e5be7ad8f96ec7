//! The name of a table, as it goes into an operation name.

use super::lexer::{Kind, Token};

/// Longer names are cut: operation names are an index, not a store.
const MAX_NAME: usize = 64;

/// The bare name of a token: quotes taken off, nothing that could steer a terminal, bounded.
pub(super) fn bare(token: &Token<'_>) -> String {
    let text = match token.kind {
        Kind::Quoted | Kind::Text => token.text.trim_matches(['"', '`', '[', ']']),
        _ => token.text,
    };
    text.chars()
        .take(MAX_NAME)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Whether the token can be a name.
pub(super) fn is_name(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Word | Kind::Quoted)
}
