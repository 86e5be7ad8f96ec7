use tracing::instrument;

#[instrument]
trait Basket {
    fn total(&self) {}
}

fn main() {}
