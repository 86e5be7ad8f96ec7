//! `ret` and `err`: looking at what a function came to.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{ReturnType, Type};

use super::{Begin, Context, site};
use crate::args::Form;
use crate::returned::{self, Shape};

pub(crate) struct Outcome<'a> {
    private: &'a TokenStream,
    err: Option<(Span, Form)>,
    ret: Option<(Span, Form)>,
}

impl<'a> Outcome<'a> {
    pub(crate) fn new(context: &'a Context<'a>, shape: &Shape, of_block: bool) -> Self {
        let args = context.args;
        // On a whole block `err` is meant for the methods that can have one.
        let applies = !of_block || comes_to_result(shape, &context.function.sig.output);
        Self {
            private: &context.private,
            err: args
                .err
                .as_ref()
                .filter(|_| applies)
                .map(|given| (given.word, given.value)),
            ret: args.ret.as_ref().map(|given| (given.word, given.value)),
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.err.is_none() && self.ret.is_none()
    }

    /// Statements that look at `__out: &T` for `__span: &ActiveSpan`.
    pub(crate) fn look(&self) -> TokenStream {
        let private = self.private;
        let ret = self.ret.map(|(at, form)| {
            // As of `err`: what is wrong with the type is the fault of the word.
            let at = at.resolved_at(site());
            let tag = match form {
                Form::Display => quote_spanned!(at=> tag_display),
                Form::Plain | Form::Debug => quote_spanned!(at=> tag_debug),
            };
            quote_spanned!(at=> #private::#tag(__span, "return", __value);)
        });
        let Some((failed, log)) = self.error() else {
            return quote_spanned!(site()=> if __span.is_recording() { let __value = __out; #ret });
        };
        let otherwise = ret.map(|ret| {
            quote_spanned!(site()=> if let ::core::result::Result::Ok(__value) = __out { #ret })
        });
        quote_spanned! {site()=>
            if __span.is_recording() {
                if let #failed = __out { #log }
                #otherwise
            }
        }
    }

    /// The pattern of an error, and the statement that logs it.
    fn error(&self) -> Option<(TokenStream, TokenStream)> {
        let private = self.private;
        let (at, form) = self.err?;
        // What is wrong with the type is the fault of the word `err`, and shown there.
        let at = at.resolved_at(site());
        let logged = quote_spanned!(at=> (&&&&&#private::Fault(__error)).log(__span););
        let log = match form {
            Form::Plain => quote_spanned! {site()=>
                use #private::{ViaCause as _, ViaDisplay as _, ViaError as _, ViaLocalCause as _};
                #logged
            },
            Form::Display => {
                quote_spanned!(at=> #private::log_display(__error, __span);)
            }
            Form::Debug => quote_spanned!(at=> #private::log_debug(__error, __span);),
        };
        let failed = quote_spanned!(at=> ::core::result::Result::Err(__error));
        Some((failed, log))
    }

    /// `future` in the span that begins when it is polled for the first time.
    pub(crate) fn in_own_span(
        &self,
        begin: &Begin<'_>,
        future: &TokenStream,
        output: Option<&Type>,
    ) -> TokenStream {
        let private = self.private;
        match begin.plain() {
            Some(callsite) if self.is_none() => {
                quote_spanned!(site()=> #private::traced(|| #callsite, #future))
            }
            _ => self.in_span(private, &begin.span(), future, output),
        }
    }

    /// `future` in `span`, looked at if there is anything to look for.
    pub(crate) fn in_span(
        &self,
        owner: &TokenStream,
        span: &TokenStream,
        future: &TokenStream,
        output: Option<&Type>,
    ) -> TokenStream {
        if self.is_none() {
            return quote_spanned!(site()=> #owner::in_span(#span, #future));
        }
        let (ty, observe) = self.observer(output);
        quote_spanned!(site()=> #owner::in_span_with::<#ty, _, _>(#span, #future, #observe))
    }

    /// The type of the output, as far as the signature says, and the closure that looks at it.
    pub(crate) fn observer(&self, output: Option<&Type>) -> (TokenStream, TokenStream) {
        let look = self.look();
        let observe = quote_spanned!(site()=> |__out, __span| { #look });
        (named(output), observe)
    }

    /// `stream` in `span`, its items looked at until one is an error.
    pub(crate) fn stream_in_span(
        &self,
        owner: &TokenStream,
        span: &TokenStream,
        stream: &TokenStream,
        item: Option<&Type>,
    ) -> TokenStream {
        let Some((failed, log)) = self.error() else {
            return quote_spanned!(site()=> #owner stream_in_span(#span #stream));
        };
        let ty = named(item);
        quote_spanned! {site()=>
            #owner stream_in_span_with::<#ty, _, _>(#span #stream, |__out, __span| {
                let #failed = __out else { return false; };
                if __span.is_recording() { #log }
                true
            })
        }
    }
}

/// A type as far as the signature says.
fn named(ty: Option<&Type>) -> TokenStream {
    match ty.map(returned::nameable) {
        Some(ty) => quote_spanned!(site()=> #ty),
        None => quote_spanned!(site()=> _),
    }
}

/// Whether it is a `Result<..>`, `io::Result<..>`, by the name of the type, that a function comes to: of futures their
/// output, of streams the item.
fn comes_to_result(shape: &Shape, output: &ReturnType) -> bool {
    match shape {
        Shape::Sync | Shape::Async => {
            matches!(output, ReturnType::Type(_, ty) if is_result(ty))
        }
        Shape::Future { output: ty, .. } | Shape::Stream { item: ty, .. } => {
            ty.as_deref().is_some_and(is_result)
        }
    }
}

fn is_result(ty: &Type) -> bool {
    match returned::bare(ty) {
        Type::Path(named) => named
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Result"),
        _ => false,
    }
}
