use tracer_core::traced;

#[traced(future)]
async fn charge() {}

fn main() {
    drop(charge());
}
