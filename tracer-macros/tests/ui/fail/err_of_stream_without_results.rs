use futures::Stream;
use tracer_core::traced;

#[traced(err)]
fn numbers() -> impl Stream<Item = u8> {
    futures::stream::empty()
}

fn main() {
    drop(numbers());
}
