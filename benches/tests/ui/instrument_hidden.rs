use std::pin::Pin;

use tracing::instrument;

trait Service {
    type Future: Future<Output = ()>;

    fn call(&mut self) -> Self::Future;
}

#[derive(Debug)]
struct Server;

impl Service for Server {
    type Future = Pin<Box<dyn Future<Output = ()>>>;

    // With `skip(self)` it compiles: as it is, the future borrows the service for the span.
    #[instrument]
    fn call(&mut self) -> Self::Future {
        Box::pin(async move {})
    }
}

fn main() {
    drop(Server.call());
}
