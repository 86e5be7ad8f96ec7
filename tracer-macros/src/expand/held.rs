//! The arguments that the inner function or future owns.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, FieldPat, FnArg, Pat, PatIdent, Type};

use super::{Context, body, site};
use crate::item::Function;
use crate::returned;

/// Statements that make the inner function or future own the arguments that the body names: whole, for of one whose fields
/// alone are named it would own copies of these, and what is set in a copy is not seen by the destructor. What is owned is
/// dropped in the order in which it is named first: here that of arguments, the last one first. Also those like `_permit`,
/// which are there to be held and dropped: that is to happen in the span, too.
pub(crate) fn statements(context: &Context<'_>) -> TokenStream {
    let (private, function) = (&context.private, context.function);
    let by_value: Vec<_> = function.sig.inputs.iter().flat_map(by_value).collect();
    let hold = by_value
        .into_iter()
        .rev()
        .filter(|(_, name)| name.to_string().starts_with('_') || body::names(&function.body, name))
        .map(|(attrs, name)| {
            let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
            quote_spanned! {site()=>
                #(#cfgs)* #[allow(clippy::used_underscore_binding)] #private::hold(&#name);
            }
        });
    quote_spanned!(site()=> #(#hold)*)
}

/// Whether something is given by value that the body may change.
pub(crate) fn has_mutable(function: &Function) -> bool {
    function.sig.inputs.iter().any(|input| match input {
        FnArg::Typed(input) => bindings(&input.pat)
            .iter()
            .any(|name| name.mutability.is_some()),
        FnArg::Receiver(receiver) => receiver.mutability.is_some(),
    })
}

fn by_value(input: &FnArg) -> Vec<(&[Attribute], Ident)> {
    let is_reference = |ty| matches!(returned::bare(ty), Type::Reference(_));
    match input {
        FnArg::Typed(input) if matches!(*input.pat, Pat::Ident(_)) && is_reference(&input.ty) => {
            Vec::new()
        }
        FnArg::Typed(input) => bindings(&input.pat)
            .into_iter()
            .map(|name| (&input.attrs[..], name.ident))
            .collect(),
        FnArg::Receiver(receiver) => match &receiver.kind {
            syn::ReceiverKind::Reference(..) => Vec::new(),
            syn::ReceiverKind::Typed(_, ty) if is_reference(ty) => Vec::new(),
            _ => vec![(&[], receiver.self_token.into())],
        },
    }
}

/// What a pattern binds and does not borrow.
fn bindings(pat: &Pat) -> Vec<PatIdent> {
    struct Found(Vec<PatIdent>);
    impl VisitMut for Found {
        fn visit_pat_ident_mut(&mut self, name: &mut PatIdent) {
            if name.by_ref.is_none() {
                self.0.push(name.clone());
            }
            visit_mut::visit_pat_ident_mut(self, name);
        }

        // One under `#[cfg]` may not be there.
        fn visit_field_pat_mut(&mut self, field: &mut FieldPat) {
            if field.attrs.is_empty() {
                visit_mut::visit_field_pat_mut(self, field);
            }
        }
    }
    let mut found = Found(Vec::new());
    found.visit_pat_mut(&mut pat.clone());
    found.0
}
