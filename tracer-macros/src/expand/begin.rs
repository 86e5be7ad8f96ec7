//! The beginning of a span: its call site, its parent, its tags.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprReference, LitStr, Token};

use super::{Context, site};
use crate::args::{Args, Form, Tag};

/// Set even where nothing is recorded, for it decides whether anything is.
const SAMPLING_PRIORITY: &str = "sampling.priority";

pub(crate) struct Begin<'a> {
    context: &'a Context<'a>,
    /// How the span starts, without the last call: `private::Begin::new(site).root()`; `None` for the plain way.
    options: Option<TokenStream>,
    callsite: TokenStream,
}

impl<'a> Begin<'a> {
    pub(crate) fn new(context: &'a Context<'a>) -> Self {
        let callsite = callsite(context);
        let options = options(context, &callsite);
        Self {
            context,
            options,
            callsite,
        }
    }

    /// `let __scope = ..;` and its tags.
    pub(crate) fn scope(&self) -> TokenStream {
        let (private, callsite) = (&self.context.private, &self.callsite);
        let number = number(self.context);
        let enter = match &self.options {
            Some(options) => quote_spanned!(site()=> #options.enter()),
            None => quote_spanned!(site()=> #private::enter(#callsite, #number)),
        };
        let tags = self.tags(
            &quote_spanned!(site()=> __scope),
            &quote_spanned!(site()=> &__scope),
        );
        quote_spanned!(site()=> let __scope = #enter; #tags)
    }

    /// The span of `__scope`, which it leaves.
    pub(crate) fn left(&self) -> TokenStream {
        let (private, callsite) = (&self.context.private, &self.callsite);
        quote_spanned!(site()=> #private::leave(__scope, #callsite))
    }

    /// What holds the span of `__scope` until there is a future or stream to take it.
    pub(crate) fn handover(&self) -> TokenStream {
        let (private, callsite) = (&self.context.private, &self.callsite);
        quote_spanned!(site()=> #private::Handover::new(__scope, #callsite))
    }

    /// The call site and its number, if there is no more to the span: no options, no tags.
    pub(crate) fn plain(&self) -> Option<TokenStream> {
        let is_plain = self.options.is_none()
            && self
                .tags(&TokenStream::new(), &TokenStream::new())
                .is_empty();
        is_plain.then(|| {
            let (callsite, number) = (&self.callsite, number(self.context));
            quote_spanned!(site()=> (#callsite, #number))
        })
    }

    /// An expression that is a span, not active, with its tags.
    pub(crate) fn span(&self) -> TokenStream {
        let (private, callsite) = (&self.context.private, &self.callsite);
        let start = match &self.options {
            Some(options) => quote_spanned!(site()=> #options.start()),
            None => quote_spanned!(site()=> #private::start(#callsite)),
        };
        let tags = self.tags(
            &quote_spanned!(site()=> __span),
            &quote_spanned!(site()=> &mut __span),
        );
        if tags.is_empty() {
            return start;
        }
        quote_spanned!(site()=> { let mut __span = #start; #tags __span })
    }

    // Input:
    //     tags(amount, order.id = %order.id), kind = "client"
    //
    // Output:
    //     if __scope.is_recording() {
    //         use private::{Deep as _, Deeper as _, Direct as _, Optional as _, OptionalDeep as _};
    //         private::tag_kind(&__scope, "client");
    //         private::tag(&__scope, "amount", (&&&&&&private::Probe(&amount)).tag_value());
    //         private::tag_display(&__scope, "order.id", &order.id);
    //     }
    fn tags(&self, span: &TokenStream, target: &TokenStream) -> TokenStream {
        let (private, args) = (&self.context.private, self.context.args);
        let tags = args.tags.iter().flat_map(|tags| &tags.value);
        let (first, rest): (Vec<_>, Vec<_>) =
            tags.partition(|tag| tag.key.value() == SAMPLING_PRIORITY);
        let kind = args.kind.as_ref().map(|kind| {
            let kind = &kind.value;
            quote_spanned!(site()=> #private::tag_kind(#target, #kind);)
        });
        let probes = quote_spanned! {site()=>
            use #private::{Deep as _, Deeper as _, Direct as _, Optional as _, OptionalDeep as _};
        };
        let mut tokens = TokenStream::new();
        if !first.is_empty() {
            let set = first.into_iter().map(|tag| self.tag(tag, target));
            tokens.extend(quote_spanned!(site()=> { #probes #(#set)* }));
        }
        if kind.is_some() || !rest.is_empty() {
            let uses = rest
                .iter()
                .any(|tag| tag.form == Form::Plain)
                .then_some(probes);
            let set = rest.into_iter().map(|tag| self.tag(tag, target));
            tokens
                .extend(quote_spanned!(site()=> if #span.is_recording() { #uses #kind #(#set)* }));
        }
        tokens
    }

    fn tag(&self, Tag { key, form, value }: &Tag, target: &TokenStream) -> TokenStream {
        let private = &self.context.private;
        let key = LitStr::new(&key.value(), site());
        let at = span_of(value);
        let value = borrowed(value);
        match form {
            Form::Display => quote_spanned!(site()=> #private::tag_display(#target, #key, #value);),
            Form::Debug => quote_spanned!(site()=> #private::tag_debug(#target, #key, #value);),
            Form::Plain => {
                let value = quote_spanned!(at=> (&&&&&&#private::Probe(#value)).tag_value());
                quote_spanned!(site()=> #private::tag(#target, #key, #value);)
            }
        }
    }
}

/// A constant expression: where the function stands, for "jump to source", at no cost when it runs.
fn callsite(context: &Context<'_>) -> TokenStream {
    let (private, ident) = (&context.private, &context.function.sig.ident);
    let name = match &context.args.name {
        Some(given) => given.value.to_token_stream(),
        None => {
            LitStr::new(&syn::ext::IdentExt::unraw(ident).to_string(), site()).into_token_stream()
        }
    };
    // Not `file!()` and `line!()`: they would say where the attribute stands, or the macro around it, not the function.
    let span = ident.span().unwrap();
    let (file, line) = (span.file(), u32::try_from(span.line()).unwrap_or_default());
    quote_spanned!(site()=> const { &#private::Callsite::new(#name, ::core::module_path!(), #file, #line) })
}

/// Where the number of the name of the call site is kept. Of a name that is an expression nowhere: that may depend on the
/// generics of the function, which a static cannot.
fn number(context: &Context<'_>) -> TokenStream {
    let private = &context.private;
    match &context.args.name {
        Some(given) if !matches!(given.value, Expr::Lit(_)) => {
            quote_spanned!(site()=> ::core::option::Option::None)
        }
        _ => quote_spanned! {site()=>
            ::core::option::Option::Some({ static __NUMBER: #private::SiteNumber = #private::SiteNumber::new(); &__NUMBER })
        },
    }
}

fn options(context: &Context<'_>, callsite: &TokenStream) -> Option<TokenStream> {
    let (private, args) = (&context.private, context.args);
    let mut calls = TokenStream::new();
    if let Some(when) = &args.when {
        let condition = &when.value;
        calls.extend(quote_spanned!(site()=> .when(#condition)));
    }
    if args.skip_without_parent.is_some() {
        calls.extend(quote_spanned!(site()=> .needs_parent()));
    }
    if args.root.is_some() {
        calls.extend(quote_spanned!(site()=> .root()));
    }
    if let Some(contexts) = &args.child_of {
        let contexts = borrowed(&contexts.value);
        calls.extend(quote_spanned!(site()=> .child_of(#contexts)));
    }
    if let Some(contexts) = &args.follows_from {
        let contexts = borrowed(&contexts.value);
        calls.extend(quote_spanned!(site()=> .follows_from(#contexts)));
    }
    (!calls.is_empty()).then(|| quote_spanned!(site()=> #private::Begin::new(#callsite)#calls))
}

/// Where errors about a value of the user's are to point.
fn span_of(value: &Expr) -> Span {
    Spanned::span(value).resolved_at(site())
}

/// `&value`, with the parentheses that needs.
fn borrowed(value: &Expr) -> Expr {
    Expr::Reference(ExprReference {
        attrs: Vec::new(),
        and_token: Token![&](span_of(value)),
        mutability: None,
        expr: Box::new(value.clone()),
    })
}

/// A statement that does nothing with all expressions of the attribute.
pub(crate) fn uses(args: &Args) -> TokenStream {
    let tags = args
        .tags
        .iter()
        .flat_map(|tags| tags.value.iter().map(|tag| &tag.value));
    let others = [&args.child_of, &args.follows_from, &args.when];
    let values: Vec<_> = tags
        .chain(others.into_iter().flatten().map(|given| &given.value))
        .map(borrowed)
        .collect();
    if values.is_empty() {
        return TokenStream::new();
    }
    let ignore = quote!(#(let _ = #values;)*);
    quote_spanned!(site()=> if false { #ignore })
}
