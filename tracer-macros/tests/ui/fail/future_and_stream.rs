use std::pin::Pin;

use tracer_core::traced;

type Hidden = Pin<Box<dyn Future<Output = ()>>>;

#[traced(future, stream)]
fn charge() -> Hidden {
    Box::pin(async {})
}

fn main() {
    drop(charge());
}
