use tracing::instrument;

struct Basket;

#[instrument]
impl Basket {
    fn total(&self) {}
}

fn main() {
    Basket.total();
}
