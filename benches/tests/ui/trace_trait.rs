use fastrace::trace;

#[trace]
trait Basket {
    fn total(&self) {}
}

fn main() {}
