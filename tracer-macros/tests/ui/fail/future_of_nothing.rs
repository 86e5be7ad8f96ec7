use tracer_core::traced;

#[traced(stream)]
fn charge() {}

fn main() {
    charge();
}
