use tracing::instrument;

#[instrument]
struct Basket;

fn main() {
    let _ = Basket;
}
