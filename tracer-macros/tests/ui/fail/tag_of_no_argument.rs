use tracer_core::traced;

#[traced(tags(order))]
fn charge(id: u64) -> u64 {
    id
}

fn main() {
    charge(7);
}
