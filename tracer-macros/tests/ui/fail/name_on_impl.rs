use tracer_core::traced;

struct Card;

#[traced(name = "card")]
impl Card {
    fn charge(&self) -> u64 {
        7
    }

    #[untraced]
    fn refund(&self) -> u64 {
        self.charge()
    }
}

fn main() {
    Card.refund();
}
