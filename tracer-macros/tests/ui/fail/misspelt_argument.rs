use tracer_core::traced;

#[traced(nam = "charge")]
fn charge() {}

fn main() {
    charge();
}
