// What the compiler says of a function is what it would say without the attribute.
#![deny(unused, unreachable_code)]

use tracer_core::traced;

#[traced]
fn sync(unused: u32) -> u32 {
    let mut unchanged = 1;
    return unchanged;
    println!("unreachable");
}

#[traced]
async fn asynchronous(unused: u32, mut unchanged: u32) -> u32 {
    let never_read = 1;
    std::future::ready(()).await;
    unchanged
}

#[traced]
async fn braces() -> u32 {
    (std::future::ready(1).await)
}

fn main() {
    sync(1);
    drop(asynchronous(1, 2));
    drop(braces());
}
