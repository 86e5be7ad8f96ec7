use tracer_core::traced;

#[traced(when = size)]
fn charge(size: usize) -> usize {
    size
}

fn main() {
    charge(7);
}
