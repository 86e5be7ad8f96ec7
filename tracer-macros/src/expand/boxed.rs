//! Functions that give back a future or a stream in a pinned box.

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprCall, ExprMethodCall, ReturnType, Stmt, Type, parse_quote, parse_quote_spanned,
};

use super::begin::Begin;
use super::outcome::Outcome;
use super::{Context, body, held, site};

// Input:
//     fn load(&self) -> BoxFuture<'_, Order> {
//         if let Some(order) = self.cached() { return Box::pin(ready(order)); }
//         Box::pin(async move { .. })
//     }
//
// Output:
//     fn load(&self) -> BoxFuture<'_, Order> {
//         let __scope = private::enter(..);
//         let __handover = &private::Handover::new(__scope, <call site>);
//         let __out = private::call(move || -> BoxFuture<'_, Order> {
//             if let Some(order) = self.cached() { return Box::pin(__handover.in_span(ready(order))); }
//             Box::pin(__handover.in_span(async move { .. }))
//         });
//         match __handover.unclaimed() { // where that cannot be told from the body
//             None => __out,
//             Some(__span) => Box::pin(private::in_span(__span, __out)), // a box made elsewhere
//         }
//     }
pub(crate) fn future(
    context: &Context<'_>,
    begin: &Begin<'_>,
    outcome: &Outcome<'_>,
    statements: &TokenStream,
) -> TokenStream {
    let ty = returned(context);
    let output: Type = parse_quote!(<#ty as ::core::future::Future>::Output);
    let output = Some(&output);
    if let Some(lazy) = sole(context, begin, outcome, output, statements) {
        return lazy;
    }
    let wrap = |inner: &Expr| {
        let inner = inner.to_token_stream();
        if outcome.is_none() {
            return quote_spanned!(site()=> __handover.in_span(#inner));
        }
        let (ty, observe) = outcome.observer(output);
        quote_spanned!(site()=> __handover.in_span_with::<#ty, _, _>(#inner, #observe))
    };
    let rebox = outcome.in_span(
        &context.private,
        &quote_spanned!(site()=> __span),
        &quote_spanned!(site()=> __out),
        output,
    );
    handed_over(context, begin, statements, &wrap, &rebox)
}

/// As [`future`], for streams.
pub(crate) fn stream(
    context: &Context<'_>,
    begin: &Begin<'_>,
    outcome: &Outcome<'_>,
    statements: &TokenStream,
) -> TokenStream {
    let private = &context.private;
    let ty = returned(context);
    let item: Type = parse_quote!(<#ty as #private::Stream>::Item);
    let item = Some(&item);
    let wrap = |inner: &Expr| {
        outcome.stream_in_span(
            &quote_spanned!(site()=> __handover.),
            &TokenStream::new(),
            &inner.to_token_stream(),
            item,
        )
    };
    let rebox = outcome.stream_in_span(
        &quote_spanned!(site()=> #private::),
        &quote_spanned!(site()=> __span,),
        &quote_spanned!(site()=> __out),
        item,
    );
    handed_over(context, begin, statements, &wrap, &rebox)
}

fn handed_over(
    context: &Context<'_>,
    begin: &Begin<'_>,
    statements: &TokenStream,
    wrap: &dyn Fn(&Expr) -> TokenStream,
    rebox: &TokenStream,
) -> TokenStream {
    let (enter, handover, private) = (begin.scope(), begin.handover(), &context.private);
    let mut boxes = Boxes { wrap, all: true };
    let statements = match body::statements(statements) {
        Some(parsed) => {
            let mut block = Block {
                brace_token: context.function.brace,
                stmts: parsed,
            };
            boxes.visit_block_mut(&mut block);
            boxes.wrap_tail(&mut block);
            let mut tokens = TokenStream::new();
            tokens.append_all(block.stmts);
            tokens
        }
        None => {
            boxes.all = false;
            statements.clone()
        }
    };
    let ty = returned(context);
    let out = if boxes.all {
        quote_spanned!(site()=> __out)
    } else {
        quote_spanned! {site()=>
            match __handover.unclaimed() {
                ::core::option::Option::None => __out,
                ::core::option::Option::Some(__span) => #private::pinned(#rebox),
            }
        }
    };
    let held = held::statements(context);
    let block = context.braced(&quote_spanned!(site()=> #held #statements));
    quote_spanned! {site()=>
        #enter
        let __handover = &#handover;
        let __out = #private::call(move || -> #ty #block);
        #out
    }
}

/// The type that is returned. What it comes to is asked of it and not read in it: an alias may hide that.
fn returned(context: &Context<'_>) -> TokenStream {
    match &context.function.sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => quote_spanned!(site()=> _),
    }
}

// Input, as `#[async_trait]` leaves it:
//     Box::pin(async move { statements })
//
// Output:
//     Box::pin(async move { private::in_span({ span }, async move { statements }).await })
fn sole(
    context: &Context<'_>,
    begin: &Begin<'_>,
    outcome: &Outcome<'_>,
    output: Option<&Type>,
    statements: &TokenStream,
) -> Option<TokenStream> {
    let [Stmt::Expr(mut tail, None)] = <[Stmt; 1]>::try_from(body::statements(statements)?).ok()?
    else {
        return None;
    };
    let inner = boxed_value(&mut tail)?;
    let Expr::Async(block) = &*inner else {
        return None;
    };
    block.capture?;
    let lazy = context.lazily(begin, outcome, output, block.clone());
    *inner = Expr::Verbatim(lazy);
    Some(tail.into_token_stream())
}

/// What goes into the box: of `Box::pin(x)`, `x.boxed()` and `x.boxed_local()`.
fn boxed_value(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::Call(ExprCall { func, args, .. }) if args.len() == 1 && is_box_pin(func) => {
            args.first_mut()
        }
        Expr::MethodCall(ExprMethodCall {
            receiver,
            method,
            args,
            ..
        }) if args.is_empty() && (method == "boxed" || method == "boxed_local") => Some(receiver),
        Expr::Cast(cast) => boxed_value(&mut cast.expr),
        Expr::Paren(inner) => boxed_value(&mut inner.expr),
        _ => None,
    }
}

fn is_box_pin(function: &Expr) -> bool {
    let Expr::Path(function) = function else {
        return false;
    };
    let mut names = function
        .path
        .segments
        .iter()
        .rev()
        .map(|segment| &segment.ident);
    names.next().is_some_and(|name| name == "pin") && names.next().is_some_and(|name| name == "Box")
}

/// Finds the boxes that a function is seen to return, and has the span put into each.
struct Boxes<'w> {
    wrap: &'w dyn Fn(&Expr) -> TokenStream,
    /// Whether nothing else can be returned. If so no box has to go into another, which not every type allows: what comes out of
    /// it would have to outlive it.
    all: bool,
}

impl Boxes<'_> {
    fn wrap_box(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Block(inner) if inner.label.is_none() => self.wrap_tail(&mut inner.block),
            Expr::Unsafe(inner) => self.wrap_tail(&mut inner.block),
            Expr::If(branches) => {
                self.wrap_tail(&mut branches.then_branch);
                if let Some((_, otherwise)) = &mut branches.else_branch {
                    self.wrap_box(otherwise);
                }
            }
            Expr::Match(arms) => arms
                .arms
                .iter_mut()
                .for_each(|arm| self.wrap_box(&mut arm.body)),
            // Wrapped where it was found.
            Expr::Return(_) => {}
            other => match boxed_value(other) {
                Some(inner) => {
                    let at = syn::spanned::Spanned::span(&*inner).resolved_at(site());
                    let wrapped = (self.wrap)(inner);
                    *inner = parse_quote_spanned!(at=> #wrapped);
                }
                None => self.all = false,
            },
        }
    }

    fn wrap_tail(&mut self, block: &mut Block) {
        match block.stmts.last_mut() {
            Some(Stmt::Expr(tail, None)) => self.wrap_box(tail),
            Some(Stmt::Expr(Expr::Return(_), Some(_))) => {}
            _ => self.all = false,
        }
    }
}

/// Looks for the `return`s of a function itself.
impl VisitMut for Boxes<'_> {
    fn visit_expr_return_mut(&mut self, found: &mut syn::ExprReturn) {
        visit_mut::visit_expr_return_mut(self, found);
        if let Some(value) = &mut found.expr {
            self.wrap_box(value);
        }
    }

    // Which may return.
    fn visit_macro_mut(&mut self, _: &mut syn::Macro) {
        self.all = false;
    }

    // Whose `return`s are their own.
    fn visit_expr_closure_mut(&mut self, _: &mut syn::ExprClosure) {}
    fn visit_expr_async_mut(&mut self, _: &mut syn::ExprAsync) {}
    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}
