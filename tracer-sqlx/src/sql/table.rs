//! The name of a table, as it goes into an operation name.

use super::lexer::{Kind, Token};

/// Longer names are cut: operation names are an index, not a store.
const MAX_NAME: usize = 64;

/// The name of a token, without quotes.
pub(super) fn unquoted<'s>(token: &Token<'s>) -> &'s str {
    match token.kind {
        Kind::Quoted | Kind::Text => token.text.trim_matches(['"', '`', '[', ']']),
        _ => token.text,
    }
}

/// Appends the bare name of a token: quotes taken off, nothing that could steer a terminal, bounded.
pub(super) fn push_bare(name: &mut String, token: &Token<'_>) {
    let text = unquoted(token);
    if text.len() <= MAX_NAME && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        name.push_str(text);
        return;
    }
    let shown = text.chars().take(MAX_NAME);
    name.extend(shown.map(|c| if c.is_control() { '?' } else { c }));
}

/// Whether the token can be a name.
pub(super) fn is_name(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Word | Kind::Quoted)
}
