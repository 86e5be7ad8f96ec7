//! Work in progress: the attribute `#[traced]`.

mod args;
mod expand;
mod item;
mod returned;
mod valid;

use proc_macro::TokenStream;

/// Traces a function.
#[proc_macro_attribute]
pub fn traced(args: TokenStream, item: TokenStream) -> TokenStream {
    run(args, item, expand::traced)
}

/// What `#[traced]` is under `--cfg tracer_off`.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn traced_off(args: TokenStream, item: TokenStream) -> TokenStream {
    run(args, item, expand::off)
}

/// Parse, validate, expand. A refused item is given back as it was, so that the refusal is the only error.
fn run(
    args: TokenStream,
    item: TokenStream,
    expand: fn(&args::Args, item::Item) -> proc_macro2::TokenStream,
) -> TokenStream {
    let (args, mut errors) = args::parse(args.into());
    let item = item::parse(item.into());
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
