use tracing::instrument;

#[instrument]
async fn forever() -> ! {
    loop {
        std::future::pending::<()>().await;
    }
}

fn main() {
    drop(forever());
}
