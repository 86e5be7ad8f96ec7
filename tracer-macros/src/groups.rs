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
    trees(tokens, false)
}

fn any(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::None || any(&group.stream()),
        _ => false,
    })
}

fn trees(tokens: TokenStream, in_attribute: bool) -> TokenStream {
    let mut follows_hash = false;
    let seen = tokens.into_iter().map(|tree| match tree {
        TokenTree::Group(found) => {
            let in_attribute = in_attribute || std::mem::take(&mut follows_hash);
            group(&found, in_attribute).into()
        }
        tree => {
            follows_hash = match &tree {
                TokenTree::Punct(mark) if mark.as_char() == '!' => follows_hash,
                TokenTree::Punct(mark) => mark.as_char() == '#',
                _ => false,
            };
            tree
        }
    });
    seen.collect()
}

fn group(group: &Group, in_attribute: bool) -> Group {
    // Braces keep their edition, by which temporaries are dropped; of new parentheses none is unused.
    let (delimiter, at) = match group.delimiter() {
        Delimiter::None if falls_apart(&group.stream(), in_attribute) => (
            Delimiter::Parenthesis,
            Span::mixed_site().located_at(group.span()),
        ),
        delimiter => (delimiter, group.span()),
    };
    let mut seen = Group::new(delimiter, trees(group.stream(), in_attribute));
    seen.set_span(at);
    seen
}

/// Whether that is an expression of which operators around it could take a part, or a type whose `+` they would not allow.
/// In an attribute `doc = "text"` is no expression.
fn falls_apart(tokens: &TokenStream, in_attribute: bool) -> bool {
    // One token is whole.
    if tokens.clone().into_iter().nth(1).is_none() {
        return false;
    }
    let is_expression = match syn::parse2(tokens.clone()) {
        Ok(Expr::Assign(_)) => !in_attribute,
        Ok(
            Expr::Binary(_)
            | Expr::Cast(_)
            | Expr::Closure(_)
            | Expr::Range(_)
            | Expr::RawAddr(_)
            | Expr::Reference(_)
            | Expr::Unary(_),
        ) => true,
        _ => false,
    };
    is_expression
        || match syn::parse2(tokens.clone()) {
            Ok(Type::ImplTrait(ty)) => ty.bounds.len() > 1,
            Ok(Type::TraitObject(ty)) => ty.bounds.len() > 1,
            _ => false,
        }
}
