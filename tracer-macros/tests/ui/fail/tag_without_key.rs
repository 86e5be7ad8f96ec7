use tracer_core::traced;

#[traced(tags(items.len()))]
fn charge(items: &[u32]) -> usize {
    items.len()
}

fn main() {
    charge(&[]);
}
