//! Validate: all that is refused, and how the refusal is worded.

use proc_macro2::Span;
use syn::{Error, ImplItem, ReturnType, TraitItem};

use crate::args::{Args, Given};
use crate::item::{Function, Item};
use crate::returned::{self, Shape};

const KINDS: [&str; 4] = ["client", "server", "producer", "consumer"];

/// The mistakes in an attribute and in what it stands on, each once.
pub(crate) fn check(args: &Args, item: &Item) -> Vec<Error> {
    let mut errors = Errors(Vec::new());
    values(args, &mut errors);
    match item {
        Item::Function(found) => function(args, found, &mut errors),
        Item::Impl(block) => {
            let methods = block
                .items
                .iter()
                .filter(|item| matches!(item, ImplItem::Fn(_)))
                .count();
            whole(
                args,
                methods,
                "`impl` block",
                block.impl_token.span,
                &mut errors,
            );
        }
        Item::Trait(block) => {
            let bodies = |item: &&TraitItem| matches!(item, TraitItem::Fn(method) if method.default.is_some());
            let methods = block.items.iter().filter(bodies).count();
            whole(args, methods, "trait", block.trait_token.span, &mut errors);
        }
        // An argument's mistake is told as well: it is another one.
        Item::Other { refusal, .. } => errors.0.push(refusal.clone()),
    }
    errors.0
}

struct Errors(Vec<Error>);

impl Errors {
    fn push(&mut self, at: Span, message: impl std::fmt::Display) {
        self.0.push(Error::new(at, message));
    }
}

/// What is wrong whatever the attribute stands on.
fn values(args: &Args, errors: &mut Errors) {
    if let Some(kind) = &args.kind {
        let found = kind.value.value();
        if !KINDS.contains(&found.as_str()) {
            let kinds = KINDS.map(|kind| format!("\"{kind}\"")).join(", ");
            errors.push(
                kind.value.span(),
                format!("unknown kind \"{found}\": a span's kind is one of {kinds}"),
            );
        }
    }
    if let Some(name) = &args.name
        && let syn::Expr::Lit(literal) = &name.value
    {
        match &literal.lit {
            syn::Lit::Str(text) if text.value().is_empty() => {
                errors.push(text.span(), "an operation name cannot be empty");
            }
            syn::Lit::Str(_) => {}
            other => errors.push(
                other.span(),
                "an operation name is a string literal or a constant `&str`",
            ),
        }
    }
    if let (Some(_), Some(needs)) = (&args.root, &args.skip_without_parent) {
        errors.push(
            needs.word,
            "`root` never has a parent: with `skip_without_parent` there would be no span at all",
        );
    }
    if let (Some(_), Some(parent)) = (&args.root, &args.child_of) {
        errors.push(
            parent.word,
            "`root` has no parent: to point from a new trace to its cause there is `follows_from`",
        );
    }
    if let (Some(_), Some(stream)) = (&args.future, &args.stream) {
        errors.push(
            stream.word,
            "a function gives back a `future` or a `stream`, not both",
        );
    }
}

fn function(args: &Args, function: &Function, errors: &mut Errors) {
    if let Some(constness) = &function.sig.constness {
        let message = "a `const fn` cannot be traced: it may run in the compiler, where there is no clock and no tracer";
        errors.push(constness.span, message);
        return;
    }
    let shape = Shape::of(function, args);
    forced(args, function, errors);
    for (word, given) in [("err", &args.err), ("ret", &args.ret)] {
        let Some(Given { word: at, .. }) = given else {
            continue;
        };
        outcome(word, *at, function, &shape, errors);
    }
}

/// `future` and `stream`.
fn forced(args: &Args, function: &Function, errors: &mut Errors) {
    for (word, given) in [("future", &args.future), ("stream", &args.stream)] {
        let Some(Given { word: at, .. }) = given else {
            continue;
        };
        if function.sig.asyncness.is_some() {
            let message = format!(
                "`{word}` is for functions whose return type hides one: an `async fn` is a future as it is"
            );
            errors.push(*at, message);
        } else if returned::is_unit(&function.sig.output)
            || returned::is_never(&function.sig.output)
        {
            errors.push(
                *at,
                format!(
                    "`{word}` needs a function that gives back a pinned box with a {word} in it"
                ),
            );
        }
    }
}

/// `err` and `ret` where there is nothing they could record.
fn outcome(word: &str, at: Span, function: &Function, shape: &Shape, errors: &mut Errors) {
    let output = &function.sig.output;
    let needs = if word == "err" {
        "a function that returns a `Result`"
    } else {
        "a function that returns something"
    };
    match shape {
        Shape::Stream { .. } if word == "ret" => errors.push(
            at,
            format!("`{word}` needs {needs}: a stream has many items and comes to nothing"),
        ),
        _ if returned::is_never(output) => errors.push(
            at,
            format!("`{word}` needs {needs}: this one never returns"),
        ),
        Shape::Sync | Shape::Async
            if matches!(output, ReturnType::Default) || returned::is_unit(output) =>
        {
            errors.push(at, format!("`{word}` needs {needs}: this one returns `()`"));
        }
        _ => {}
    }
}

/// The attribute on an `impl` block or a trait speaks for all its methods, so what speaks for one is refused.
fn whole(args: &Args, methods: usize, what: &str, at: Span, errors: &mut Errors) {
    let single = [
        ("name", args.name.as_ref().map(|given| given.word)),
        ("tags", args.tags.as_ref().map(|given| given.word)),
        ("ret", args.ret.as_ref().map(|given| given.word)),
        ("child_of", args.child_of.as_ref().map(|given| given.word)),
        (
            "follows_from",
            args.follows_from.as_ref().map(|given| given.word),
        ),
        ("when", args.when.as_ref().map(|given| given.word)),
        ("future", args.future.as_ref().map(|given| given.word)),
        ("stream", args.stream.as_ref().map(|given| given.word)),
    ];
    for (word, given) in single {
        if let Some(given) = given {
            let message = format!(
                "`{word}` is about one function: write it on the method (on a whole {what} there can be `kind`, `err`, `root`, `skip_without_parent`, `crate`)"
            );
            errors.push(given, message);
        }
    }
    if methods == 0 {
        errors.push(at, format!("this {what} has no method to trace"));
    }
}
