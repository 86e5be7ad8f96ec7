//! Parse: the arguments of `#[traced(..)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, ExprField, Ident, LitStr, Member, Path, Result, Token, parenthesized};

/// An argument and the word that gave it, where errors about it point.
pub(crate) struct Given<T = ()> {
    pub(crate) word: Span,
    pub(crate) value: T,
}

#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Option<Given<Expr>>,
    pub(crate) tags: Option<Given<Vec<Tag>>>,
    pub(crate) kind: Option<Given<LitStr>>,
    pub(crate) err: Option<Given<Form>>,
    pub(crate) ret: Option<Given<Form>>,
    pub(crate) root: Option<Given>,
    pub(crate) child_of: Option<Given<Expr>>,
    pub(crate) follows_from: Option<Given<Expr>>,
    pub(crate) when: Option<Given<Expr>>,
    pub(crate) skip_without_parent: Option<Given>,
    pub(crate) future: Option<Given>,
    pub(crate) stream: Option<Given>,
    pub(crate) krate: Option<Given<Path>>,
}

/// Every argument, as errors list them.
const WORDS: [&str; 13] = [
    "name",
    "tags",
    "kind",
    "err",
    "ret",
    "root",
    "child_of",
    "follows_from",
    "when",
    "skip_without_parent",
    "future",
    "stream",
    "crate",
];

/// One of `tags(..)`.
pub(crate) struct Tag {
    pub(crate) key: LitStr,
    pub(crate) form: Form,
    pub(crate) value: Expr,
}

/// How a value becomes text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// By conversion; for results, by what suits them.
    Plain,
    Display,
    Debug,
}

