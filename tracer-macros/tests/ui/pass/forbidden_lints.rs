#![forbid(unused_imports)]

use tracer_core::traced;

#[traced(tags(n), err)]
fn even(n: u64) -> std::io::Result<u64> {
    if n % 2 == 0 { Ok(n) } else { Err(std::io::Error::other("odd")) }
}

#[traced(tags(n), err)]
async fn even_later(n: u64) -> std::io::Result<u64> {
    even(n)
}

fn main() {
    let _ = even(1);
    drop(even_later(1));
}
