//! `#[traced]`, the attribute of [tracer-core](https://docs.rs/tracer-core), which re-exports it: depend on that crate.
//!
//! # What it covers
//!
//! A function is traced from its first work to its last, whatever its shape. The last column names the test; `span` is what
//! the span covers, and the columns of the peers say what theirs does where it is not the same (`tracing-attributes` 0.1.31,
//! `fastrace-macro` 0.7.19). Those columns are tested in `benches/tests`. The visible block is an `async` one at the end of
//! the body, for `#[trace]` an `async move` one in `Box::pin(..)`: by that they tell that a future is given back.
//!
//! | shape | span | `#[instrument]` | `#[trace]` | test |
//! |---|---|---|---|---|
//! | `fn`, methods of any receiver, generics, patterns | the call | | | `shape_sync::methods_of_every_receiver` |
//! | `async fn` | first poll to ready or drop | | | `shape_async::spans_nest_over_awaits` |
//! | `async fn` that is not `Send` | the same | | | `shape_async::futures_need_not_be_send` |
//! | `async fn -> !` | the same | does not compile | does not compile | `shape_async::a_future_that_never_ends_is_cancelled` |
//! | recursion through a box | a span per call | | | `shape_async::recursion_is_a_chain` |
//! | methods of `#[async_trait]`, default ones too | as `async fn`, in the same box | needs `Self: Debug` or `skip(self)` | from the call | `shape_trait::methods_of_async_trait` |
//! | methods `-> impl Future`, default methods | the call to ready or drop | only the call, unless of a visible block | only the call | `shape_trait::methods_with_opaque_futures` |
//! | `fn -> impl Future`, whatever the body | the call to ready or drop | only the call; of a visible block first poll to ready or drop, without the statements before | only the call | `shape_future::an_opaque_future_is_traced_to_its_end` |
//! | `fn -> Pin<Box<dyn Future>>`, statements before, early returns, `BoxFuture` | the call to ready or drop | only the call; of a visible block as above, and no span for early returns | only the call; of a visible block it deletes all statements before, early returns too | `shape_future::a_boxed_future_is_traced_to_its_end` |
//! | `fn` with nothing but an `async move` block, boxed or not | first poll to ready or drop | | only the call; if boxed, from the call | `shape_future::the_span_begins_with_the_first_work_of_the_function` |
//! | hidden return types (`Self::Future`) with `#[traced(future)]` | the call to ready or drop | only the call, unless of a visible block; with one it needs `skip(self)` for `&mut self` | only the call, unless of a visible block | `arg_future::hidden_types_are_traced_to_their_end` |
//! | `fn -> impl Stream`, boxed ones | the call to the end or drop | only the call | only the call | `shape_stream::a_stream_is_one_span_to_its_end` |
//! | `impl` blocks, with `#[untraced]` methods | a span per call of a method | refused | refused | `shape_block::an_impl_block_traces_its_methods` |
//! | traits, their default methods | a span per call of a method | refused | refused | `shape_block::a_trait_traces_its_default_methods` |
//! | `unsafe fn`, `extern "C" fn`, `fn -> !` | the call | `fn -> !` does not compile | | `ui/pass/unusual_functions.rs` |
//! | a panic | to the unwinding, `error=true` | not marked | not marked | `panic::a_panic_marks_its_spans_and_goes_on_untouched` |
//! | a dropped future | to its last destructor, `cancelled=true` | not marked, arguments the body does not name are dropped outside of the span | not marked, destructors run outside of the span | `panic::a_dropped_future_is_cancelled_and_cleans_up_in_its_span` |
//! | `const fn`, methods without a body, other items | refused with one error | one or two errors | up to five errors | `ui/fail/const_fn.rs` |
//!
//! Attributes cannot stand on closures. `tracer_core::traced_fn!` is for those, and is tested in `tests/it/closure.rs`.
//!
//! # What it costs to compile
//!
//! A body is not parsed unless the macro has to look into it, and the expansion is a few calls. A crate of a thousand small
//! traced functions, half of them async, takes 5.0 s of processor time to check and 9.4 s to build; 10.9 s and 12.0 s with
//! `#[instrument(skip_all)]`, 4.4 s and 8.7 s with fastrace's `#[trace]`, 2.3 s and 2.5 s without any. It is measured in
//! `benches`, where it may take 1.15 times what `#[instrument]` does.
//!
//! # Where to look
//!
//! `args.rs` and `item.rs` parse, `valid.rs` refuses, `expand.rs` and the files below it write the function anew, each
//! transformation with its input and output beside it. What the expansion calls is `tracer_core::private`.

