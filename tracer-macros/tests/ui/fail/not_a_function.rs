use tracer_core::traced;

#[traced]
struct Order {
    id: u64,
}

fn main() {
    let order = Order { id: 7 };
    let _ = order.id;
}
