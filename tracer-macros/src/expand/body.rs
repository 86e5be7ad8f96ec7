//! Looking into a body, where that cannot be helped.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::TokenStreamExt;
use syn::ext::IdentExt;
use syn::{Block, Expr, ExprAsync, Stmt};

/// The items that a body begins with, and the rest. What the macro adds goes between them: before the items it would make
/// clippy complain of the user's items after statements.
pub(crate) fn split(body: &TokenStream) -> (TokenStream, TokenStream) {
    let mut items = TokenStream::new();
    if !may_begin_with_item(body) {
        return (items, body.clone());
    }
    let Some(statements) = statements(body) else {
        return (items, body.clone());
    };
    let is_item = |statement: &&Stmt| matches!(statement, Stmt::Item(_));
    items.append_all(statements.iter().take_while(is_item));
    let mut rest = TokenStream::new();
    rest.append_all(statements.iter().skip_while(is_item));
    (items, rest)
}

/// By its first token, so that most bodies need not be read.
fn may_begin_with_item(body: &TokenStream) -> bool {
    const WORDS: [&str; 16] = [
        "async",
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "macro_rules",
        "mod",
        "pub",
        "static",
        "struct",
        "trait",
        "type",
        "union",
        "unsafe",
        "use",
    ];
    match body.clone().into_iter().next() {
        Some(TokenTree::Ident(word)) => WORDS.iter().any(|known| word == known),
        Some(TokenTree::Punct(punct)) => punct.as_char() == '#',
        _ => false,
    }
}

pub(crate) fn statements(body: &TokenStream) -> Option<Vec<Stmt>> {
    syn::parse::Parser::parse2(Block::parse_within, body.clone()).ok()
}

/// The `async move` block that is all there is in a body.
pub(crate) fn sole_async_block(body: &TokenStream) -> Option<ExprAsync> {
    match <[Stmt; 1]>::try_from(statements(body)?).ok()? {
        [Stmt::Expr(Expr::Async(block), None)] if block.capture.is_some() => Some(block),
        _ => None,
    }
}

/// Whether a variable is named anywhere in a body, or in text that may be a format.
pub(crate) fn names(body: &TokenStream, name: &Ident) -> bool {
    let formatted = format!("{{{}", name.unraw());
    names_or_has(body, name, &formatted)
}

fn names_or_has(body: &TokenStream, name: &Ident, formatted: &str) -> bool {
    body.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(found) => found == *name,
        TokenTree::Group(group) => names_or_has(&group.stream(), name, formatted),
        TokenTree::Literal(text) => text.to_string().contains(formatted),
        TokenTree::Punct(_) => false,
    })
}