mod args;
mod expand;
mod groups;
mod item;
mod returned;
mod valid;

use proc_macro::TokenStream;

/// Traces a function: each call is a span, a child of the active one and itself active while the function runs.
///
/// ```
/// use tracer_core::traced;
/// # #[derive(Debug)] struct Order { id: u64 }
/// # #[derive(Debug)] struct Declined;
/// # impl std::fmt::Display for Declined { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) } }
///
/// #[traced(tags(order.id), err)]
/// async fn checkout(order: Order) -> Result<u64, Declined> {
///     let total = sum(&order); // a child of `checkout`
///     charge(total).await?; // another, over its awaits
///     Ok(total)
/// }
///
/// #[traced]
/// fn sum(order: &Order) -> u64 {
///     order.id
/// }
///
/// #[traced(name = "payment.charge", kind = "client", tags(cents))]
/// async fn charge(cents: u64) -> Result<(), Declined> {
///     Ok(())
/// }
/// ```
///
/// Nothing of the arguments is recorded unless it is named in `tags`. Without a tracer a call costs two reads more than
/// without the attribute, in a trace that is not sampled one; no expression of `tags` is evaluated then.
///
/// # When the span begins and ends
///
/// * A function that is not async: the call.
/// * An `async fn`, and a function whose body is nothing but an `async move` block, boxed or not (as `#[async_trait]` makes
///   them): from the first poll until the future is ready or dropped. A future that is never polled has no span.
/// * Another function that gives back a future or a stream, opaque or in a pinned box: from the call, whose statements run
///   in the span, until the future is ready, the stream at its end, or either dropped.
///
/// What counts is the return type, not how the body ends. A type that hides it, as `Self::Future` does, is told with
/// `future` or `stream`. One that promises more, as `impl Future<Output = u8> + Clone` does, is given back as it is: the span
/// is the call. No box is added where the macro can see the one the function returns (`Box::pin(..)`, `.boxed()`);
/// around one that was made elsewhere another is needed, and what comes out of it has to outlive that: a generic `T` of a
/// `BoxFuture<'static, T>` needs `T: 'static` then.
///
/// A panic finishes the span with `error=true` and goes on untouched. A future that is dropped before it is ready gets the
/// tag `cancelled`, a stream `complete=false`, and destructors run in the span. Spans know the file, line and module of
/// their function.
///
/// The context does not follow into other tasks and threads by itself: there are `in_current_context` for
/// `tokio::spawn`, `carry` for `spawn_blocking` and threads, `in_scope` for rayon.
///
/// # Arguments
///
/// | argument | |
/// |---|---|
/// | `name = "charge"` | the operation name, a literal or a constant `&'static str`; the function's name by default |
/// | `tags(..)` | what is recorded when the call begins, see below |
/// | `kind = "client"` | `client`, `server`, `producer` or `consumer`: the tag `span.kind` |
/// | `err` | an `Err` sets `error=true` and is logged with its causes, of a stream the first item that is one; `err(Display)` and `err(Debug)` choose how |
/// | `ret` | the returned value as the tag `return`, by `Debug`; `ret(Display)`; with `err` the value in `Ok` |
/// | `root` | begins a new trace, also under an active span |
/// | `child_of = expr` | the parent, in place of the active span: a `SpanContext`, an `Option` or a slice of them, or a reference |
/// | `follows_from = expr` | what caused this call without waiting for it; the same types |
/// | `when = expr` | no span unless the condition holds: the function runs as if it had no attribute |
/// | `skip_without_parent` | no span unless there is a parent: for what is only of interest inside of a trace |
/// | `future`, `stream` | the return type hides a pinned box with one |
/// | `crate = path` | where `tracer_core` is, if it has another name |
///
/// # Tags
///
/// ```
/// # use tracer_core::traced;
/// # struct User { id: u64, mail: String }
/// # #[derive(Debug)] enum Plan { Free }
/// #[traced(tags(
///     count,                     // an argument, or
///     user.id,                   // a field of one: the key is `user.id`
///     mail.length = user.mail.len(), // any expression
///     db.type = "sqlite",        // keys may have keywords and dots in them,
///     "a key" = count + 1,       // or be text
///     %user.mail,                // by `Display`
///     plan = ?plan,              // by `Debug`
/// ))]
/// fn subscribe(user: User, plan: &Plan, count: usize) {
///     drop(user);
/// }
/// ```
///
/// Expressions may use arguments and `self`. They are evaluated before the body, arguments in them are borrowed, and none
/// is evaluated unless the span is recorded. Without `%` and `?` a value, or what it points to, converts into a `TagValue`:
/// numbers, booleans, text, bytes and what implements `From<&T>` for it; of an `Option` what it holds, and nothing is recorded of
/// `None`.
///
/// The future of an `async fn` is larger by its span, some 40 bytes, and by the arguments that are given by value, which it
/// keeps twice: large ones are better borrowed or boxed.
///
/// It also has one more future in it, and the compiler bounds how deep futures lie in each other: where a dozen traced ones
/// await one another it may say `queries overflow the depth limit!`, and `#![recursion_limit = "256"]` in the crate is the remedy.
///
/// # Whole blocks
///
/// On an `impl` block or a trait it traces every method with a body, but for `const fn`s, methods with a `#[traced]` of
/// their own and those marked `#[untraced]`. `kind`, `err` (for methods that come to a `Result`), `root`,
/// `skip_without_parent` and `crate` can be given for all of them.
///
/// ```
/// # use tracer_core::traced;
/// # struct Basket { items: Vec<u32> }
/// #[traced(err)]
/// impl Basket {
///     async fn save(&self) -> Result<(), std::io::Error> {
///         Ok(())
///     }
///
///     #[untraced]
///     fn len(&self) -> usize {
///         self.items.len()
///     }
/// }
/// ```
///
/// # Order of attributes
///
/// Above `#[tokio::main]` or below it, above `#[async_trait]` on the block or below it on a method: both work.
///
/// # Compiled out
///
/// With `RUSTFLAGS="--cfg tracer_off"` functions are what they are without the attribute. It is no feature: those are
/// unified over a build, so that any dependency could switch tracing off for all.
///
/// # What it refuses
///
/// A `const fn`, a method without body and items that are no functions, blocks or traits, each with one error on the word
/// that is wrong. Closures have no attributes: [`traced_fn!`](https://docs.rs/tracer-core/latest/tracer_core/macro.traced_fn.html) is
/// for those. Under `#[track_caller]`, `ret` and `err` hide the caller from the body, as any closure around it does.
///
/// Lints about what the function could be, as `clippy::unused_async` and `clippy::missing_const_for_fn`, see the expansion:
/// they are silent, and an `#[expect]` of them is not fulfilled. Some want a body that is empty or one expression, and warn of
/// a traced one: `clippy::extra_unused_type_parameters` of `fn assert_send<T: Send>() {}`, `clippy::non_canonical_clone_impl`
/// and `clippy::non_canonical_partial_ord_impl`. `unreachable_code` warns where a statement that never ends in truth is the
/// last, as a call that gives back an `Infallible`: the span ends after it.
#[proc_macro_attribute]
pub fn traced(args: TokenStream, item: TokenStream) -> TokenStream {
    run(args, item, expand::traced)
}

/// What `#[traced]` is under `--cfg tracer_off`: the same checks, and the item as it was.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn traced_off(args: TokenStream, item: TokenStream) -> TokenStream {
    run(args, item, expand::off)
}

#[cfg(doctest)]
#[doc = include_str!("../tests/edition.md")]
struct Edition;

/// Parse, validate, expand. A refused item is given back as it was, so that the refusal is the only error.
fn run(
    args: TokenStream,
    item: TokenStream,
    expand: fn(&args::Args, item::Item) -> proc_macro2::TokenStream,
) -> TokenStream {
    let (args, mut errors) = args::parse(groups::visible(args.into()));
    let item = item::parse(groups::visible(item.into()));
    errors.extend(valid::check(&args, &item));
    let expanded = match errors.into_iter().reduce(with) {
        None => expand(&args, item),
        Some(error) => {
            let mut tokens = error.into_compile_error();
            tokens.extend(item::untouched(item));
            tokens
        }
    };
    expanded.into()
}

fn with(mut errors: syn::Error, error: syn::Error) -> syn::Error {
    errors.combine(error);
    errors
}
