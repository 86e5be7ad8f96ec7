#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use core::future::{Future, ready};
use core::pin::Pin;

use tracer_core::traced;

fn elsewhere() -> Pin<Box<dyn Future<Output = u8>>> {
    Box::pin(ready(1))
}

#[traced]
fn boxed() -> Pin<Box<dyn Future<Output = u8>>> {
    elsewhere()
}

fn main() {
    drop(boxed());
}
