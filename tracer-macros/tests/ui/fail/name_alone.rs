use tracer_core::traced;

#[traced("charge")]
fn charge() {}

fn main() {
    charge();
}
