use tracer_core::traced;

#[traced(err)]
async fn charge() {}

fn main() {
    drop(charge());
}
