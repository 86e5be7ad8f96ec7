use tracer_core::traced;

#[traced(name)]
fn charge() {}

fn main() {
    charge();
}
