//! What is left of `#[traced]` in a build without tracing: nothing.
#![deny(warnings)]

use std::cell::Cell;
use std::pin::Pin;
use std::time::Duration;

use tracer_core::{MemoryReporter, Sampler, SpanContext, Tracer, traced, traced_fn};

thread_local! {
    static EVALUATED: Cell<u32> = const { Cell::new(0) };
}

fn costly() -> u32 {
    EVALUATED.set(EVALUATED.get() + 1);
    7
}

#[traced(name = "marker of a traced function", tags(only_in_tags, costly = costly()), when = costly() > 0)]
fn sync(only_in_tags: &str) -> u32 {
    1
}

#[traced(tags(n, only_in_tags), child_of = context, err, ret)]
async fn asynchronous(n: u32, only_in_tags: String, context: SpanContext) -> Result<u32, String> {
    use std::future::ready;
    ready(()).await;
    Ok(n)
}

async fn plain(n: u32, _: String, _: SpanContext) -> Result<u32, String> {
    use std::future::ready;
    ready(()).await;
    Ok(n)
}

#[traced]
fn boxed(n: u32) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async move { n })
}

struct Basket;

#[traced(kind = "client")]
impl Basket {
    fn add(&self) -> u32 {
        self.len() + 1
    }

    #[untraced]
    fn len(&self) -> u32 {
        0
    }
}

fn main() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("off").sampler(Sampler::constant(true)).reporter(memory.clone()).build().unwrap();
    let _default = tracer.set_default();
    let outer = tracer.start_active_span("outer");

    assert_eq!(sync("") + Basket.add(), 2);
    assert_eq!(traced_fn!("marker of a traced function", move |n: u32| -> u32 { n + 1 })(1), 2);
    let traced = asynchronous(1, String::new(), outer.context());
    let as_written = plain(1, String::new(), outer.context());
    assert_eq!(size_of_val(&traced), size_of_val(&as_written), "a future is as large as without the attribute");
    drop((traced, as_written, boxed(1)));
    assert_eq!(EVALUATED.get(), 0, "no expression of an attribute is evaluated");

    drop(outer);
    tracer.flush(Duration::from_secs(10)).unwrap();
    let names: Vec<_> = memory.take().iter().map(|span| span.operation_name().to_owned()).collect();
    assert_eq!(names, ["outer"], "spans by hand are as they were");

    let binary = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let marker: Vec<u8> = "noitcnuf decart a fo rekram".bytes().rev().collect();
    assert!(!binary.windows(marker.len()).any(|bytes| bytes == marker), "no call site is in the binary");
    println!("off");
}
