use tracer_core::traced;

#[traced(kind = "Client")]
fn charge() {}

fn main() {
    charge();
}
