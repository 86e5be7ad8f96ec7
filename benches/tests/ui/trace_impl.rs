use fastrace::trace;

struct Basket;

#[trace]
impl Basket {
    fn total(&self) {}
}

fn main() {
    Basket.total();
}
