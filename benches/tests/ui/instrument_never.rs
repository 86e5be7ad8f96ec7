use tracing::instrument;

#[instrument]
fn exits() -> ! {
    std::process::exit(0)
}

fn main() {
    exits();
}
