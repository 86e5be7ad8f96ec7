use fastrace::trace;

#[trace]
struct Basket;

fn main() {
    let _ = Basket;
}
