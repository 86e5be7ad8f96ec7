use tracer_core::traced_fn;

fn main() {
    let name = String::from("double");
    let double = traced_fn!(name.as_str(), |n: u8| n * 2);
    double(1);
}
