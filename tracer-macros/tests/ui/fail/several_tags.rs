use tracer_core::traced;

#[traced(tags(id + 1, id, "" = id, text = , type), kind = "none")]
fn charge(id: u64) -> u64 {
    id
}

fn main() {
    charge(7);
}
