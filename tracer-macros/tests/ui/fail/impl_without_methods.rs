use tracer_core::traced;

struct Card;

#[traced]
impl Card {
    const LIMIT: u64 = 7;
}

fn main() {
    let _ = Card::LIMIT;
}
