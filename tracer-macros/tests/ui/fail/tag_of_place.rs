use tracer_core::traced;

#[traced(tags(range.0))]
fn load(range: (u64, u64)) -> u64 {
    range.1
}

fn main() {
    load((1, 2));
}
