use tracer_core::traced;

#[traced(name = name)]
fn charge(name: &'static str) {
    let _ = name;
}

fn main() {
    charge("charge");
}
