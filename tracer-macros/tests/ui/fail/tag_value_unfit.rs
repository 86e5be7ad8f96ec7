use tracer_core::traced;

struct Order;

#[traced(tags(order, id))]
fn charge(id: u64, order: &Order) -> u64 {
    let _ = order;
    id
}

fn main() {
    charge(7, &Order);
}