/// Reads all arguments. An error costs the argument it is in, and reading goes on behind the next comma, so that each
/// mistake is told and none is told twice.
pub(crate) fn parse(tokens: TokenStream) -> (Args, Vec<Error>) {
    let mut args = Args::default();
    let mut errors = Vec::new();
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Err(error) = args.argument(input) {
                errors.push(error);
                skip(input)?;
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    if let Err(error) = read.parse2(tokens) {
        errors.push(error);
    }
    (args, errors)
}

impl Args {
    fn argument(&mut self, input: ParseStream<'_>) -> Result<()> {
        if let Ok(name) = input.fork().parse::<LitStr>() {
            let message = format!(
                "the operation name has an argument of its own: `name = {}`",
                name.token()
            );
            return Err(Error::new(name.span(), message));
        }
        let Ok(word) = input.call(Ident::parse_any) else {
            return Err(Error::new(
                input.span(),
                format!("expected an argument of `#[traced]`: {}", list()),
            ));
        };
        match word.to_string().as_str() {
            "name" => once(&mut self.name, &word, value(&word, input, "\"operation\"")?)?,
            "tags" => {
                let tags = tags(&word, input)?;
                once(&mut self.tags, &word, tags)?;
            }
            "kind" => once(&mut self.kind, &word, kind(&word, input)?)?,
            "err" => once(&mut self.err, &word, form(&word, input)?)?,
            "ret" => once(&mut self.ret, &word, form(&word, input)?)?,
            "root" => once(&mut self.root, &word, ())?,
            "child_of" => once(&mut self.child_of, &word, value(&word, input, "context")?)?,
            "follows_from" => once(
                &mut self.follows_from,
                &word,
                value(&word, input, "context")?,
            )?,
            "when" => once(&mut self.when, &word, value(&word, input, "condition")?)?,
            "skip_without_parent" => once(&mut self.skip_without_parent, &word, ())?,
            "future" => once(&mut self.future, &word, ())?,
            "stream" => once(&mut self.stream, &word, ())?,
            "crate" => {
                expect_value(&word, input, "path::to::tracer_core")?;
                once(&mut self.krate, &word, input.call(Path::parse_mod_style)?)?;
            }
            other => return Err(Error::new(word.span(), unknown(other))),
        }
        end(&word, input)
    }
}

fn once<T>(slot: &mut Option<Given<T>>, word: &Ident, value: T) -> Result<()> {
    if slot.is_some() {
        return Err(Error::new(word.span(), format!("`{word}` is given twice")));
    }
    *slot = Some(Given {
        word: word.span(),
        value,
    });
    Ok(())
}

fn expect_value(word: &Ident, input: ParseStream<'_>, example: &str) -> Result<()> {
    if input.peek(Token![=]) && !input.peek(Token![==]) {
        input.parse::<Token![=]>()?;
        if !input.is_empty() && !input.peek(Token![,]) {
            return Ok(());
        }
    }
    Err(Error::new(
        word.span(),
        format!("`{word}` needs a value: `{word} = {example}`"),
    ))
}

fn value<T: syn::parse::Parse>(word: &Ident, input: ParseStream<'_>, example: &str) -> Result<T> {
    expect_value(word, input, example)?;
    input.parse()
}

/// A literal, so that it can be checked here.
fn kind(word: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    expect_value(word, input, "\"client\"")?;
    let at = input.span();
    input
        .parse()
        .map_err(|_| Error::new(at, "a kind is a string literal: `kind = \"client\"`"))
}

/// After an argument there is a comma or nothing.
fn end(word: &Ident, input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    let message = match word.to_string().as_str() {
        "root" | "skip_without_parent" | "future" | "stream" => format!("`{word}` takes no value"),
        "err" | "ret" => {
            format!("`{word}` takes no value but a form: `{word}(Display)` or `{word}(Debug)`")
        }
        _ => "expected a comma before the next argument".to_owned(),
    };
    Err(Error::new(input.span(), message))
}

/// `err`, `err(Display)`, `err(Debug)`.
fn form(word: &Ident, input: ParseStream<'_>) -> Result<Form> {
    if !input.peek(syn::token::Paren) {
        return Ok(Form::Plain);
    }
    let inside;
    parenthesized!(inside in input);
    let tokens: TokenStream = inside.parse()?;
    match tokens.to_string().as_str() {
        "Display" => Ok(Form::Display),
        "Debug" => Ok(Form::Debug),
        _ if tokens.is_empty() => Err(Error::new(word.span(), forms(word))),
        _ => Err(Error::new_spanned(tokens, forms(word))),
    }
}

fn forms(word: &Ident) -> String {
    format!("expected `{word}(Display)` or `{word}(Debug)`")
}

fn tags(word: &Ident, input: ParseStream<'_>) -> Result<Vec<Tag>> {
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(
            word.span(),
            "`tags` needs a list: `tags(argument, key = value)`",
        ));
    }
    let inside;
    parenthesized!(inside in input);
    let mut tags: Vec<Tag> = Vec::new();
    let mut errors: Option<Error> = None;
    while !inside.is_empty() {
        let read = tag(&inside).and_then(|tag| match inside.is_empty() || inside.peek(Token![,]) {
            true => Ok(tag),
            false => Err(Error::new(
                inside.span(),
                "expected a comma before the next tag",
            )),
        });
        match read {
            Ok(tag)
                if tags
                    .iter()
                    .any(|earlier| earlier.key.value() == tag.key.value()) =>
            {
                let message = format!("the tag `{}` is given twice", tag.key.value());
                combine(&mut errors, Error::new(tag.key.span(), message));
            }
            Ok(tag) => tags.push(tag),
            Err(error) => {
                combine(&mut errors, error);
                skip(&inside)?;
            }
        }
        inside.parse::<Option<Token![,]>>()?;
    }
    errors.map_or(Ok(tags), Err)
}

fn combine(errors: &mut Option<Error>, error: Error) {
    match errors {
        Some(errors) => errors.combine(error),
        None => *errors = Some(error),
    }
}

