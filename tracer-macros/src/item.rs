//! Parse: what the attribute stands on.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    AttrStyle, Attribute, Error, Ident, ImplItem, ItemImpl, ItemTrait, Result, Signature, Token,
    TraitItem, Visibility, token,
};

pub(crate) enum Item {
    Function(Box<Function>),
    Impl(Box<ItemImpl>),
    Trait(Box<ItemTrait>),
    /// Something the attribute does not belong on.
    Other {
        refusal: Error,
        tokens: TokenStream,
    },
}

/// A function with a body that is not looked into: what is in it is the compiler's to judge, and reading it would cost
/// every build.
pub(crate) struct Function {
    /// Outer ones.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    pub(crate) brace: token::Brace,
    /// The body's `#![..]`.
    pub(crate) inner: Vec<Attribute>,
    pub(crate) body: TokenStream,
}

pub(crate) fn parse(tokens: TokenStream) -> Item {
    let read = |input: ParseStream<'_>| item(input);
    read.parse2(tokens.clone())
        .unwrap_or_else(|refusal| Item::Other { refusal, tokens })
}

/// The item as it was, but for `#[untraced]`, which is no attribute of its own.
pub(crate) fn untouched(item: Item) -> TokenStream {
    match item {
        Item::Function(function) => function.to_token_stream(),
        Item::Impl(mut block) => {
            for method in &mut block.items {
                if let ImplItem::Fn(method) = method {
                    take_untraced(&mut method.attrs);
                }
            }
            block.into_token_stream()
        }
        Item::Trait(mut block) => {
            for method in &mut block.items {
                if let TraitItem::Fn(method) = method {
                    take_untraced(&mut method.attrs);
                }
            }
            block.into_token_stream()
        }
        Item::Other { tokens, .. } => tokens,
    }
}

/// Whether `#[untraced]` was there; it is not any more.
pub(crate) fn take_untraced(attrs: &mut Vec<Attribute>) -> bool {
    let before = attrs.len();
    attrs.retain(|attr| !attr.path().is_ident("untraced"));
    attrs.len() < before
}

fn item(input: ParseStream<'_>) -> Result<Item> {
    let ahead = input.fork();
    ahead.call(Attribute::parse_outer)?;
    ahead.parse::<Visibility>()?;
    ahead.parse::<Option<Token![default]>>()?;
    if let Ok(sig) = ahead.fork().parse::<Signature>() {
        ahead.parse::<Signature>()?;
        if ahead.peek(Token![;]) {
            let message = format!(
                "`{}` has no body to trace: put `#[traced]` where it is implemented, or give it a default body",
                sig.ident
            );
            return Err(Error::new(sig.ident.span(), message));
        }
        return Ok(Item::Function(input.parse()?));
    }
    ahead.parse::<Option<Token![unsafe]>>()?;
    if ahead.peek(Token![impl]) {
        return Ok(Item::Impl(input.parse()?));
    }
    if ahead.peek(Token![trait]) {
        return Ok(Item::Trait(input.parse()?));
    }
    Err(refusal(&ahead))
}

fn refusal(input: ParseStream<'_>) -> Error {
    let what = match input.fork().call(<Ident as syn::ext::IdentExt>::parse_any) {
        Ok(word) => match word.to_string().as_str() {
            "struct" | "enum" | "union" | "static" | "macro_rules" | "use" => {
                format!(", not on this `{word}`")
            }
            "mod" => ", not on a module: put it on the functions in it".to_owned(),
            "type" => ", not on a type alias".to_owned(),
            "const" => ", not on a constant".to_owned(),
            "extern" => ", not on foreign items".to_owned(),
            // A function that cannot be read: what is wrong with it is worth more than where the attribute belongs.
            "fn" | "async" | "unsafe" => match input.parse::<Signature>() {
                Err(error) => return error,
                Ok(_) => String::new(),
            },
            _ => String::new(),
        },
        Err(_) => String::new(),
    };
    Error::new(
        input.span(),
        format!("`#[traced]` belongs on a function, an `impl` block or a trait{what}"),
    )
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let defaultness = input.parse()?;
        let sig = input.parse()?;
        let content;
        let brace = syn::braced!(content in input);
        let inner = content.call(Attribute::parse_inner)?;
        Ok(Self {
            attrs,
            vis,
            defaultness,
            sig,
            brace,
            inner,
            body: content.parse()?,
        })
    }
}

impl Function {
    pub(crate) fn of_block(
        attrs: Vec<Attribute>,
        vis: Visibility,
        defaultness: Option<Token![default]>,
        sig: Signature,
        block: &syn::Block,
    ) -> Self {
        let (inner, attrs) = attrs
            .into_iter()
            .partition(|attr| matches!(attr.style, AttrStyle::Inner(_)));
        let mut body = TokenStream::new();
        body.append_all(&block.stmts);
        Self {
            attrs,
            vis,
            defaultness,
            sig,
            brace: block.brace_token,
            inner,
            body,
        }
    }

    /// The function with another body.
    pub(crate) fn with_body(&self, body: &TokenStream) -> TokenStream {
        let Self {
            attrs,
            vis,
            defaultness,
            sig,
            brace,
            inner,
            ..
        } = self;
        let mut braces = Group::new(Delimiter::Brace, quote!(#(#inner)* #body));
        braces.set_span(brace.span.join());
        let braces = TokenTree::from(braces);
        quote!(#(#attrs)* #vis #defaultness #sig #braces)
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.with_body(&self.body));
    }
}
