use fastrace::trace;

#[trace]
async fn forever() -> ! {
    loop {
        std::future::pending::<()>().await;
    }
}

fn main() {
    drop(forever());
}
