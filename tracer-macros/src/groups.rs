//! The invisible parentheses around what a macro was given.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::{Expr, Type};

/// The tokens with parentheses around each expression or type that a `macro_rules!` macro was given, where these can change
/// what the tokens mean.
///
/// The compiler puts `$a` of such a macro between invisible delimiters, and forgets those that come out of an attribute:
/// with `1 + 2` for `$a`, `$a * 2` would be 5.
pub(crate) fn visible(tokens: TokenStream) -> TokenStream {
    if !any(&tokens) {
        return tokens;
    }
    tokens.into_iter().map(tree).collect()
}

fn any(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::None || any(&group.stream()),
        _ => false,
    })
}

fn tree(tree: TokenTree) -> TokenTree {
    let TokenTree::Group(group) = tree else {
        return tree;
    };
    // Braces keep their edition, by which temporaries are dropped; of new parentheses none is unused.
    let (delimiter, at) = match group.delimiter() {
        Delimiter::None if falls_apart(&group.stream()) => (
            Delimiter::Parenthesis,
            Span::mixed_site().located_at(group.span()),
        ),
        delimiter => (delimiter, group.span()),
    };
    let mut seen = Group::new(delimiter, visible(group.stream()));
    seen.set_span(at);
    seen.into()
}

/// Whether that is an expression of which operators around it could take a part, or a type whose `+` they would not allow.
fn falls_apart(tokens: &TokenStream) -> bool {
    // One token is whole.
    if tokens.clone().into_iter().nth(1).is_none() {
        return false;
    }
    let is_expression = matches!(
        syn::parse2(tokens.clone()),
        Ok(Expr::Assign(_)
            | Expr::Binary(_)
            | Expr::Cast(_)
            | Expr::Closure(_)
            | Expr::Range(_)
            | Expr::RawAddr(_)
            | Expr::Reference(_)
            | Expr::Unary(_))
    );
    is_expression
        || match syn::parse2(tokens.clone()) {
            Ok(Type::ImplTrait(ty)) => ty.bounds.len() > 1,
            Ok(Type::TraitObject(ty)) => ty.bounds.len() > 1,
            _ => false,
        }
}
