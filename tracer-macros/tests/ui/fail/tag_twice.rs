use tracer_core::traced;

#[traced(tags(order.id = id, "order.id" = 7))]
fn charge(id: u64) -> u64 {
    id
}

fn main() {
    charge(7);
}