/// Goes on to the next comma.
fn skip(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// `argument`, `%argument`, `key = value`, `dotted.key = %value`, `"any key" = ?value`.
fn tag(input: ParseStream<'_>) -> Result<Tag> {
    if let Some(key) = input.parse::<Option<LitStr>>()? {
        if key.value().is_empty() {
            return Err(Error::new(key.span(), "a tag needs a name"));
        }
        if input.parse::<Token![=]>().is_err() {
            return Err(Error::new(
                key.span(),
                format!("the tag needs a value: `{} = value`", key.token()),
            ));
        }
        let form = sigil(input)?;
        return Ok(Tag {
            key,
            form,
            value: input.parse()?,
        });
    }
    let form = sigil(input)?;
    let (key, place) = dotted(input)?;
    if form == Form::Plain && input.peek(Token![=]) && !input.peek(Token![==]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(Error::new(
                key.span(),
                format!("the tag needs a value: `{} = value`", key.value()),
            ));
        }
        let form = sigil(input)?;
        return Ok(Tag {
            key,
            form,
            value: input.parse()?,
        });
    }
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(Error::new(
            key.span(),
            "an expression needs a key: `key = expression`",
        ));
    }
    match place {
        Some(value) => Ok(Tag { key, form, value }),
        None => Err(Error::new(
            key.span(),
            format!("`{0}` is a keyword: `{0} = value`", key.value()),
        )),
    }
}

fn sigil(input: ParseStream<'_>) -> Result<Form> {
    if input.parse::<Option<Token![%]>>()?.is_some() {
        Ok(Form::Display)
    } else if input.parse::<Option<Token![?]>>()?.is_some() {
        Ok(Form::Debug)
    } else {
        Ok(Form::Plain)
    }
}

/// `order.id` as a key, and as the place it would be as an expression; a key may have keywords in it, a place may not.
fn dotted(input: ParseStream<'_>) -> Result<(LitStr, Option<Expr>)> {
    let mut text = String::new();
    let mut place: Option<Expr> = None;
    let mut is_place = true;
    let first = input.span();
    loop {
        let Ok(part) = input.call(Ident::parse_any) else {
            // `pair.0` is a place, but no key.
            let message = if text.is_empty() {
                "expected a tag: `argument`, `key = value`, `key = %display` or `key = ?debug`"
            } else {
                "an expression needs a key: `key = expression`"
            };
            return Err(Error::new(input.span(), message));
        };
        text.push_str(&part.unraw().to_string());
        is_place &=
            part == "self" || syn::parse2::<Ident>(TokenTree::from(part.clone()).into()).is_ok();
        if is_place {
            place = Some(match place.take() {
                None => Expr::Path(syn::ExprPath {
                    attrs: Vec::new(),
                    qself: None,
                    path: part.clone().into(),
                }),
                Some(base) => Expr::Field(ExprField {
                    attrs: Vec::new(),
                    base: Box::new(base),
                    dot_token: Token![.](part.span()),
                    member: Member::Named(part.clone()),
                }),
            });
        }
        if input.parse::<Option<Token![.]>>()?.is_none() {
            let span = first.join(part.span()).unwrap_or(first);
            return Ok((LitStr::new(&text, span), place.filter(|_| is_place)));
        }
        text.push('.');
    }
}

fn unknown(word: &str) -> String {
    let meant = match word {
        "skip" | "skip_all" => "; arguments are recorded only when named in `tags(..)`".to_owned(),
        "fields" | "properties" | "attributes" => {
            "; what to record goes into `tags(..)`".to_owned()
        }
        "parent" => "; did you mean `child_of`?".to_owned(),
        "level" | "target" => "; spans have no levels or targets, sampling decides".to_owned(),
        _ => WORDS
            .into_iter()
            .map(|known| (distance(word, known), known))
            .filter(|(distance, known)| *distance <= known.len() / 3 + 1)
            .min()
            .map_or_else(String::new, |(_, known)| {
                format!("; did you mean `{known}`?")
            }),
    };
    format!(
        "unknown argument `{word}`{meant} (`#[traced]` takes {})",
        list()
    )
}

fn list() -> String {
    WORDS.map(|word| format!("`{word}`")).join(", ")
}

/// How many letters to insert, leave out or replace to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
