use tracer_core::traced;

#[traced(child_of = context)]
fn charge(context: u64) -> u64 {
    context
}

fn main() {
    charge(7);
}
