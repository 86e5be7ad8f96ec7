use tracer_core::traced;

#[traced(kind = client)]
fn charge() {}

fn main() {
    charge();
}
