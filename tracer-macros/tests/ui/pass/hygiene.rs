// The expansion and the code around it do not see each other.
#![no_implicit_prelude]
#![allow(dead_code, unused_macros, non_local_definitions)]

extern crate futures;
extern crate std;
extern crate tracer_core as renamed;

mod core {}
mod alloc {}

struct Option;
struct Some;
struct None;
struct Result;
struct Box;
struct Callsite;
struct Scope;

macro_rules! module_path { () => { 7 } }
macro_rules! line { () => { "seven" } }


type Failure = std::string::String;

#[renamed::traced(crate = ::renamed, tags(__scope, __span, text = %__value), kind = "client", err, ret)]
fn sync(__scope: u8, __span: u8, __out: u8, __error: u8, __value: u8) -> std::result::Result<u8, Failure> {
    std::result::Result::Ok(__scope + __span + __out + __error + __value)
}

#[renamed::traced(crate = ::renamed, tags(__scope, __span, __value), err, ret, root, when = __span == 2)]
async fn asynchronous(__scope: u8, __span: u8, __out: u8, __returned: u8, __value: u8) -> std::result::Result<u8, Failure> {
    std::result::Result::Ok(__scope + __span + __out + __returned + __value)
}

type Boxed = std::pin::Pin<std::boxed::Box<dyn std::future::Future<Output = std::result::Result<u8, Failure>>>>;

#[renamed::traced(crate = ::renamed, future, tags(__handover, __scope), err)]
fn boxed(__handover: u8, __scope: u8, __out: u8) -> Boxed {
    if __out == 7 {
        return std::boxed::Box::pin(std::future::ready(std::result::Result::Ok(__handover)));
    }
    std::boxed::Box::pin(async move { std::result::Result::Ok(__handover + __scope + __out) })
}

fn main() {
    std::assert_eq!(sync(1, 2, 3, 4, 5), std::result::Result::Ok(15));
    std::assert_eq!(futures::executor::block_on(asynchronous(1, 2, 3, 4, 5)), std::result::Result::Ok(15));
    std::assert_eq!(futures::executor::block_on(boxed(1, 2, 3)), std::result::Result::Ok(6));
    std::assert_eq!(futures::executor::block_on(boxed(1, 2, 7)), std::result::Result::Ok(1));
}
