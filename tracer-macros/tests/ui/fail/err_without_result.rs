use tracer_core::traced;

#[traced(err)]
fn charge() -> Option<u64> {
    None
}

fn main() {
    charge();
}
