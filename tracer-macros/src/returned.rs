//! What a function gives back, as far as its signature says.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{
    AssocType, GenericArgument, PathArguments, PathSegment, ReturnType, Type, TypeParamBound,
    TypePath, parse_quote,
};

use crate::args::Args;
use crate::item::Function;

/// The shape of a function: when its span begins and ends follows from it.
pub(crate) enum Shape {
    /// The span is the call.
    Sync,
    /// `async fn`.
    Async,
    /// A function that gives back a future; `output` if the signature says what of.
    Future {
        boxed: bool,
        output: Option<Box<Type>>,
    },
    /// A function that gives back a stream; `item` if the signature says what of.
    Stream {
        boxed: bool,
        item: Option<Box<Type>>,
    },
}

impl Shape {
    pub(crate) fn of(function: &Function, args: &Args) -> Self {
        if function.sig.asyncness.is_some() {
            return Self::Async;
        }
        let ReturnType::Type(_, ty) = &function.sig.output else {
            return Self::Sync;
        };
        let found = of_type(ty);
        match found {
            Self::Sync if args.future.is_some() => Self::Future {
                boxed: true,
                output: None,
            },
            Self::Sync if args.stream.is_some() => Self::Stream {
                boxed: true,
                item: None,
            },
            found => found,
        }
    }
}

fn of_type(ty: &Type) -> Shape {
    match bare(ty) {
        Type::ImplTrait(opaque) => of_bounds(opaque.bounds.iter(), false),
        Type::Path(TypePath { path, .. }) => path.segments.last().map_or(Shape::Sync, of_named),
        _ => Shape::Sync,
    }
}

/// `Pin<Box<dyn Future<..>>>`, `BoxFuture<'_, T>` and the like.
fn of_named(last: &PathSegment) -> Shape {
    let is_generic = matches!(last.arguments, PathArguments::AngleBracketed(_));
    match last.ident.to_string().as_str() {
        "Pin" => match type_arguments(last).next() {
            Some(Type::Path(boxed)) => match boxed.path.segments.last() {
                Some(boxed) if boxed.ident == "Box" => match type_arguments(boxed).next().map(bare)
                {
                    Some(Type::TraitObject(object)) => of_bounds(object.bounds.iter(), true),
                    _ => Shape::Sync,
                },
                _ => Shape::Sync,
            },
            _ => Shape::Sync,
        },
        "BoxFuture" | "LocalBoxFuture" if is_generic => Shape::Future {
            boxed: true,
            output: type_arguments(last).next().cloned().map(Box::new),
        },
        "BoxStream" | "LocalBoxStream" if is_generic => Shape::Stream {
            boxed: true,
            item: type_arguments(last).next().cloned().map(Box::new),
        },
        _ => Shape::Sync,
    }
}

/// A future or a stream, unless it is to be something else besides: the traced one is not.
fn of_bounds<'b>(bounds: impl Iterator<Item = &'b TypeParamBound>, boxed: bool) -> Shape {
    const KEPT: [&str; 7] = [
        "Debug",
        "RefUnwindSafe",
        "Send",
        "Sized",
        "Sync",
        "Unpin",
        "UnwindSafe",
    ];
    let mut found = Shape::Sync;
    for bound in bounds {
        let TypeParamBound::Trait(bound) = bound else {
            continue;
        };
        let Some(last) = bound.path.segments.last() else {
            continue;
        };
        if KEPT.iter().any(|kept| last.ident == kept) {
            continue;
        }
        let (output, item) = (associated("Output", last), associated("Item", last));
        found = match found {
            Shape::Sync if last.ident == "Future" && output.is_some() => Shape::Future {
                boxed,
                output: output.map(Box::new),
            },
            Shape::Sync if last.ident == "Stream" && item.is_some() => Shape::Stream {
                boxed,
                item: item.map(Box::new),
            },
            _ => return Shape::Sync,
        };
    }
    found
}

/// `T` of `Future<Output = T>`, `Stream<Item = T>`.
fn associated(name: &str, bound: &PathSegment) -> Option<Type> {
    let PathArguments::AngleBracketed(arguments) = &bound.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == name => {
            Some(ty.clone())
        }
        _ => None,
    })
}

fn type_arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments
        .into_iter()
        .flatten()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
}

/// A type without parentheses, and without the invisible ones around what a macro was given.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        ty => ty,
    }
}

/// Whether a function of that return type comes back at all, and with something.
pub(crate) fn is_unit(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => {
            matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
        }
    }
}

pub(crate) fn is_never(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(bare(ty), Type::Never(_)))
}

/// Whether it is a future that a function comes to, by the name of the type.
pub(crate) fn is_future(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else {
        return false;
    };
    match bare(ty) {
        Type::Path(TypePath { path, .. })
            if path
                .segments
                .last()
                .is_some_and(|last| last.ident == "JoinHandle" || last.ident == "Ready") =>
        {
            true
        }
        ty => matches!(of_type(ty), Shape::Future { .. }),
    }
}

/// A return type in places where `impl Trait` may not stand: each is left to inference.
pub(crate) fn nameable(ty: &Type) -> Type {
    struct Erase;
    impl VisitMut for Erase {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(_) = ty {
                *ty = parse_quote!(_);
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let mut ty = ty.clone();
    Erase.visit_type_mut(&mut ty);
    ty
}

/// A statement that never returns, but tells inference what the block around it does return: without it, an async block
/// would learn its type from its first `return`, not from the signature.
pub(crate) fn fake_return(output: &ReturnType) -> TokenStream {
    let (ty, at) = match output {
        ReturnType::Default => (quote!(()), Span::mixed_site()),
        // Every type can be made of the never type, and the empty one can be named on stable.
        ReturnType::Type(..) if is_never(output) => {
            (quote!(::core::convert::Infallible), Span::mixed_site())
        }
        ReturnType::Type(_, ty) => {
            let at = syn::spanned::Spanned::span(ty).resolved_at(Span::mixed_site());
            (nameable(ty).into_token_stream(), at)
        }
    };
    quote_spanned! {at=>
        if let ::core::option::Option::Some(__returned) = ::core::option::Option::None::<#ty> {
            return __returned;
        }
    }
}
