use tracer_core::traced;

struct Order;

#[traced(tags(%order))]
fn charge(order: &Order) {
    let _ = order;
}

fn main() {
    charge(&Order);
}
