//! Generated code is silent under the strictest lints people use, and does not silence the user's own.

#![deny(
    warnings,
    future_incompatible,
    keyword_idents,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    unused,
    absolute_paths_not_starting_with_crate,
    ambiguous_negative_literals,
    explicit_outlives_requirements,
    macro_use_extern_crate,
    meta_variable_misuse,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unsafe_code,
    unused_crate_dependencies,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::cargo,
    clippy::allow_attributes_without_reason,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::default_numeric_fallback,
    clippy::else_if_without_else,
    clippy::exhaustive_structs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::let_underscore_untyped,
    clippy::mem_forget,
    clippy::missing_trait_methods,
    clippy::panic,
    clippy::pattern_type_mismatch,
    clippy::redundant_type_annotations,
    clippy::ref_patterns,
    clippy::semicolon_inside_block,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::shadow_unrelated,
    clippy::str_to_string,
    clippy::unreachable,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]
#![expect(dead_code, reason = "they are compiled, not called")]
#![allow(
    unused_crate_dependencies,
    clippy::cargo,
    reason = "about the package, not about code"
)]

use std::future::Ready;
use std::io;
use std::pin::Pin;

use futures::Stream;
use tracer_core::{SpanContext, traced, traced_fn};

#[derive(Debug)]
struct Account {
    id: u64,
}

#[traced(name = "all", tags(id, a.b = %id, text = ?id), kind = "client", err, ret, root, when = id > 0)]
fn sync(id: u64) -> io::Result<u64> {
    if id == 1 {
        return Err(io::Error::other("one"));
    }
    Ok(id)
}

#[traced]
fn unit() {}

#[traced]
fn items_first() -> u64 {
    use std::convert::identity;
    const SEVEN: u64 = 7;
    const fn inner(n: u64) -> u64 {
        n
    }
    identity(inner(SEVEN))
}

#[traced(tags(id), err, ret)]
async fn items_first_async(id: u64) -> Result<u64, io::Error> {
    const SEVEN: u64 = 7;
    std::future::ready(
        SEVEN
            .checked_add(id)
            .ok_or_else(|| io::Error::other("too much")),
    )
    .await
}

#[traced]
async fn unit_async() {
    std::future::ready(()).await;
}

#[traced]
async fn underscore(_id: u64, _other: Box<u64>) {
    std::future::ready(()).await;
}

#[traced(tags(first), child_of = context, follows_from = context)]
async fn patterns((first, _): (u64, u64), mut n: u64, context: &SpanContext) -> u64 {
    n = n.wrapping_add(first);
    std::future::ready(n).await
}

#[traced]
async fn of_a_future() -> Ready<u64> {
    std::future::ready(()).await;
    std::future::ready(1)
}

#[traced]
async fn of_a_box() -> Pin<Box<dyn Future<Output = u64> + Send>> {
    std::future::ready(()).await;
    Box::pin(std::future::ready(1))
}

#[traced]
async fn set_in_a_pattern((mut n, _other): (Account, u64)) {
    n.id = 1;
    std::future::ready(()).await;
}

#[traced]
async fn borrowed(text: &str) -> &str {
    std::future::ready(()).await;
    text
}

#[traced]
async fn never() -> ! {
    loop {
        std::future::ready(()).await;
    }
}

#[traced]
fn never_sync() -> ! {
    loop {
        std::thread::park();
    }
}

#[traced(err)]
fn opaque(id: u64) -> impl Future<Output = io::Result<u64>> + Send {
    std::future::ready(Ok(id))
}

#[traced(err(Debug), ret(Display))]
fn boxed(id: u64) -> Pin<Box<dyn Future<Output = io::Result<u64>> + Send>> {
    if id == 0 {
        return Box::pin(async { Err(io::Error::other("zero")) });
    }
    Box::pin(std::future::ready(Ok(id)))
}

#[traced]
fn sole_box(id: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { std::future::ready(id).await })
}

#[traced]
fn stream() -> impl Stream<Item = u64> {
    futures::stream::empty()
}

#[traced(err)]
fn results() -> impl Stream<Item = io::Result<u64>> {
    futures::stream::empty()
}

#[traced(err(Debug))]
fn boxed_results(early: bool) -> Pin<Box<dyn Stream<Item = io::Result<u64>> + Send>> {
    if early {
        return Box::pin(futures::stream::empty());
    }
    Box::pin(results())
}

fn closures(ids: &[u64]) -> u64 {
    let total: u64 = ids.iter().map(traced_fn!("id", |id| *id)).sum();
    let add = traced_fn!("add", move |id: u64| -> u64 { total.wrapping_add(id) });
    let block = traced_fn!("block", || {
        let first = ids.first();
        first.copied().unwrap_or_default()
    });
    add(block())
}

#[traced(err, skip_without_parent)]
impl Account {
    fn id(&self) -> u64 {
        self.id
    }

    #[untraced]
    const fn plain(&self) -> u64 {
        self.id
    }

    async fn load(&mut self) -> io::Result<&mut Self> {
        self.id = std::future::ready(1).await;
        Ok(self)
    }
}

#[async_trait::async_trait]
trait Repository {
    #[traced(tags(id), err)]
    async fn find(&self, id: u64) -> io::Result<u64> {
        std::future::ready(Ok(id)).await
    }
}
