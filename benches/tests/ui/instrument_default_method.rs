use async_trait::async_trait;
use tracing::instrument;

#[async_trait]
trait Repository: Sync {
    #[instrument]
    async fn exists(&self) {}
}

fn main() {}
