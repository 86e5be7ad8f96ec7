use tracing::instrument;

trait Basket {
    #[instrument]
    fn total(&self) -> u32;
}

fn main() {}
