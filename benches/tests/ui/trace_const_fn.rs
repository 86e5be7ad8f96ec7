use fastrace::trace;

#[trace]
const fn charge() -> u32 {
    7
}

const CENTS: u32 = charge();

fn main() {
    let _ = CENTS;
}
