//! Expand: the function again, with a span around its body.

mod async_trait;
mod begin;
mod body;
mod boxed;
mod held;
mod outcome;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{ImplItem, Path, ReturnType, TraitItem, Type, Visibility};

use crate::args::Args;
use crate::item::{self, Function, Item};
use crate::returned::{self, Shape};
use begin::Begin;
use outcome::Outcome;

/// The item, traced.
pub(crate) fn traced(args: &Args, item: Item) -> TokenStream {
    each(item, &mut |of_block, function| {
        expand(args, of_block, function)
    })
}

/// The item as it was. What the attribute's expressions name counts as used all the same, so that a build without tracing
/// warns of nothing new.
pub(crate) fn off(args: &Args, item: Item) -> TokenStream {
    each(item, &mut |_, function| {
        let (items, statements) = body::split(&function.body);
        let uses = begin::uses(args);
        function.with_body(&quote_spanned!(site()=> #items #uses #statements))
    })
}

/// Where generated tokens resolve: locals to the expansion alone, so that they and the user's cannot meet.
fn site() -> Span {
    Span::mixed_site()
}

/// What the expansion of one function is made from.
struct Context<'a> {
    args: &'a Args,
    function: &'a Function,
    /// The path of `tracer_core::private`.
    private: TokenStream,
}

fn expand(args: &Args, of_block: bool, function: &Function) -> TokenStream {
    let root = args.krate.as_ref().map_or_else(
        || quote_spanned!(site()=> ::tracer_core),
        |given| Path::to_token_stream(&given.value),
    );
    let context = Context {
        args,
        function,
        private: quote_spanned!(site()=> #root::private),
    };
    let shape = Shape::of(function, args);
    let begin = Begin::new(&context);
    let outcome = Outcome::new(&context, &shape, of_block);
    let (items, statements) = body::split(&function.body);
    let is_direct = matches!(shape, Shape::Sync) && outcome.is_none();
    let expanded = match shape {
        Shape::Sync => context.sync(&begin, &outcome, &statements),
        Shape::Async => context.asynchronous(&begin, &outcome, &statements),
        Shape::Future {
            boxed: false,
            output,
        } => context.future(&begin, &outcome, output.as_deref(), &statements),
        Shape::Stream { boxed: false, item } => {
            context.stream(&begin, &outcome, item.as_deref(), &statements)
        }
        Shape::Future { boxed: true, .. } => boxed::future(&context, &begin, &outcome, &statements),
        Shape::Stream { boxed: true, .. } => boxed::stream(&context, &begin, &outcome, &statements),
    };
    let expanded = function.with_body(&quote_spanned!(site()=> #items #expanded));
    // The lint is about async blocks, of which the function that was written is none.
    let yields = (function.sig.asyncness.is_some() && returned::is_future(&function.sig.output))
        .then(|| quote_spanned!(site()=> #[allow(clippy::async_yields_async)]));
    // What is set in an argument that a closure or an async block owns is never read, the compiler says: it forgets destructors.
    let assigns = (!is_direct && held::has_mutable(function))
        .then(|| quote_spanned!(site()=> #[allow(unused_assignments)]));
    quote_spanned!(site()=> #yields #assigns #expanded)
}

impl Context<'_> {
    // Input:
    //     #[traced(tags(amount), err)]
    //     fn charge(amount: u64) -> Result<(), Declined> { statements }
    //
    // Output:
    //     fn charge(amount: u64) -> Result<(), Declined> {
    //         let __scope = private::enter(const { &Callsite::new("charge", ..) });
    //         if __scope.is_recording() { .. }
    //         let __out = private::call(move || -> Result<(), Declined> { statements });
    //         { .. } // looks at __out
    //         __out
    //     }
    //
    // Without `ret` and `err` the statements follow directly.
    fn sync(
        &self,
        begin: &Begin<'_>,
        outcome: &Outcome<'_>,
        statements: &TokenStream,
    ) -> TokenStream {
        let enter = begin.scope();
        if outcome.is_none() {
            return quote_spanned!(site()=> #enter #statements);
        }
        let private = &self.private;
        let output = match &self.function.sig.output {
            ReturnType::Default => TokenStream::new(),
            ReturnType::Type(arrow, ty) => {
                let ty = returned::nameable(ty);
                quote_spanned!(site()=> #arrow #ty)
            }
        };
        let look = outcome.look();
        let held = held::statements(self);
        let block = self.braced(&quote_spanned!(site()=> #held #statements));
        quote_spanned! {site()=>
            #enter
            let __out = #private::call(move || #output #block);
            {
                let (__out, __span) = (&__out, &#private::own(&__scope));
                #look
            }
            __out
        }
    }

    // Input:
    //     #[traced(tags(id))]
    //     async fn load(id: u64) -> Order { statements }
    //
    // Output:
    //     async fn load(id: u64) -> Order {
    //         private::in_span(                              // without tags and options: private::traced(<call site>,
    //             { let mut __span = private::start(..); if __span.is_recording() { .. } __span },
    //             async move { <fake return of an Order>; statements },
    //         )
    //         .await
    //     }
    //
    // The span is an argument and not a variable, so that the future does not keep room for it twice.
    fn asynchronous(
        &self,
        begin: &Begin<'_>,
        outcome: &Outcome<'_>,
        statements: &TokenStream,
    ) -> TokenStream {
        let output = &self.function.sig.output;
        let fake_return = returned::fake_return(output);
        let held = held::statements(self);
        let future = {
            let block = self.braced(&quote_spanned!(site()=> #fake_return #held #statements));
            quote_spanned!(site()=> async move #block)
        };
        let in_span = outcome.in_own_span(begin, &future, None);
        if returned::is_never(output) {
            return quote_spanned!(site()=> match #in_span.await {});
        }
        quote_spanned!(site()=> #in_span.await)
    }

    /// A block where the body's is: an error about what it gives back points there.
    fn braced(&self, statements: &TokenStream) -> TokenTree {
        let mut block = Group::new(Delimiter::Brace, statements.clone());
        block.set_span(self.function.brace.span.join());
        block.into()
    }

    // Input:
    //     #[traced]
    //     fn load(&self) -> impl Future<Output = Order> { statements }
    //
    // Output:
    //     fn load(&self) -> impl Future<Output = Order> {
    //         let __scope = private::enter(..);
    //         let __out = private::call(move || { statements }); // which may return early
    //         private::in_span(private::leave(__scope, <call site>), __out)
    //     }
    fn future(
        &self,
        begin: &Begin<'_>,
        outcome: &Outcome<'_>,
        output: Option<&Type>,
        statements: &TokenStream,
    ) -> TokenStream {
        if let Some(block) = body::sole_async_block(statements) {
            return self.lazily(begin, outcome, output, block);
        }
        let (enter, span, private) = (begin.scope(), begin.left(), &self.private);
        let in_span = outcome.in_span(private, &span, &quote_spanned!(site()=> __out), output);
        let held = held::statements(self);
        let block = self.braced(&quote_spanned!(site()=> #held #statements));
        quote_spanned! {site()=>
            #enter
            let __out = #private::call(move || #block);
            #in_span
        }
    }

    // Input:
    //     async move { statements }
    //
    // Output:
    //     async move { private::in_span({ span }, async move { statements }).await }
    //
    // A function whose body is nothing but an async block is what `async fn` is short for: its span, too, begins at the
    // first poll.
    fn lazily(
        &self,
        begin: &Begin<'_>,
        outcome: &Outcome<'_>,
        output: Option<&Type>,
        mut block: syn::ExprAsync,
    ) -> TokenStream {
        // What is taken out is dropped after what is not.
        let arguments = if begin::uses(self.args).is_empty() {
            Vec::new()
        } else {
            async_trait::take_patterns(&self.function.sig, &mut block)
        };
        let in_span = outcome.in_own_span(begin, &block.into_token_stream(), output);
        quote_spanned!(site()=> async move { #(#arguments)* #in_span.await })
    }

    // Input:
    //     #[traced(err)]
    //     fn rows(&self) -> impl Stream<Item = Result<Row, Failed>> { statements }
    //
    // Output:
    //     fn rows(&self) -> impl Stream<Item = Result<Row, Failed>> {
    //         let __scope = private::enter(..);
    //         let __out = private::call(move || { statements });
    //         private::stream_in_span_with(private::leave(__scope, <call site>), __out, <closure that looks for the first error>)
    //     }
    fn stream(
        &self,
        begin: &Begin<'_>,
        outcome: &Outcome<'_>,
        item: Option<&Type>,
        statements: &TokenStream,
    ) -> TokenStream {
        let (enter, span, private) = (begin.scope(), begin.left(), &self.private);
        let in_span = outcome.stream_in_span(
            &quote_spanned!(site()=> #private::),
            &quote_spanned!(site()=> #span,),
            &quote_spanned!(site()=> __out),
            item,
        );
        let held = held::statements(self);
        let block = self.braced(&quote_spanned!(site()=> #held #statements));
        quote_spanned! {site()=>
            #enter
            let __out = #private::call(move || #block);
            #in_span
        }
    }
}

/// Expands a function, or each function of a block that is not excepted.
fn each(item: Item, expand: &mut dyn FnMut(bool, &Function) -> TokenStream) -> TokenStream {
    match item {
        Item::Function(function) => expand(false, &function),
        Item::Impl(mut block) => {
            for item in &mut block.items {
                let ImplItem::Fn(method) = item else { continue };
                if is_excepted(&mut method.attrs, method.sig.constness.is_some()) {
                    continue;
                }
                let (attrs, vis) = (std::mem::take(&mut method.attrs), method.vis.clone());
                let function = Function::of_block(
                    attrs,
                    vis,
                    method.modifiers.defaultness,
                    method.sig.clone(),
                    &method.block,
                );
                *item = ImplItem::Verbatim(expand(true, &function));
            }
            block.into_token_stream()
        }
        Item::Trait(mut block) => {
            for item in &mut block.items {
                let TraitItem::Fn(method) = item else {
                    continue;
                };
                if is_excepted(&mut method.attrs, method.sig.constness.is_some()) {
                    continue;
                }
                let Some(body) = &method.default else {
                    continue;
                };
                let attrs = std::mem::take(&mut method.attrs);
                let function = Function::of_block(
                    attrs,
                    Visibility::Inherited,
                    None,
                    method.sig.clone(),
                    body,
                );
                *item = TraitItem::Verbatim(expand(true, &function));
            }
            block.into_token_stream()
        }
        Item::Other { tokens, .. } => tokens,
    }
}

/// `#[untraced]` methods, those with a `#[traced]` of their own, and `const fn`s.
fn is_excepted(attrs: &mut Vec<syn::Attribute>, is_const: bool) -> bool {
    let has_own = attrs.iter().any(|attr| {
        attr.path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "traced")
    });
    item::take_untraced(attrs) || has_own || is_const
}
