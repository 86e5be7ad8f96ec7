use fastrace::trace;

trait Basket {
    #[trace]
    fn total(&self) -> u32;
}

fn main() {}
