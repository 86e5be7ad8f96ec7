use tracer_core::traced;

#[traced]
unsafe extern "C" {
    safe fn abs(n: i32) -> i32;
}

fn main() {
    abs(-1);
}
