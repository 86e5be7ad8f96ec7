use tracer_core::traced;

trait Payment {
    #[traced]
    fn charge(&self) -> u64;

    fn refund(&self) -> u64 {
        self.charge()
    }
}

struct Card;

impl Payment for Card {
    fn charge(&self) -> u64 {
        7
    }
}

fn main() {
    Card.refund();
}
