use tracer_core::traced_fn;

fn main() {
    let double = |n: u8| n * 2;
    let traced = traced_fn!("double", double);
    let nameless = traced_fn!(|n: u8| n * 2);
    let asynchronous = traced_fn!("double", async |n: u8| n * 2);
}
