// Shapes that the lints of the workspace forbid.
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

/// # Safety
/// The pointer is to be good.
#[traced(tags(at = unsafe { *pointer }), ret)]
unsafe fn read(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

#[traced]
extern "C" fn callback(n: i32) -> i32 {
    n + 1
}

#[traced]
unsafe extern "C" fn unsafe_callback(n: *const u8) -> u8 {
    unsafe { *n }
}

#[traced]
async unsafe fn asynchronous(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

#[traced]
#[unsafe(no_mangle)]
pub extern "C" fn exported() -> i32 {
    7
}

trait Unsafe {
    #[traced]
    unsafe fn default(&self) -> u8 {
        1
    }
}

impl Unsafe for u8 {}

#[traced]
fn exits() -> ! {
    std::panic::panic_any("exits")
}

#[traced]
#[track_caller]
fn tracked() -> u32 {
    std::panic::Location::caller().line()
}

fn main() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let n = 7;
    assert_eq!(unsafe { read(&n) }, 7);
    assert_eq!(callback(1), 2);
    assert_eq!(unsafe { unsafe_callback(&n) }, 7);
    assert_eq!(futures::executor::block_on(unsafe { asynchronous(&n) }), 7);
    assert_eq!(exported(), 7);
    assert_eq!(unsafe { 1.default() }, 1);
    std::panic::set_hook(Box::new(|_| {}));
    assert!(std::panic::catch_unwind(|| exits()).is_err());
    assert_eq!(tracked(), line!());
    assert_trace!(test, r#"
        read {at=7, return="7"}
        callback
        unsafe_callback
        asynchronous
        exported
        default
        exits {error=true} [event=error, error.kind=panic, message="the function panicked"]
        tracked
    "#);
}
