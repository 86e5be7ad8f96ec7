//! `ret` and `err`: looking at what a function came to.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{ReturnType, Type};

use super::{Context, site};
use crate::args::Form;
use crate::returned;

pub(crate) struct Outcome<'a> {
    private: &'a TokenStream,
    err: Option<(Span, Form)>,
    ret: Option<Form>,
}

impl<'a> Outcome<'a> {
    pub(crate) fn new(context: &'a Context<'a>, of_block: bool) -> Self {
        let args = context.args;
        // On a whole block `err` is meant for the methods that can have one.
        let applies = !of_block || returns_result(&context.function.sig.output);
        Self {
            private: &context.private,
            err: args
                .err
                .as_ref()
                .filter(|_| applies)
                .map(|given| (given.word, given.value)),
            ret: args.ret.as_ref().map(|given| given.value),
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.err.is_none() && self.ret.is_none()
    }

    /// Statements that look at `__out: &T` for `__span: &ActiveSpan`.
    pub(crate) fn look(&self) -> TokenStream {
        let private = self.private;
        let ret = self.ret.map(|form| {
            let tag = match form {
                Form::Display => quote_spanned!(site()=> tag_display),
                Form::Plain | Form::Debug => quote_spanned!(site()=> tag_debug),
            };
            quote_spanned!(site()=> #private::#tag(__span, "return", __value);)
        });
        let Some((at, form)) = self.err else {
            return quote_spanned!(site()=> if __span.is_recording() { let __value = __out; #ret });
        };
        let log = match form {
            Form::Plain => quote_spanned! {site()=>
                #[allow(unused_imports)]
                use #private::{ViaCause as _, ViaDisplay as _, ViaError as _, ViaLocalCause as _};
                (&&&&#private::Fault(__error)).log(__span);
            },
            Form::Display => {
                quote_spanned!(site()=> #private::ViaDisplay::log(&#private::Fault(__error), __span);)
            }
            Form::Debug => quote_spanned!(site()=> #private::log_debug(__error, __span);),
        };
        // That it is no `Result` is the fault of the word `err`, and shown there.
        let at = at.resolved_at(site());
        let failed = quote_spanned!(at=> ::core::result::Result::Err(__error));
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
        let ty = match output.map(returned::nameable) {
            Some(ty) => quote_spanned!(site()=> #ty),
            None => quote_spanned!(site()=> _),
        };
        let look = self.look();
        (ty, quote_spanned!(site()=> |__out, __span| { #look }))
    }
}

/// `Result<..>`, `io::Result<..>`, `Fallible<..Result>`: by the name of the type, futures by that of their output.
fn returns_result(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else {
        return false;
    };
    is_result(ty)
}

fn is_result(ty: &Type) -> bool {
    match ty {
        Type::Path(named) => named
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Result"),
        _ => false,
    }
}
