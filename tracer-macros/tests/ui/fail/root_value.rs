use tracer_core::traced;

#[traced(root = true)]
fn charge() {}

fn main() {
    charge();
}
